"""Path → text, and what text must be before anybody parses it: UTF-8, printable, of a sane size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from builder.errors import InputError, Place, Problem

MAX_BYTES = 1024**2
_MAX_INVISIBLE = 10  # a binary file is full of them

# What no editor shows: control characters, lone surrogates, line breaks that only YAML counts, and the
# zero-width and text-direction characters by which a line can read otherwise than it is (CVE-2021-42574).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029"
    "\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_USER_IN_URL = re.compile(r"//[^/@\s]*@")  # often a credential, and messages end up in logs


def read_text(path: Path) -> str:
    """The file's text, which must be UTF-8 (with or without a byte order mark).

    Never reads much more than `MAX_BYTES`, whatever the path is; `unfit` judges the size. Raises `InputError`
    for a file that is missing, a folder, unreadable or not UTF-8.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 4)
    except FileNotFoundError:
        hint = "check the path; `matrices/` has examples, docs/matrix-reference.md every key"
        raise InputError.of(f"{path} does not exist", hint=hint) from None
    except IsADirectoryError:
        raise InputError.of(f"{path} is a folder, not a file", hint="name a file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError.of(f"{path} cannot be read: {reason}", hint="check its permissions") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(content) > MAX_BYTES:  # the cut may have gone through a character, and the size is the news
            raise InputError((_too_large(str(path)),)) from error
        raise InputError((_not_utf8(content, error.start, str(path)),)) from error


def unfit(text: str, file: str) -> Iterator[Problem]:
    """What keeps `text` from being parsed at all."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        yield _too_large(file)
        return
    for count, match in enumerate(_INVISIBLE.finditer(text), start=1):
        if count > _MAX_INVISIBLE:
            return
        before = re.split("\r\n|\r|\n", text[: match.start()])
        yield Problem(
            message=f"invisible character U+{ord(match[0]):04X}",
            hint="remove it; only printable text, tabs and line ends are allowed",
            place=Place(file=file, line=len(before), column=len(before[-1]) + 1),
        )


def _too_large(file: str) -> Problem:
    place = Place(file=file, line=1, column=1)
    return Problem(message="the file is larger than 1 MiB", hint="is this a matrix?", place=place)


def _not_utf8(content: bytes, offset: int, file: str) -> Problem:
    before = re.split(b"\r\n|\r|\n", content[:offset])
    column = len(before[-1].decode("utf-8")) + 1
    utf16 = " (it looks like UTF-16)" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    return Problem(
        message=f"not UTF-8: byte 0x{content[offset]:02x}{utf16}",
        hint="save the file as UTF-8",
        place=Place(file=file, line=len(before), column=column),
    )


def shown(text: str, length: int = 60) -> str:
    """Text of a file, fit for a message: escaped where not printable, cut where long, no user in a URL."""
    text = _USER_IN_URL.sub("//…@", text[:10_000])
    cut = text if len(text) <= length else text[: length - 1] + "…"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in cut)
