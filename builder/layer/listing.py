"""What a stack of layers looks like, merged: the paths that a container sees, and where each came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from builder.errors import OutsideError
from builder.layer.reading import bare_entries, hides
from builder.layer.values import Entry

MOST_LINKS = 40  # symbolic links on the way to one path, as in Linux


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Every path of a stack of layers, with the entry that it comes from.

    A hard link has the attributes of its file, a device stands as a file, and folders that no layer names but
    that others imply are root's, with mode 0755.
    """

    paths: Mapping[str, Entry] = field(default_factory=dict)


def listing(tars: Iterable[Path], below: Listing | None = None) -> Listing:
    """The layers of these tars, from the lowest on, merged onto `below` the way that engines do it."""
    tree = Tree.onto(below or Listing())
    for tar in tars:
        tree.apply(tuple(bare_entries(tar)))
    return Listing(paths=tree.paths)


@dataclass(slots=True, kw_only=True)
class Tree:
    """A file system to which layers are applied. Paths lead through no symbolic link."""

    paths: dict[str, Entry] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)  # what is in each folder, as whole paths
    places: dict[str, str] = field(default_factory=dict)  # folders as written → without symbolic links
    mtime: int = 0  # of folders that are only implied

    @classmethod
    def onto(cls, below: Listing, mtime: int = 0) -> Tree:
        """A tree that begins as that listing, whose entries it keeps as long as nothing replaces them."""
        tree = cls(paths=dict(below.paths), mtime=mtime)
        for path in below.paths:
            tree.names.setdefault(_parent(path), set()).add(path)
        return tree

    def apply(self, layer: Sequence[Entry]) -> None:
        """Apply one layer. Its whiteouts mean what is below it, wherever in the tar they stand."""
        for entry in layer:
            if entry.kind == "whiteout":
                self.remove(entry)
        for entry in layer:
            if entry.kind != "whiteout":
                self.add(entry)

    def remove(self, whiteout: Entry) -> None:
        """Take away what a whiteout means."""
        folder = hides(whiteout)
        if folder is None:
            self.cut(self.resolved(whiteout.path))
            return
        # Not through a link of that name: then the folder is new, and hides nothing but the link.
        for path in tuple(self.names.get(self.resolved(folder), ())):
            self.cut(path)

    def cut(self, path: str) -> None:
        """Take away a path, and everything in it."""
        there = self.paths.pop(path, None)
        self.names.get(_parent(path), set()).discard(path)
        if path in self.places or (there and there.kind == "symlink"):
            self.places.clear()
        for name in self.names.pop(path, ()):
            self.cut(name)

    def add(self, entry: Entry) -> None:
        """Put an entry where a container would see it."""
        path = self.resolved(entry.path)
        there = self.paths.get(path)
        if there and (there.kind != "folder" or entry.kind != "folder"):
            self.cut(path)
        self.make_folder(_parent(path))
        self.paths[path] = self.linked(entry, path) if entry.kind == "hardlink" else _at(path, entry)
        self.names.setdefault(_parent(path), set()).add(path)
        if entry.kind == "symlink" and path in self.places:
            self.places.clear()

    def make_folder(self, path: str) -> None:
        """Imply a folder, with its parents."""
        there = self.paths.get(path)
        if not path or (there and there.kind == "folder"):
            return
        if there:
            self.cut(path)
        self.make_folder(_parent(path))
        self.paths[path] = Entry(path=path, kind="folder", mode=0o755, mtime=self.mtime)
        self.names.setdefault(_parent(path), set()).add(path)

    def linked(self, entry: Entry, path: str) -> Entry:
        """A hard link, as another name of its file: the same content, the same attributes."""
        file = self.paths.get(self.resolved(entry.target))
        if file is None or file.kind == "folder":
            raise OutsideError.of(
                f"a layer links {entry.path} to {entry.target}, which is no file",
                hint="the image is damaged, or envbuild read it wrongly; try again",
            )
        return replace(file, path=path)

    def resolved(self, path: str) -> str:
        """The path with the symbolic links on the way to it (not itself) followed."""
        folder, _, name = path.rpartition("/")
        return _joined(self.folder(folder), name)

    def folder(self, path: str) -> str:
        """The folder that a path names, all symbolic links followed."""
        if not path:
            return ""
        place = self.places.get(path)
        if place is None:
            parent, _, name = path.rpartition("/")
            place = self.walk(self.folder(parent), name)
            self.places[path] = self.places[place] = place
        return place

    def walk(self, place: str, name: str) -> str:
        """Where a name leads from a folder; `..` does not lead above the root."""
        left, links = [name], 0
        while left:
            part = left.pop()
            path = _parent(place) if part == ".." else place if part in ("", ".") else _joined(place, part)
            there = self.paths.get(path)
            if there is None or there.kind != "symlink":
                place = path
                continue
            links += 1
            if links > MOST_LINKS:
                raise OutsideError.of(f"symbolic links of a layer lead in a circle at {path}")
            place = "" if there.target.startswith("/") else place
            left += reversed(there.target.split("/"))
        return place


def _at(path: str, entry: Entry) -> Entry:
    return entry if entry.path == path else replace(entry, path=path)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
