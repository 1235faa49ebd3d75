"""Templates + values → a Dockerfile's text: the only door to Jinja."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.cell import Cell
from builder.errors import InputError, OutsideError
from builder.matrix import User
from builder.recipe.dockerfile import shape
from builder.recipe.quoting import quoted, reference

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE = "Dockerfile.j2"
_STAGES = ("AS os", "AS image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Which member of each family of templates a cell takes."""

    os: str
    python: str
    cuda: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a page places."""

    cell: Cell
    torch: str
    base: str
    uv_image: str
    user: User
    home: str
    settings: tuple[tuple[str, str], ...]


class Pages:
    """The templates of one folder, single files of it shadowed by those of a user's folder.

    A user's templates run in Jinja's sandbox, as ours do: they place values, and reach nothing else.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        """`folders`: where a template is looked for, in this order."""
        self._environment = _environment(folders)

    def dockerfile(self, use: Use, values: Values) -> str:
        """The page with its values placed. Raises `InputError` where one would change what the page does."""
        with _readable():
            page = self._environment.get_template(PAGE)
            text = page.render(use=use, **_fields(values))
            skeleton = page.render(use=use, **_fields(_neutral(values)))
        if shape(text) != shape(skeleton):
            raise InputError.of(
                "a value would add to the Dockerfile's instructions or change them",
                hint="take line breaks, quotes, $ and backslashes out; in a template use the filter `quoted`",
            )
        if not all(any(text.endswith(stage) for _, text in shape(skeleton)) for stage in _STAGES):
            raise InputError.of(
                f"{PAGE} has no stage `os` or none called `image`",
                hint="a page of your own needs both: the distribution's packages, and what is built on them",
            )
        return text

    def packages(self, os: str, python: tuple[str, str] | None, *, devel: bool) -> tuple[str, ...]:
        """What every image of this kind needs of the distribution; `python`: the minor, and `python3`'s."""
        minor, default = python or ("", "")
        with _readable():
            macros = self._environment.get_template(f"os/{os}.j2").module
            text = str(macros.packages(minor, default, devel))  # type: ignore[attr-defined]
        return tuple(text.split())

    def question(self, os: str) -> str:
        """The script that asks the distribution what it would install; empty where it cannot tell."""
        with _readable():
            macros = self._environment.get_template(f"os/{os}.j2").module
            return str(macros.pins("/inputs/os/packages.txt")).strip()  # type: ignore[attr-defined]


def _environment(folders: tuple[Path, ...]) -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined  # noqa: PLC0415
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=False,  # a Dockerfile is no HTML; `quoted` and `reference` are the escapes here
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(quoted=quoted, reference=reference)
    return environment


def _fields(values: Values) -> dict[str, object]:
    return {name: getattr(values, name) for name in values.__slots__}


def _neutral(values: Values) -> Values:
    """As many values, all of them harmless."""
    return Values(
        cell=replace(values.cell, id="id", os="os", python="0", cuda="0", torch="0"),
        torch="0",
        base="base",
        uv_image="uv",
        user=User(),
        home="/home",
        settings=tuple((f"NAME_{number}", "value") for number, _ in enumerate(values.settings)),
    )


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what Jinja says about a template into an error with the template's name and line."""
    from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError  # noqa: PLC0415

    try:
        yield
    except TemplateNotFound as error:
        raise OutsideError.of(
            f"the template {error.name} is missing", hint="install envbuild again, or put it into --templates"
        ) from error
    except TemplateSyntaxError as error:
        raise InputError.of(f"{error.filename or error.name}:{error.lineno}: {error.message}") from error
    except (TemplateError, TypeError) as error:
        raise InputError.of(
            f"a template does not fit: {error}",
            hint="files of one folder have the same macros with the same arguments: compare envbuild's own",
        ) from error
