"""The parts of a matrix file below its first level. Each takes the part that holds its key."""

from __future__ import annotations

from typing import get_args

from builder.matrix import amounts, keys, packages, reference, storage, surroundings, words
from builder.matrix.asked import (
    Alias,
    Exclusion,
    Inclusion,
    Level,
    OwnSystem,
    Provider,
    User,
    Value,
    VerifySettings,
)
from builder.matrix.reader import Part
from builder.yamldoc import Mapping, Scalar, Sequence, shown

PROVIDERS: tuple[Provider, ...] = get_args(Provider)
LEVELS: tuple[Level, ...] = get_args(Level)
_AXES = {"os": "[ubuntu22.04]", "python": '["3.11"]', "cuda": "[cpu]", "torch": '["2.8"]'}
_ROW = {"os": "ubuntu22.04", "python": '"3.11"', "cuda": "cpu", "torch": '"2.8"'}
_OWN_SYSTEM = {"like": "debian12", "image": "registry.example.com/team/debian:12"}
_WORDS = {
    "os": words.os_name,
    "python": words.python_version,
    "cuda": words.cuda_version,
    "torch": words.torch_version,
}
_PATTERNS = {
    "os": words.os_pattern,
    "python": words.version_pattern,
    "cuda": words.cuda_pattern,
    "torch": words.version_pattern,
}


def axes(top: Part) -> dict[str, tuple[Value, ...]]:
    """The four axes, each with at least one value unless something is wrong with it."""
    part = top.part("matrix", keys.AXES, _AXES)
    for axis, node in part.values.items():
        if isinstance(node, Sequence) and not node.items:
            hint = f"write {axis}: {_AXES[axis]}"
            part.reader.complain(node.place, f"axis '{axis}' is empty", hint)
    return {axis: part.words(axis, _WORDS[axis], _AXES[axis]) for axis in keys.AXES}


def exclusions(top: Part) -> tuple[Exclusion, ...]:
    """The rules under `exclude`."""
    rules = []
    for node in top.items("exclude", '[{python: "<3.11", reason: why}]'):
        rule = top.reader.part(node, "exclude", keys.EXCLUDE, {})
        if isinstance(node, Mapping) and not set(rule.values) & set(keys.AXES):
            hint = "it would leave out every cell; name os, python, cuda or torch"
            rule.reader.complain(node.place, "this rule names no axis", hint)
        patterns = {axis: rule.word(axis, _PATTERNS[axis], None) for axis in keys.AXES}
        rules.append(Exclusion(**patterns, reason=_reason(rule), place=node.place))
    return tuple(rules)


def aliases(top: Part) -> tuple[Alias, ...]:
    """What stands under `aliases`: a tag, or a tag with patterns."""
    found = []
    for node in top.items("aliases", "[latest]"):
        if isinstance(node, Scalar):
            tag, patterns = top.reader.word(node, "aliases", reference.tag_template), {}
        else:
            row = top.reader.part(node, "aliases", keys.ALIAS, {"tag": "latest"})
            tag = row.word("tag", reference.tag_template, None)
            patterns = {axis: row.word(axis, _PATTERNS[axis], None) for axis in keys.AXES}
        if tag:
            found.append(Alias(tag=tag, **patterns, place=node.place))
    return tuple(found)


def inclusions(top: Part) -> tuple[Inclusion, ...]:
    """The rows under `include`."""
    rows = []
    for node in top.items("include", '[{os: debian12, python: "3.11", cuda: cpu, torch: "2.8"}]'):
        row = top.reader.part(node, "include", keys.INCLUDE, _ROW)
        os, python, cuda, torch = (_row_value(row, axis) for axis in keys.AXES)
        provider = row.choice("provider", PROVIDERS, None)
        reason = _reason(row)
        if os and python and cuda and torch:
            inclusion = Inclusion(
                os=os,
                python=python,
                cuda=cuda,
                torch=torch,
                provider=provider,
                reason=reason,
                place=node.place,
            )
            rows.append(inclusion)
    return tuple(rows)


def _row_value(row: Part, axis: str) -> Value | None:
    text = row.word(axis, _WORDS[axis], None)
    return None if text is None else Value(text=text, place=row.values[axis].place)


def _reason(rule: Part) -> str | None:
    """The reason on one line, however it was folded in the file."""
    node = rule.values.get("reason")
    if isinstance(node, Scalar):
        rule.values["reason"] = Scalar(text=" ".join(node.text.split()), plain=node.plain, place=node.place)
    return rule.word("reason", str, None)


def package_lists(top: Part) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The requirements for pip and the system packages."""
    part = top.part("packages", keys.PACKAGES)
    pip = part.words("pip", packages.pip_requirement, "[numpy]")
    system = part.words("system", packages.system_package, "[git]")
    return tuple(value.text for value in pip), tuple(value.text for value in system)


def settings(top: Part) -> tuple[tuple[str, str], ...]:
    """The environment variables, in the file's order."""
    node = top.values.get("settings")
    if not isinstance(node, Mapping):
        top.part("settings", ("NAME",))  # says that it is not a mapping
        return ()
    pairs = []
    for key, value in node.entries:
        name = top.reader.word(key, "a setting's name", surroundings.setting_name)
        rule = storage.storage_folder if key.text in storage.STORAGE else surroundings.setting_value
        text = top.reader.word(value, f"settings.{shown(key.text)}", rule)
        if name is not None and text is not None:
            pairs.append((name, text))
    return tuple(pairs)


def user(top: Part) -> User:
    """What stands under `user`."""
    part = top.part("user", keys.USER)
    default = User()
    return User(
        name=part.word("name", surroundings.user_name, default.name),
        uid=part.word("uid", amounts.count(*surroundings.UIDS), default.uid),
    )


def systems(top: Part) -> tuple[OwnSystem, ...]:
    """What stands under `systems`: OSes of the user's own, each like one of the tables."""
    node = top.values.get("systems")
    if not isinstance(node, Mapping):
        top.part("systems", ("NAME",))  # says that it is not a mapping
        return ()
    found = []
    for key, value in node.entries:
        name = top.reader.word(key, "the name of an OS", words.os_name)
        row = top.reader.part(value, f"systems.{shown(key.text)}", keys.OWN_SYSTEM, _OWN_SYSTEM)
        like, image = row.word("like", words.os_name, None), row.word("image", reference.image, None)
        if name and like and image:
            place = row.values["like"].place
            found.append(OwnSystem(name=name, like=Value(text=like, place=place), image=image))
    return tuple(found)


def verify(top: Part) -> VerifySettings:
    """What stands under `verify`."""
    part = top.part("verify", keys.VERIFY)
    default = VerifySettings()
    gpus = part.words("gpus", amounts.compute_capability, '["8.6"]')
    return VerifySettings(
        level=part.choice("level", LEVELS, default.level),
        epochs=part.word("epochs", amounts.count(1, 1000), default.epochs),
        gpus=tuple(value.text for value in gpus),
        memory=part.word("memory", amounts.memory, default.memory),
        timeout=part.word("timeout", amounts.duration, default.timeout),
    )
