"""Values from outside → text that a Dockerfile, a shell or a list reads as that value and nothing else.

The matrix has refused the worst already; this is the wall right before the file.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from builder.errors import InputError
from builder.matrix import User

_REFUSED = frozenset('$`\\"')
_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9+._:=~-]*[A-Za-z0-9+.~])?")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_OURS = frozenset({"PATH", "VIRTUAL_ENV"})
_ENVIRONMENT = ("/opt/env/", "/opt/python/")
_MOST_UID = 2**31 - 1


def quoted(value: object) -> str:
    """The value in double quotes, for ARG, ENV, LABEL and WORKDIR.

    Raises `InputError` for what would end the quotes or the line, or would be expanded: control characters
    (Unicode's too), `$`, backquotes, backslashes and double quotes.
    """
    text = str(value)
    if not text.isprintable() or _REFUSED & set(text):
        raise InputError.of(
            f"{text!r} cannot be written into a Dockerfile",
            hint="take out control characters, and $ ` \\ and double quotes: nothing is expanded there",
        )
    return f'"{text}"'


def reference(value: str) -> str:
    """An image's name as it is, for the arguments of FROM. Raises `InputError` for anything else."""
    if not _REFERENCE.fullmatch(value):
        raise InputError.of(f"{value!r} is not the name of an image", hint="write it as in ubuntu:24.04")
    return value


def package_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """System packages as they are, once it is certain that a package manager takes each for a name.

    Raises `InputError` for an option (`-y`), a removal (`git-`), anything with blanks or shell characters.
    """
    for name in names:
        if not _PACKAGE.fullmatch(name):
            raise InputError.of(
                f"{name!r} is not the name of a system package",
                hint="packages.system takes names such as git, g++ or libgl1, one each",
            )
    return names


def setting_names(settings: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Settings as they are, once it is certain that each is an environment variable that may be set."""
    for name, _ in settings:
        if not _NAME.fullmatch(name):
            raise InputError.of(
                f"{name!r} is not the name of an environment variable",
                hint="settings take letters, digits and underscores, and no digit first",
            )
        if name in _OURS:
            raise InputError.of(
                f"the setting {name} would hide the environment that the image is made for",
                hint=f"leave {name} out: the recipe sets it",
            )
    return settings


def account(user: User) -> User:
    """The user as it is, once it is certain that such an account can be made; root and 0 go together."""
    if not _USER.fullmatch(user.name) or not 0 <= user.uid <= _MOST_UID:
        raise InputError.of(
            f"there can be no account {user.name!r} with the number {user.uid}",
            hint="user.name takes up to 32 of a-z, 0-9, _ and -, and user.uid a number from 0 on",
        )
    if (user.name == "root") != (user.uid == 0):
        raise InputError.of(
            f"the account {user.name} cannot have the number {user.uid}",
            hint="root is 0, and nobody else is",
        )
    return user


def folder(name: str, path: str) -> str:
    """The folder that a setting names, as it is.

    Raises `InputError` where `..` is in it, and for the folders of the environment, which is put there as it
    was locked.
    """
    if path.startswith(_ENVIRONMENT) or f"{path}/" in _ENVIRONMENT:
        raise InputError.of(
            f"the setting {name} names {path}, where the environment lies", hint="name another folder"
        )
    if ".." in PurePosixPath(path).parts:
        raise InputError.of(f"the setting {name} names the folder {path}", hint="write it without `..`")
    quoted(path)
    return path
