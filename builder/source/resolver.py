"""An order → pins, by uv: for the cell's Python, architecture and glibc, whatever this machine's are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from builder.errors import CellError, EnvbuildError, InputError, NotAskedError
from builder.source import complaint, installer, platforms, pylock, uv_settings
from builder.source.api import Order, Pin
from builder.source.indexes import Indexes
from builder.source.scrub import scrub, shown
from builder.source.settings import Settings

ACCELERATORS = ("nvidia-", "cuda-", "triton")  # what a CUDA build of torch depends on

# `unsafe-best-match` is pip's own rule: of all indexes the best version, not the first index with the name.
COMPILE = (
    *("pip", "compile", "requirements.in", "--constraints", "constraints.txt", "--format", "pylock.toml"),
    *("--only-binary", ":all:", "--index-strategy", "unsafe-best-match", "--no-python-downloads"),
    *("--no-header", "--no-annotate", "--quiet"),
)

REFUSED = "refused by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """uv with this machine's settings. `env` is the host's environment."""

    settings: Settings
    env: Mapping[str, str]
    indexes: Indexes

    def pins(self, order: Order) -> tuple[tuple[Pin, ...], tuple[str, ...]]:
        """Pins, sorted by name, and notes for the user.

        PyTorch's index is asked only where it answers. Where it does not, and nothing else has what the order
        wants, the order's fallback is tried. Raises `CellError` when neither works, `OutsideError` when an
        index does not answer.
        """
        reached = not self.settings.no_index and self.indexes.reachable(order.index)
        try:
            found = self._compile(order, order.requirements, order.constraints, reached=reached)
        except CellError as error:
            if reached:
                raise
            if order.fallback is None:
                raise _naming_torch_index(error, order) from error
            found = self._fallback(order, order.fallback)
        _refuse_accelerators(order, found)
        return found, () if reached or self.indexes.offline else _notes(order, found)

    def _fallback(self, order: Order, requirements: tuple[str, ...]) -> tuple[Pin, ...]:
        """Pins without local versions. `torch==2.13.0` is met by a `2.13.0+cpu` that lies about, too, and
        even preferred: builds of another variant than the cell's are excluded one by one until none is left.
        """
        variants = {Version(pin).local for pin in _exact(order.requirements).values()}
        constraints = order.constraints
        while True:
            try:
                found = self._compile(order, requirements, constraints, reached=False)
            except CellError as error:
                raise _naming_torch_index(error, order) from error
            wanted = _exact(requirements)
            foreign = [
                pin
                for pin in found
                if pin.name in wanted and Version(pin.version).local not in {None, *variants}
            ]
            if not foreign:
                return found
            constraints = (*constraints, *(f"{pin.name}!={pin.version}" for pin in foreign))

    def _compile(
        self, order: Order, requirements: tuple[str, ...], constraints: tuple[str, ...], *, reached: bool
    ) -> tuple[Pin, ...]:
        settings = self.settings
        if reached:
            settings = replace(settings, extra_indexes=(*settings.extra_indexes, order.index))
        with installer.work_folder() as folder:
            (folder / "requirements.in").write_text(_lines(requirements))
            (folder / "constraints.txt").write_text(_lines(constraints))
            interpreter = platforms.interpreter_for(order.python, folder)
            end = installer.run(
                (*COMPILE, *_target(order), "--python", str(interpreter), *uv_settings.options(settings)),
                folder=folder,
                env=uv_settings.environment(settings, self.env),
            )
        if end.exit_code != 0:
            error = complaint.condense(scrub(end.stderr, settings.secrets), order)
            raise self._naming_refusals(error, requirements)
        tags = platforms.tags(order.python, order.arch, order.glibc)
        return pylock.pins(end.stdout, tags, free_threaded=order.python.endswith("t"))

    def _naming_refusals(self, error: EnvbuildError, requirements: tuple[str, ...]) -> EnvbuildError:
        """The same error; with the indexes that refuse this machine, where something was not found."""
        refusing = self.indexes.refusing(Requirement(requirements[0]).name) if "indexes" in str(error) else ()
        if not refusing:
            return error
        hint = f"{REFUSED} {', '.join(refusing)}: check user and password in pip's settings or ~/.netrc"
        return CellError(replace(problem, hint=hint) for problem in error.problems)


def _target(order: Order) -> tuple[str, ...]:
    """The cell's Python and platform as uv's options."""
    platform = platforms.python_platform(order.arch, order.glibc)
    return "--python-version", platforms.full_version(order.python), "--python-platform", platform


def _lines(requirements: tuple[str, ...]) -> str:
    """A requirements file. uv reads options and `${VARIABLES}` in such files: neither gets that far."""
    for text in requirements:
        try:
            Requirement(text)
        except InvalidRequirement as error:
            raise InputError.of(f"{text!r} is no requirement: {str(error).splitlines()[0]}") from None
        if "$" in text or not text.isprintable():
            raise InputError.of(
                f"{text!r} holds `$` or a control character", hint="write the requirement out"
            )
    return "".join(f"{text}\n" for text in requirements)


def _exact(requirements: tuple[str, ...]) -> dict[str, str]:
    """Name → version of the requirements that ask for exactly one (`torch==2.8.0+cpu`)."""
    parsed = [Requirement(text) for text in requirements]
    return {
        one.name: specifier.version
        for one in parsed
        for specifier in one.specifier
        if specifier.operator == "==" and not specifier.version.endswith(".*")
    }


def _refuse_accelerators(order: Order, found: tuple[Pin, ...]) -> None:
    """Never gigabytes of CUDA for a CPU cell."""
    torch = _exact(order.requirements).get("torch")
    if torch is None or Version(torch).local != "cpu":
        return
    foreign = [f"{pin.name} {pin.version}" for pin in found if pin.name.startswith(ACCELERATORS)]
    if foreign:
        raise CellError.of(
            f"this CPU cell would get CUDA packages: {', '.join(foreign)}",
            hint="a package of the matrix (or its torch) depends on them; take it out, or use a CUDA cell",
        )


def _notes(order: Order, found: tuple[Pin, ...]) -> tuple[str, ...]:
    """What to tell where PyTorch's index was not asked."""
    return tuple(
        f"PyTorch's index {shown(order.index)} does not answer from here; {pin.name} {pin.version} comes from"
        " the indexes and folders that pip names"
        for pin in found
        if pin.name == "torch"
    )


def _naming_torch_index(error: EnvbuildError, order: Order) -> CellError:
    """The same error; with the likely remedy, where it is about a build that PyTorch's own index has."""
    builds = [name for name, version in _exact(order.requirements).items() if Version(version).local]
    if not any(re.search(rf"\b{re.escape(name)}\b", str(error)) for name in builds):
        return CellError(error.problems)
    remedy = (
        f"PyTorch's index {shown(order.index)} does not answer from here: let this machine reach it, name a"
        " mirror of it in pip's extra-index-url, or a folder with the wheel in pip's find-links"
    )
    return NotAskedError(replace(one, hint=_joined(one.hint, remedy)) for one in error.problems)


def _joined(hint: str | None, remedy: str) -> str:
    """Both, where the hint says something of its own: that an index refuses us."""
    return f"{hint}; {remedy}" if hint and hint.startswith(REFUSED) else remedy
