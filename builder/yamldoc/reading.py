"""Text → `Document`, from the parser's events with a stack of its own: no nesting can exhaust Python's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from builder.errors import Place, Problem
from builder.yamldoc.content import MATRIX, Kind, shown, unfit
from builder.yamldoc.nodes import Document, Hole, Mapping, Node, Scalar, Sequence
from builder.yamldoc.syntax import problem_of

MAX_DEPTH = 20
_MAX_PROBLEMS = 100


def examine(text: str, file: str, kind: Kind = MATRIX) -> Document:
    """As much of a document as can be read, with all that is wrong with it; raises nothing for bad text."""
    text = text.removeprefix("\ufeff")
    problems = tuple(unfit(text, file, kind))
    if problems:
        return Document(root=None, problems=problems)
    builder = _Builder(file=file, kind=kind)
    try:
        for event in yaml.parse(text, Loader=_loader()):
            if not builder.take(event):
                break
    except yaml.YAMLError as error:
        builder.stopped = True
        builder.problems.append(problem_of(error, text, file))
    root = builder.finish()
    return Document(root=root, problems=tuple(builder.problems))


def _loader() -> Any:
    """libyaml's parser where PyYAML was built with it: the same events, many times faster."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True, kw_only=True)
class _Open:
    """A list or a mapping whose end has not come; a mapping's `items` are key, value, key, value."""

    mapping: bool
    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Builder:
    """Makes nodes of events. `stopped`: reading on would tell nothing, or nothing true."""

    file: str
    kind: Kind
    problems: list[Problem] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    roots: list[Node] = field(default_factory=list)
    documents: int = 0
    stopped: bool = False

    def take(self, event: yaml.Event) -> bool:
        """Add one event; False when there is no point in reading on."""
        mark: Any = event.start_mark  # never None in an event of a parser
        place = Place(file=self.file, line=mark.line + 1, column=mark.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._complain(place, "a second document starts here", "keep one in a file; remove `---`")
        elif isinstance(event, yaml.AliasEvent):
            hint = 'write the value out; quote a glob: "*"'
            self._complain(place, f"alias '*{shown(str(event.anchor))}' is not allowed", hint)
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
        root = self.roots[0] if self.roots else None
        if root is None or (isinstance(root, Scalar) and root.plain and not root.text):
            place = Place(file=self.file, line=1, column=1)
            self._complain(place, "the file is empty", self.kind.examples)
            return None
        return root

    def _node(self, event: yaml.NodeEvent, place: Place) -> None:
        if event.anchor is not None:
            hint = "write the value out where it is used; quote it if it starts with '&'"
            self._complain(place, f"anchor '&{shown(str(event.anchor))}' is not allowed", hint)
        tag = getattr(event, "tag", None)
        if tag is not None:
            short = shown(tag.replace("tag:yaml.org,2002:", "!!"))
            hint = "every value is text already; quote it if it starts with '!'"
            self._complain(place, f"tag '{short}' is not allowed", hint)
        if isinstance(event, yaml.ScalarEvent):
            self._add(Scalar(text=event.value, plain=event.style in (None, ""), place=place))
            return
        self.open.append(_Open(mapping=isinstance(event, yaml.MappingStartEvent), place=place))
        if len(self.open) > MAX_DEPTH:
            self.stopped = True
            self._complain(place, f"nested more than {MAX_DEPTH} levels deep", "check the brackets")

    def _add(self, node: Node) -> None:
        (self.open[-1].items if self.open else self.roots).append(node)

    def _closed(self, group: _Open) -> Node:
        if not group.mapping:
            return Sequence(items=tuple(group.items), place=group.place)
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(group.items[::2], group.items[1::2], strict=True):
            if isinstance(key, Scalar):
                self._entry(entries, key, value)
            elif not isinstance(key, Hole):
                self._complain(key.place, "a key must be text", "quote what starts with '{' or '['")
        return Mapping(entries=tuple(entries.values()), place=group.place)

    def _entry(self, entries: dict[str, tuple[Scalar, Node]], key: Scalar, value: Node) -> None:
        if key.plain and key.text == "<<":
            self._complain(key.place, "merge key '<<' is not allowed", "write the keys out")
        elif key.text in entries:
            line = entries[key.text][0].place.line
            self._complain(
                key.place, f"duplicate key '{shown(key.text)}'", f"it is on line {line} too; keep one"
            )
        else:
            entries[key.text] = (key, value)

    def _complain(self, place: Place, message: str, hint: str) -> None:
        self.problems.append(Problem(message=message, hint=hint, place=place))
        self.stopped = self.stopped or len(self.problems) >= _MAX_PROBLEMS
