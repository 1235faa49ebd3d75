"""The last stage of a Dockerfile → what the image's config says: environment, user, command, labels.

envbuild writes configs itself, from this allow-list and in one order: no engine adds a word of its own.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from builder.errors import InputError
from builder.recipe.dockerfile import Instruction, instructions

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # Docker's own default
EXECUTED = frozenset({"RUN", "COPY", "ADD"})
STAGE = re.compile(r"\bAS\s+(\S+)$", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_UNREAD = re.compile(r"\\\$|'[^']*\$|\$\{\w*[^\w}]")  # a dollar that is none, and `${NAME:-word}`

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What a container of the image starts with. `env` in the Dockerfile's order, the base's own first."""

    env: Pairs
    labels: Pairs
    user: str = ""
    work_dir: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""


@dataclass(slots=True, kw_only=True)
class _Scope:
    """What `${NAME}` means while the stage is read."""

    found: Configured
    arguments: dict[str, str] = field(default_factory=dict)

    def text(self, raw: str) -> str:
        if _UNREAD.search(raw):
            raise InputError.of(
                f"the page's last stage has {raw}, which is not read here",
                hint="write $NAME or ${NAME} alone",
            )
        return self._filled(raw)

    def _filled(self, raw: str) -> str:
        known = {**self.arguments, **dict(self.found.env)}
        return _VARIABLE.sub(lambda name: known.get(name[1] or name[2], ""), raw)

    def words(self, raw: str) -> tuple[str, ...]:
        self.text(raw)  # quotes are gone below
        return tuple(self._filled(word) for word in shlex.split(raw))

    def listed(self, raw: str) -> tuple[str, ...]:
        """Words, or JSON's form of them."""
        return _json(raw) if raw.startswith("[") else self.words(raw)

    def pairs(self, raw: str) -> Pairs:
        found = [word.partition("=") for word in self.words(raw)]
        if not all(equals for _, equals, _ in found):
            raise InputError.of(f"the page's last stage has {raw}, without a `=`", hint="write NAME=value")
        return tuple((name, value) for name, _, value in found)

    def argument(self, raw: str, outer: Mapping[str, str]) -> tuple[str, str]:
        """An ARG: its own default, else that of the ARG before the first stage."""
        name, equals, default = raw.partition("=")
        return name, "".join(self.words(default)) if equals else outer.get(name, "")


def configured(dockerfile: str, env: Pairs, labels: Pairs) -> Configured:
    """What the last stage makes of a base's environment and labels.

    Raises `InputError` for an instruction that no config of ours carries (HEALTHCHECK, ONBUILD, SHELL …).
    """
    steps = instructions(dockerfile)
    froms = [number for number, step in enumerate(steps) if step.keyword == "FROM"]
    before = _Scope(found=Configured(env=(), labels=()))
    for step in steps[: froms[0]]:
        before.arguments |= dict([before.argument(step.text, {})])
    inherited = tuple({"PATH": PATH, **dict(env)}.items())
    scope = _Scope(found=Configured(env=inherited, labels=labels))
    for step in steps[froms[-1] + 1 :]:
        if step.keyword == "ARG":
            scope.arguments |= dict([scope.argument(step.text, before.arguments)])
        elif step.keyword not in EXECUTED:
            scope.found = _reader(step)(scope, step.text)
    return scope.found


def executed(dockerfile: str) -> tuple[str, ...]:
    """What all stages but `os` come from, run and copy, in order. (That one is built as it stands.)"""
    found, stage = [], ""
    for step in instructions(dockerfile):
        if step.keyword == "FROM":
            named = STAGE.search(step.text)
            stage = named[1] if named else ""
        if stage != "os" and step.keyword in EXECUTED | {"FROM"}:
            found.append(f"{step.keyword} {step.text}")
    return tuple(found)


def _reader(step: Instruction) -> Callable[[_Scope, str], Configured]:
    reader = _READERS.get(step.keyword)
    if reader is None:
        raise InputError.of(
            f"the page's last stage has {step.keyword}, which the image's config would not carry",
            hint=f"take it out; ENV and {', '.join(sorted(set(_READERS) - {'ENV'}))} are carried",
        )
    return reader


def _env(scope: _Scope, text: str) -> Configured:
    return replace(scope.found, env=tuple({**dict(scope.found.env), **dict(scope.pairs(text))}.items()))


def _label(scope: _Scope, text: str) -> Configured:
    labels = {**dict(scope.found.labels), **dict(scope.pairs(text))}
    return replace(scope.found, labels=tuple(sorted(labels.items())))


def _work_dir(scope: _Scope, text: str) -> Configured:
    folder = PurePosixPath(scope.found.work_dir or "/") / scope.words(text)[0]
    return replace(scope.found, work_dir=str(folder))


def _command(scope: _Scope, text: str) -> tuple[str, ...]:
    """JSON's form as it is; the shell's form as Docker runs it: that shell knows the environment."""
    del scope
    return _json(text) if text.startswith("[") else ("/bin/sh", "-c", text)


def _json(text: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads(text)))
    except ValueError as error:
        raise InputError.of(f"{text} is no JSON array", hint='write it as ["python"]') from error


_READERS: dict[str, Callable[[_Scope, str], Configured]] = {
    "ENV": _env,
    "LABEL": _label,
    "WORKDIR": _work_dir,
    "USER": lambda scope, text: replace(scope.found, user=scope.text(text)),
    "ENTRYPOINT": lambda scope, text: replace(scope.found, entrypoint=_command(scope, text)),
    "CMD": lambda scope, text: replace(scope.found, command=_command(scope, text)),
    "EXPOSE": lambda scope, text: replace(scope.found, ports=(*scope.found.ports, *scope.words(text))),
    "VOLUME": lambda scope, text: replace(scope.found, volumes=(*scope.found.volumes, *scope.listed(text))),
    "STOPSIGNAL": lambda scope, text: replace(scope.found, stop_signal=scope.text(text)),
}
