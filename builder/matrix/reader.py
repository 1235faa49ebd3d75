"""Nodes → checked values, collecting what is wrong on the way instead of stopping at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from builder import yamldoc
from builder.errors import Place, Problem
from builder.matrix import keys
from builder.matrix.asked import Value
from builder.matrix.spelling import WordError, choose, nearest
from builder.yamldoc import MATRIX, Hole, Kind, Node, Scalar, shown

T = TypeVar("T")
D = TypeVar("D")
S = TypeVar("S", bound=str)

_MAX_LENGTH = 4096
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads nodes; `where` names a part of the document (`matrix.os`). What is wrong yields nothing."""

    problems: list[Problem] = field(default_factory=list)
    kind: Kind = MATRIX
    homes: Mapping[str, str] = field(default_factory=lambda: keys.HOMES)  # where a key stands, if elsewhere

    def complain(self, place: Place, message: str, hint: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(message=message, hint=hint, place=place))

    def part(self, node: Node, where: str, known: tuple[str, ...], required: Mapping[str, str]) -> Part:
        """A mapping's values by key. `required` maps each key that must be there to an example for the hint.

        A key that is nearly right is told and then read as the key that was meant, so it costs one problem.
        """
        part = Part(reader=self, where=where, place=node.place)
        if not isinstance(node, yamldoc.Mapping):
            hint = f"write {where}: {{{known[0]}: …}}" if where else self.kind.start
            self._wrong_type(node, where, "a mapping", hint)
            return part
        written = {key.text for key, _ in node.entries}
        for key, value in node.entries:
            meant = key.text if key.text in known else self._unknown_key(key, where, known)
            if meant == key.text or (meant is not None and meant not in written):
                part.values.setdefault(meant, value)
        for missing, example in required.items():
            if missing not in part.values:
                inside = f" in {where}" if where else ""
                self.complain(
                    node.place, f"key '{missing}' is missing{inside}", f"add `{missing}: {example}`"
                )
        return part

    def items(self, node: Node, where: str, example: str) -> tuple[Node, ...]:
        """The items of a list."""
        if isinstance(node, yamldoc.Sequence):
            return node.items
        if isinstance(node, Scalar) and not _is_null(node):
            example = f"[{shown(node.text)}]"
        self._wrong_type(node, where, "a list", f"write {where.rpartition('.')[2]}: {example}")
        return ()

    def text(self, node: Node, where: str) -> str | None:
        """A scalar's text: there, on one line, printable, of a sane length."""
        if not isinstance(node, Scalar) or _is_null(node):
            self._wrong_type(node, where, "text", "write one value")
            return None
        if len(node.text) > _MAX_LENGTH:
            self.complain(node.place, f"{where} is longer than {_MAX_LENGTH} characters", "shorten it")
            return None
        strange = next((sign for sign in node.text if not sign.isprintable()), None)
        if strange is not None:
            what = "a line end" if strange in "\r\n" else f"the character U+{ord(strange):04X}"
            self.complain(node.place, f"{where} holds {what}", "write printable text on one line")
            return None
        return node.text

    def word(self, node: Node, where: str, rule: Callable[[str], T]) -> T | None:
        """What `rule` makes of a scalar's text."""
        text = self.text(node, where)
        if text is None:
            return None
        try:
            return rule(text)
        except WordError as error:
            self.complain(node.place, error.message, error.hint)
            return None

    def _unknown_key(self, key: Scalar, where: str, known: tuple[str, ...]) -> str | None:
        inside = f" in {where}" if where else ""
        meant = nearest(key.text, known)
        home = self.homes.get(key.text)
        if meant is not None:
            hint = f"did you mean '{meant}'?"
        elif home is not None:
            hint = f"it belongs under '{home}'" if home else "it belongs at the top of the file, not indented"
        else:
            hint = f"known keys: {', '.join(known)}"
        self.complain(key.place, f"unknown key '{shown(key.text)}'{inside}", hint)
        return meant

    def _wrong_type(self, node: Node, where: str, wanted: str, hint: str) -> None:
        if isinstance(node, Hole):
            return
        if isinstance(node, Scalar) and _is_null(node):
            hint = f"{hint}, or remove the key" if where else hint
            self.complain(node.place, f"{where or 'the file'} has no value", hint)
            return
        kind = {Scalar: "text", yamldoc.Sequence: "a list", yamldoc.Mapping: "a mapping"}[type(node)]
        self.complain(node.place, f"{where or self.kind.name} must be {wanted}, not {kind}", hint)


@dataclass(slots=True, kw_only=True)
class Part:
    """The values of one mapping, to be read by key; an absent key gives the default and is no mistake."""

    reader: Reader
    where: str
    place: Place
    values: dict[str, Node] = field(default_factory=dict)

    def part(self, key: str, known: tuple[str, ...], required: Mapping[str, str] | None = None) -> Part:
        """The mapping under `key`, empty when there is none."""
        if key not in self.values:
            return Part(reader=self.reader, where=self._where(key), place=self.place)
        return self.reader.part(self.values[key], self._where(key), known, required or {})

    def items(self, key: str, example: str) -> tuple[Node, ...]:
        """The items of the list under `key`."""
        return self.reader.items(self.values[key], self._where(key), example) if key in self.values else ()

    def word(self, key: str, rule: Callable[[str], T], default: T) -> T:
        """What `rule` makes of the text under `key`."""
        if key not in self.values:
            return default
        value = self.reader.word(self.values[key], self._where(key), rule)
        return default if value is None else value

    def choice(self, key: str, options: tuple[S, ...], default: D) -> S | D:
        """The one of `options` that stands under `key`."""
        if key not in self.values:
            return default
        where = self._where(key)
        chosen = self.reader.word(self.values[key], where, lambda text: choose(text, where, options))
        return default if chosen is None else chosen

    def words(self, key: str, rule: Callable[[str], str], example: str) -> tuple[Value, ...]:
        """The list under `key` by `rule`, each value once; `12.6` and `cu126` are the same value."""
        values: dict[str, Value] = {}
        for item in self.items(key, example):
            text = self.reader.word(item, self._where(key), rule)
            if text is not None and text in values:
                hint = f"it is on line {values[text].place.line} too; remove one"
                self.reader.complain(item.place, f"{self._where(key)} lists '{shown(text)}' twice", hint)
            elif text is not None:
                values[text] = Value(text=text, place=item.place)
        return tuple(values.values())

    def _where(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key


def _is_null(node: Scalar) -> bool:
    return node.plain and node.text in _NULLS
