"""YAML text → nodes with their places, every scalar as text; the only door to PyYAML.

YAML's own types are not applied: `3.10` stays `3.10`, `no` stays `no`. Aliases, anchors, tags and merge keys are refused,
so a document is exactly what its reader sees and cannot grow while it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from builder.errors import InputError, Place, Problem

MAX_BYTES = 1024**2
MAX_DEPTH = 20
_MAX_PROBLEMS = 100
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

# What no editor shows: control characters, lone surrogates, line breaks that only YAML counts, text-direction overrides.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One piece of text. `plain` when it was written without quotes, so that an empty one means that nothing was written."""

    text: str
    plain: bool
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list; `place` is that of its first sign."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Keys with their values, in the file's order, each key once."""

    entries: tuple[tuple[Scalar, Node], ...]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Stands where something was refused (an alias), so that one mistake is not told twice."""

    place: Place


Node = Scalar | Sequence | Mapping | Hole


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What could be read, and all that is wrong with it. `root` is None when there is nothing to go on with."""

    root: Node | None
    problems: tuple[Problem, ...]


def parse(text: str, file: str) -> Node:
    """The document of `text`. Raises `InputError` with every problem; `file` is the name used in their places."""
    document = examine(text, file)
    if document.root is None or document.problems:
        raise InputError(document.problems)
    return document.root


def examine(text: str, file: str) -> Document:
    """Like `parse`, but hands the problems back with as much of the document as could be read. Never raises for bad text."""
    text = text.removeprefix("\ufeff")
    problems = list(_unfit(text, file))
    if problems:
        return Document(root=None, problems=tuple(problems))
    builder = _Builder(file=file)
    try:
        for event in yaml.parse(text, Loader=_loader()):
            if not builder.take(event):
                break
    except yaml.YAMLError as error:
        builder.stopped = True
        builder.problems.append(_syntax_problem(error, text, file))
    return Document(root=builder.finish(), problems=tuple(builder.problems))


def read_text(path: Path) -> str:
    """The file's text, which must be UTF-8 (with or without a byte order mark) and at most 1 MiB.

    Raises `InputError` for a file that is missing, a folder, unreadable, too large or not UTF-8.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 4)
    except FileNotFoundError:
        raise InputError.of(
            f"{path} does not exist", hint="check the path; `envbuild init` writes a matrix"
        ) from None
    except IsADirectoryError:
        raise InputError.of(
            f"{path} is a folder, not a file", hint=f"name a file in it: {path}/….yaml"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError.of(f"{path} cannot be read: {reason}", hint="check its permissions") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(content) > MAX_BYTES:  # the cut may have gone through a character, and the size is the news
            raise InputError((_too_large(str(path)),)) from error
        raise InputError((_not_utf8(content, error.start, str(path)),)) from error


def read_table(path: Path) -> Any:
    """A table of envbuild's own as plain dict, list and str; empty values and an unquoted `null` or `~` are None.

    Nothing else is converted: `3.10`, `2025-01-29`, `14` and `true` stay text. Raises as `read_text` and `parse` do.
    """
    return _plain(parse(read_text(path), str(path)))


def _plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return None if node.plain and node.text in _NULLS else node.text
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    assert isinstance(node, Mapping)  # noqa: S101 - `parse` lets no hole through
    return {key.text: _plain(value) for key, value in node.entries}


def _loader() -> Any:
    """libyaml's parser where PyYAML was built with it: twenty times faster, the same events."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, kw_only=True)
class _Open:
    """A list or a mapping whose end has not come; a mapping's `items` are key, value, key, value."""

    mapping: bool
    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Builder:
    """Makes nodes of the parser's events with a stack of its own, so that no nesting can exhaust Python's."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    roots: list[Node] = field(default_factory=list)
    documents: int = 0
    stopped: bool = False

    def take(self, event: yaml.Event) -> bool:
        """Add one event; False when there is no point in reading on."""
        place = _place(self.file, event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._complain(
                    place, "a second document starts here", "keep one document in a file; remove `---`"
                )
        elif isinstance(event, yaml.AliasEvent):
            self._complain(
                place, f"alias '*{event.anchor}' is not allowed", 'write the value out; quote a glob: "*"'
            )
            self._add(Hole(place=place))
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, place)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self._closed(self.open.pop()))
        return not self.stopped and self.documents < 2

    def finish(self) -> Node | None:
        """The whole document, or None when it was not read to its end or there is none."""
        if self.stopped:
            return None
        if not self.roots or (
            isinstance(self.roots[0], Scalar) and self.roots[0].plain and not self.roots[0].text
        ):
            self._complain(
                Place(file=self.file, line=1, column=1),
                "the file is empty",
                "`envbuild init` writes a matrix",
            )
            return None
        return self.roots[0]

    def _node(self, event: yaml.NodeEvent, place: Place) -> None:
        if event.anchor is not None:
            self._complain(
                place, f"anchor '&{event.anchor}' is not allowed", "write the value out where it is used"
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self._complain(
                place,
                f"tag '{shown}' is not allowed",
                "every value is text already; quote it if it starts with '!'",
            )
        if isinstance(event, yaml.ScalarEvent):
            self._add(Scalar(text=event.value, plain=event.style in (None, ""), place=place))
            return
        self.open.append(_Open(mapping=isinstance(event, yaml.MappingStartEvent), place=place))
        if len(self.open) > MAX_DEPTH:
            self.stopped = True
            self._complain(
                place, f"nested more than {MAX_DEPTH} levels deep", "a matrix needs no more than four"
            )

    def _add(self, node: Node) -> None:
        (self.open[-1].items if self.open else self.roots).append(node)

    def _closed(self, group: _Open) -> Node:
        if not group.mapping:
            return Sequence(items=tuple(group.items), place=group.place)
        first: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(group.items[::2], group.items[1::2], strict=True):
            if not isinstance(key, Scalar):
                if not isinstance(key, Hole):
                    self._complain(
                        key.place, "a key must be plain text", "quote the value if it starts with '{' or '['"
                    )
            elif key.plain and key.text == "<<":
                self._complain(key.place, "merge key '<<' is not allowed", "write the keys out")
            elif key.text in first:
                line = first[key.text][0].place.line
                self._complain(
                    key.place,
                    f"duplicate key '{key.text}'",
                    f"it is already on line {line}; keep one of them",
                )
            else:
                first[key.text] = (key, value)
        return Mapping(entries=tuple(first.values()), place=group.place)

    def _complain(self, place: Place, message: str, hint: str) -> None:
        self.problems.append(Problem(message=message, hint=hint, place=place))
        if len(self.problems) >= _MAX_PROBLEMS:
            self.stopped = True


def _place(file: str, mark: Any) -> Place:
    return Place(file=file, line=mark.line + 1, column=mark.column + 1)


def _unfit(text: str, file: str) -> Iterator[Problem]:
    """What keeps text from being read at all."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        yield _too_large(file)
        return
    for count, match in enumerate(_INVISIBLE.finditer(text), start=1):
        if count > 10:  # a binary file is full of them
            return
        before = re.split("\r\n|\r|\n", text[: match.start()])
        yield Problem(
            message=f"invisible character U+{ord(match[0]):04X}",
            hint="remove it; only printable text, tabs and line ends are allowed",
            place=Place(file=file, line=len(before), column=len(before[-1]) + 1),
        )


def _too_large(file: str) -> Problem:
    return Problem(
        message="the file is larger than 1 MiB",
        hint="is it a matrix?",
        place=Place(file=file, line=1, column=1),
    )


def _not_utf8(content: bytes, offset: int, file: str) -> Problem:
    before = re.split(b"\r\n|\r|\n", content[:offset])
    column = len(before[-1].decode("utf-8")) + 1
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return Problem(
        message=f"not UTF-8: byte 0x{content[offset]:02x}" + (" (it looks like UTF-16)" if utf16 else ""),
        hint="save the file as UTF-8",
        place=Place(file=file, line=len(before), column=column),
    )


# Words of libyaml and of PyYAML's own parser → ours, and what to do. The first that occurs counts.
_SYNTAX = (
    (r"cannot start any token", "a value cannot start with this character", 'quote the value, for example ">=3.10"'),
    (r"chomping|comment or line break", "text that the sign before it does not allow", 'quote the value, for example ">=3.10"'),
    (r"mapping values are not allowed", "a ':' where no key can be", "quote a value that holds ': ', or check the indentation"),
    (r"',' or '[]}]'", "a list or mapping in brackets is not closed", "close it, or separate its items with ','"),
    (r"expected key|<block end>|'-' indicator|block sequence entries", "the indentation does not fit", "align it with its neighbours"),
    (r"expected ':'", "a key without ':'", "write `key: value`"),
    (r"unexpected (end of stream|document)", "a quoted text is not closed", "add the closing quote"),
    (r"unknown escape", "an unknown escape after a backslash", "use 'single quotes' for text with backslashes"),
    (r"alphabetic or numeric|expected alphanumeric", "'*' and '&' cannot start a value", 'quote it, for example "*"'),
    (r"node content", "a value is missing, or a bracket is too much", "check the brackets of this line"),
    (r"<document start>", "the document has ended before this line", "remove `...`, or check the brackets above"),
)  # fmt: skip


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """PyYAML's message in plain words; its own words are kept where there are none here."""
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    mark, start = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if start is not None and (mark is None or not text[mark.index :].strip()):
        mark = start  # at the end of the file nobody looks for it: the bracket or quote that was left open is the place
    place = Place(file=file, line=1, column=1) if mark is None else _place(file, mark)
    if mark is not None and text[mark.index : mark.index + 1] == "\t":
        return Problem(message="not valid YAML: a tab cannot indent", hint="indent with spaces", place=place)
    for pattern, message, hint in _SYNTAX:
        if re.search(pattern, problem):
            return Problem(message=f"not valid YAML: {message}", hint=hint, place=place)
    return Problem(
        message=f"not valid YAML: {problem}", hint="check the line and the one above it", place=place
    )
