"""A lock file → Lock, with everything that is wrong with it told as the user's to mend."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from builder.errors import InputError, Place, Problem
from builder.lock.decoding import DecodeError, decode
from builder.lock.document import BaseRow, Document, FileRow, reference_of, sealed, whole
from builder.lock.values import SCHEMA, Lock
from builder.matrix import Platform
from builder.source.api import Pin

SHA256 = re.compile(r"[0-9a-f]{64}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LAST_DATE = 253402300799  # the end of the year 9999, after which no config can tell its date
# Names become paths on this machine, and arguments of a package manager.
ORIGINS = ("registry", "engine", "bootstrap")
EDITED = "it is not what envbuild wrote, but was edited or merged from two"
FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~!%-]{0,254}")


def path_for(matrix: Path) -> Path:
    """Where a matrix's lock lies: `matrices/x.yaml` → `matrices/x.lock.json`."""
    return matrix.with_suffix(".lock.json")


def read(path: Path, *, edited: bool = False) -> Lock | None:
    """The lock in that file, or None where there is none. Raises `InputError` for a file that is no lock, and
    for one whose seal is broken unless `edited`.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError.of(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        return loads(content.decode(), path, edited=edited)
    except UnicodeDecodeError:
        raise _refused(path, "it is not UTF-8 text") from None


def versions(edited: Lock) -> Lock:
    """What serves of a lock whose seal is broken: which version of which wheel each cell has. The wheels
    themselves, those that are lost, and all else are asked for anew.
    """
    cells = (dataclasses.replace(cell, recipe="", interpreter=None) for cell in edited.cells)
    return dataclasses.replace(edited, bases=(), systems=(), cells=tuple(cells))


def loads(text: str, path: Path, *, edited: bool = False) -> Lock:
    """The lock of that text; `path` names it in messages. Raises `InputError`, see `read`."""
    try:
        body = json.loads(text, parse_constant=_no_number, object_pairs_hook=_each_once)
        as_written = sealed(body) if isinstance(body, dict) else None
    except json.JSONDecodeError as error:
        place = Place(file=str(path), line=error.lineno, column=error.colno)
        raise _refused(path, f"it is no JSON: {error.msg}", place) from error
    except (DecodeError, RecursionError, ValueError) as error:
        raise _refused(path, str(error)) from error
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise _refused(path, f"its schema is not {SCHEMA}: another envbuild wrote it, or it is no lock")
    if not edited and body != as_written:
        raise _refused(path, EDITED, keeping=", and keeps the versions of its wheels")
    try:
        members = {name: value for name, value in body.items() if name not in ("schema", "seal")}
        return _checked(decode(Document, members))
    except DecodeError as error:
        raise _refused(path, str(error)) from error


def _checked(document: Document) -> Lock:
    """The lock, once every name is fit for use and every reference leads somewhere."""
    for sha256, row in document.files.items():
        _check_file(sha256, row)
    for key, base in document.bases.items():
        _check_base(key, base)
    if not 0 < document.epoch <= LAST_DATE:
        raise DecodeError("epoch is not a date")
    for ident, cell in document.cells.items():
        for table, name in (("bases", cell.base), ("systems", cell.system)):
            if name not in getattr(document, table):
                raise DecodeError(f"cells.{ident} refers to {name}, which is not in {table}")
    try:
        lock = whole(document)
    except KeyError as error:
        raise DecodeError(f"something refers to {error.args[0]}, which is not there") from error
    for one in lock.cells:
        _check_environment(f"environments.{document.cells[one.id].environment}", one.wheels)
    return lock


def _check_environment(where: str, wheels: Sequence[Pin]) -> None:
    for pin in wheels:  # names and versions become a resolver's constraints, also those of an edited lock
        try:
            name, version, _, _ = parse_wheel_filename(pin.filename)
            fits = (str(name), version) == (pin.name, Version(pin.version))
        except (InvalidWheelFilename, InvalidVersion):
            fits = False
        if not fits:
            raise DecodeError(f"{where} has {pin.filename}, which is no wheel of {pin.name} {pin.version}")


def _check_file(sha256: str, row: FileRow) -> None:
    if not SHA256.fullmatch(sha256):
        raise DecodeError(f"files.{sha256} is not named by a sha256")
    if not FILENAME.fullmatch(row.filename):
        raise DecodeError(f"files.{sha256}.filename {row.filename!r} is not the name of a file")
    if row.size < 0:
        raise DecodeError(f"files.{sha256}.size is below nothing")
    if row.url is not None:
        try:
            parts = urlsplit(row.url)
            plain = parts.scheme in ("http", "https") and "@" not in parts.netloc and parts.port != 0
        except ValueError:  # a port or an IPv6 address that is none
            plain = False
        if not plain:
            raise DecodeError(f"files.{sha256}.url is not a plain http address")


def _check_base(key: str, row: BaseRow) -> None:
    where = f"bases.{key}"
    if not row.layers or not all(DIGEST.fullmatch(layer) for layer in row.layers):
        raise DecodeError(f"{where}.layers are not digests of layers")
    if row.digest is not None and not DIGEST.fullmatch(row.digest):
        raise DecodeError(f"{where}.digest is not a digest")
    if row.platform not in get_args(Platform):
        raise DecodeError(f"{where}.platform {row.platform!r} is none of {', '.join(get_args(Platform))}")
    if key not in (reference_of(key), f"{reference_of(key)} {row.platform}"):
        raise DecodeError(f"{where} is neither named by its reference nor by this and its platform")
    if row.origin not in ORIGINS:
        raise DecodeError(f"{where}.origin {row.origin!r} is none of {', '.join(ORIGINS)}")
    if not 0 <= row.created <= LAST_DATE:
        raise DecodeError(f"{where}.created is not a date")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise DecodeError(f"the key {next(name for name in names if names.count(name) > 1)} stands twice")
    return found


def _no_number(word: str) -> None:
    raise DecodeError(f"{word} is no number")


def _refused(path: Path, reason: str, place: Place | None = None, keeping: str = "") -> InputError:
    matrix = str(path).removesuffix(".lock.json") + ".yaml"
    message = f"the lock cannot be used: {reason}" if place else f"{path} cannot be used: {reason}"
    return InputError((Problem(message=message, hint=making(matrix) + keeping, place=place),))


def making(matrix: Path | str) -> str:
    """The way out of everything that is wrong with a lock."""
    return f"`envbuild lock {matrix}` makes it anew"
