"""JSON's values → a dataclass, by its types; nothing is converted, nothing is left over."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar, Union, get_args, get_origin

T = TypeVar("T")


class DecodeError(Exception):
    """A value that is not of its type: where in the document, and what is wrong."""


def decode(kind: type[T], value: object, where: str = "") -> T:
    """`value` as a `kind`: a dataclass of str, int, None, unions, tuples and dicts. Raises `DecodeError`."""
    decoded: T = _decode(kind, value, where)
    return decoded


def _decode(kind: Any, value: object, where: str) -> Any:
    if kind in (str, int, type(None)):
        if type(value) is not kind:  # True is an int to Python, and not to us
            raise DecodeError(f"{where} is {_named(value)}, not {_WORDS[kind]}")
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, where)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if value is None and type(None) in args else _decode(args[0], value, where)
    return _dict(args, value, where) if origin is dict else _tuple(args, value, where)


def _dataclass(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise DecodeError(f"{where or 'the document'} is {_named(value)}, not an object")
    hints = typing.get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(kind)}
    for name in sorted(names ^ set(value)):
        raise DecodeError(f"{_below(where, name)} {'is missing' if name in names else 'is not known'}")
    return kind(**{name: _decode(hints[name], value[name], _below(where, name)) for name in names})


def _dict(args: tuple[Any, ...], value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise DecodeError(f"{where} is {_named(value)}, not an object")
    return {key: _decode(args[1], item, _below(where, key)) for key, item in value.items()}


def _tuple(args: tuple[Any, ...], value: object, where: str) -> Any:
    many = args[-1] is Ellipsis
    if not isinstance(value, list) or not (many or len(value) == len(args)):
        raise DecodeError(f"{where} is {_named(value)}, not an array" + ("" if many else f" of {len(args)}"))
    kinds = [args[0]] * len(value) if many else args
    return tuple(
        _decode(kind, item, f"{where}[{at}]")
        for at, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _named(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "text", type(None): "null", bool: "a truth value"}
    return names.get(type(value), "a number")


_WORDS = {str: "text", int: "a whole number", type(None): "null"}
