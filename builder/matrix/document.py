"""A matrix file, from its path or its text to `Matrix`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from builder import yamldoc
from builder.errors import InputError, Place, Problem
from builder.matrix import amounts, keys, reference, sections
from builder.matrix.asked import BaseSource, Flavor, Matrix, Platform, Value
from builder.matrix.reader import Part, Reader
from builder.matrix.spelling import WordError, choose
from builder.yamldoc import Sequence, shown

DEFAULT_TAG = "{os}-py{python}-{cuda}-torch{torch}"
_MAX_PROBLEMS = 100
_REQUIRED = {
    "version": "1",
    "image": "registry.example.com/team/torch",
    "matrix": "{os: …, python: …, cuda: …, torch: …}",
}
_FLAVORS: tuple[Flavor, ...] = get_args(Flavor)
_PLATFORMS: tuple[Platform, ...] = get_args(Platform)
_BASES: tuple[BaseSource, ...] = get_args(BaseSource)
_IMPOSSIBLE: tuple[Literal["error", "drop"], ...] = ("error", "drop")


def load(path: Path) -> Matrix:
    """The matrix in the file `path`. Raises `InputError` with every problem, in the file's order."""
    return parse(yamldoc.read_text(path), path)


def parse(text: str, path: Path) -> Matrix:
    """The matrix that `text` is; `path` names it in places and gives it its name. Raises like `load`."""
    document = yamldoc.examine(text, str(path))
    if document.root is None:
        raise InputError(document.problems)
    reader = Reader()
    matrix = _read(reader.part(document.root, "", keys.TOP, _REQUIRED), path)
    problems = (*document.problems, *reader.problems)
    if problems:
        raise InputError(_in_order(problems, Place(file=str(path), line=0, column=0)))
    return matrix


def _read(top: Part, path: Path) -> Matrix:
    """The matrix as far as it could be read; defaults stand where it could not."""
    top.word("version", _format_version, None)
    image = top.word("image", reference.repository, "")
    tags = top.words("tags", reference.tag_template, f'["{DEFAULT_TAG}"]')
    if "tags" in top.values and not tags:
        _refuse_empty_tags(top)
    axes = sections.axes(top)
    pip, system = sections.package_lists(top)
    return Matrix(
        path=path,
        name=path.stem,
        image=image,
        tags=tags or (Value(text=DEFAULT_TAG, place=top.place),),
        immutable=tuple(one.text for one in top.words("immutable", reference.tag_pattern, '["*-torch*"]')),
        os=axes["os"],
        python=axes["python"],
        cuda=axes["cuda"],
        torch=axes["torch"],
        aliases=sections.aliases(top),
        exclude=sections.exclusions(top),
        include=sections.inclusions(top),
        impossible=top.choice("impossible", _IMPOSSIBLE, "error"),
        provider=top.part("python", keys.PYTHON).choice("provider", sections.PROVIDERS, "standalone"),
        pip=pip,
        system=system,
        settings=sections.settings(top),
        user=sections.user(top),
        flavor=top.choice("flavor", _FLAVORS, "runtime"),
        platforms=_platforms(top),
        base=top.choice("base", _BASES, "auto"),
        systems=sections.systems(top),
        verify=sections.verify(top),
        size_budget=top.part("budget", keys.BUDGET).word("size", amounts.size, None),
    )


def _platforms(top: Part) -> tuple[Platform, ...]:
    """One platform, or a list of them; their order in the file means nothing."""
    default: Platform = "linux/amd64"
    node = top.values.get("platform")
    if not isinstance(node, Sequence):
        return (top.choice("platform", _PLATFORMS, default),)
    if not node.items:
        top.reader.complain(node.place, "platform is empty", f"remove the key, or write platform: {default}")
    listed = top.words("platform", lambda text: choose(text, "platform", _PLATFORMS), f"[{default}]")
    wanted = {value.text for value in listed}
    return tuple(one for one in _PLATFORMS if one in wanted) or (default,)


def _format_version(text: str) -> str:
    if text != "1":
        hint = "write `version: 1`; a newer envbuild may know more"
        raise WordError(f"version '{shown(text)}' of the matrix format is not known", hint)
    return text


def _refuse_empty_tags(top: Part) -> None:
    node = top.values["tags"]
    if isinstance(node, Sequence) and not node.items:
        hint = f'remove the key, or write tags: ["{DEFAULT_TAG}"]'
        top.reader.complain(node.place, "tags is empty", hint)


def _in_order(problems: tuple[Problem, ...], top: Place) -> tuple[Problem, ...]:
    """By place, and not more than anybody reads."""
    ordered = sorted(problems, key=lambda problem: problem.place or top)
    rest = len(ordered) - _MAX_PROBLEMS
    if rest <= 0:
        return tuple(ordered)
    more = Problem(message=f"and {rest} more problems", hint="mend these first")
    return (*ordered[:_MAX_PROBLEMS], more)
