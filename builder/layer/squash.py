"""Several layers above a base become the entries of one: the same state, the same entries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from builder.errors import OutsideError
from builder.layer.headers import raw
from builder.layer.listing import Listing, Tree
from builder.layer.reading import entries, held
from builder.layer.rules import Rules
from builder.layer.values import Entry

Paths = Mapping[str, Entry]
_DAY = 86400


def squash(layers: Sequence[Path], below: Listing, rules: Rules) -> tuple[Entry, ...]:
    """What these layers, from the lowest on, make of `below`, in the order of the paths' bytes.

    Only what a container sees counts, not how many layers it took: a file that comes and goes leaves nothing,
    an opaque folder becomes whiteouts, a link that differs in its time alone is left out, and so is a file
    that was opened for writing and left as it was. A folder is there when it has changed, its time apart, or
    when something in it has.
    """
    tree = Tree.onto(below, rules.epoch)
    for layer in layers:
        tree.apply(entries(layer))
    changed = (entry for path, entry in tree.paths.items() if entry is not below.paths.get(path))
    ours = {entry.path: entry for entry in changed if not _repeats(entry, below.paths.get(entry.path))}
    kept = _ruled(ours, below.paths, rules)
    gone = _whiteouts(tree.paths, below.paths, rules)
    changes = (*_linked(kept), *gone)
    made = (*changes, *_above(changes, tree.paths, below.paths))
    return tuple(sorted((_clamped(entry, rules) for entry in made), key=lambda entry: raw(entry.path)))


def _repeats(entry: Entry, lower: Entry | None) -> bool:
    """Whether it is what is below already; of a folder or a symbolic link the time does not matter.

    overlayfs copies a file up when it is opened for writing. Docker's overlay2 store and Podman's then list
    it, containerd's differ (`sameDirent`) and the vfs store compare and do not.
    """
    if lower is None or entry.kind == "hardlink":
        return False
    if entry.kind != "file":
        return replace(entry, mtime=0) == replace(lower, mtime=0)
    alike = replace(entry, content=None) == replace(lower, content=None)
    return alike and (not entry.size or _bytes(entry) == _bytes(lower))


def _whiteouts(seen: Paths, below: Paths, rules: Rules) -> Iterator[Entry]:
    """One for each path of below that is gone while its folder is there."""
    mounted = rules.pattern("mounted")
    for path in below.keys() - seen.keys():
        folder = path.rpartition("/")[0]
        there = seen.get(folder)
        if (not folder or (there and there.kind == "folder")) and not mounted.match(path):
            yield Entry(path=path, kind="whiteout")


def _above(changes: Sequence[Entry], seen: Paths, below: Paths) -> Iterator[Entry]:
    """The folders on the way to these changes that are none themselves, as they are below.

    Where a layer does not name them, Docker's overlay2 store makes them anew, root's with mode 0755, and
    that is what a container sees: `/tmp` from which a file was removed could be written by root alone.
    """
    told = {entry.path for entry in changes}
    for entry in changes:
        folder = entry.path.rpartition("/")[0]
        while folder and folder not in told:
            told.add(folder)
            yield below.get(folder) or seen[folder]
            folder = folder.rpartition("/")[0]


def _ruled(ours: Paths, below: Paths, rules: Rules) -> dict[str, Entry]:
    """What the rules leave of our entries."""
    out = tuple(rules.pattern(action) for action in ("mounted", "volatile"))
    kept = {path: entry for path, entry in ours.items() if not any(pattern.match(path) for pattern in out)}
    emptied, day = rules.pattern("emptied"), rules.pattern("day")
    for path in [path for path in kept if emptied.match(path)]:
        entry = kept.pop(path)
        if path not in below:
            kept[path] = _with(entry, b"")
    for path in [path for path in kept if day.match(path) and kept[path].kind == "file"]:
        kept[path] = _with(kept[path], _not_after(_bytes(kept[path]), rules.epoch // _DAY))
    return _without_stubs(kept, below, rules)


def _without_stubs(ours: dict[str, Entry], below: Paths, rules: Rules) -> dict[str, Entry]:
    """Leave out empty files, and folders with nothing in them, where engines leave their mount points."""
    stub = rules.pattern("stub")
    kept = {path: entry for path, entry in ours.items() if not stub.match(path)}
    needed: set[str] = set()
    for path in sorted(ours.keys() - kept.keys(), reverse=True):  # what is in a folder before the folder
        entry, lower = ours[path], below.get(path)
        empty = (entry.kind == "file" and not entry.size) or (entry.kind == "folder" and path not in needed)
        if not empty or (lower and (lower.kind, lower.size) != (entry.kind, entry.size)):
            kept[path] = entry
            needed.add(path.rpartition("/")[0])
    return kept


def _linked(ours: Paths) -> Iterator[Entry]:
    """Our entries; of a file's several names the smallest is the file, and the others link to it."""
    names: dict[int, list[Entry]] = {}
    for entry in ours.values():
        if entry.kind != "file":
            yield entry
        elif entry.content is None:
            raise OutsideError.of(
                f"{entry.path} is a hard link to a device or a pipe of the base image",
                hint="make a file of it in the step that made it",
            )
        else:
            names.setdefault(id(entry.content), []).append(entry)
    for same in names.values():
        first, *others = sorted(same, key=lambda entry: raw(entry.path))
        yield first
        yield from (replace(other, kind="hardlink", target=first.path, content=None) for other in others)


def _clamped(entry: Entry, rules: Rules) -> Entry:
    return replace(entry, mtime=rules.epoch) if entry.mtime > rules.epoch else entry


def _not_after(shadow: bytes, day: int) -> bytes:
    """The lines of `/etc/shadow`, where no password was changed after that day."""
    lines = [line.split(b":") for line in shadow.split(b"\n")]
    for fields in lines:
        if len(fields) > 2 and fields[2].isdigit() and int(fields[2]) > day:
            fields[2] = b"%d" % day
    return b"\n".join(b":".join(fields) for fields in lines)


def _bytes(entry: Entry) -> bytes:
    return b"".join(entry.content()) if entry.content else b""


def _with(entry: Entry, content: bytes) -> Entry:
    """The file with another content, of its own."""
    return replace(entry, kind="file", size=len(content), content=held(content), target="")
