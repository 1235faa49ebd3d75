"""matrix: what a file means, and that whatever is done to a file it is read or refused."""

import random
from pathlib import Path

import pytest

from builder import matrix
from builder.errors import InputError, Place, Problem
from builder.matrix import Exclusion, Inclusion, User, Value, VerifySettings

ROOT = Path(__file__).resolve().parents[2]
BASE = """\
version: 1
image: team/torch
matrix:
  os: [debian12]
  python: [3.10]
  cuda: [cpu]
  torch: [2.8]
"""
FULL = """\
version: 1
image: registry.example.com:5000/team/torch
tags: ["{os}-{torch}", "py{python}-{cuda}"]
matrix:
  os: [ubuntu:22.04, centos:stream9]
  python: [3.10, 3.13t, 3.9.18]
  cuda: [cpu, cu126, 12.10]
  torch: [2.7, 2.8.0]
exclude:
  - {os: "centos*", python: "<3.11", reason: "nobody  uses\\tit"}
  - cuda: cu126
    torch: 2.7
include:
  - {os: debian12, python: 3.11, cuda: cu118, torch: 2.4, provider: system, reason: trainer}
impossible: drop
python: {provider: conda}
packages: {pip: ["numpy >= 1.26", "x[y]"], system: [git, g++]}
settings: {OMP_NUM_THREADS: 4, TORCH_HOME: /models, EMPTY: ""}
user: {name: ada, uid: 2000}
flavor: devel
platform: linux/arm64
base: bootstrap
verify: {level: deep, epochs: 3, gpus: [8.6, sm_120], memory: 4GB, timeout: 10m}
budget: {size: 1.5GiB}
"""


def parse(text: str) -> matrix.Matrix:
    return matrix.parse(text, Path("f.yaml"))


def texts(values: tuple[Value, ...]) -> list[str]:
    return [value.text for value in values]


def at(line: int, column: int) -> Place:
    return Place(file="f.yaml", line=line, column=column)


def test_what_is_not_written_has_its_default():
    read = parse(BASE)
    assert (read.path, read.name, read.image) == (Path("f.yaml"), "f", "team/torch")
    assert texts(read.tags) == ["{os}-py{python}-{cuda}-torch{torch}"]
    assert (texts(read.python), texts(read.torch)) == (["3.10"], ["2.8"])
    assert (read.exclude, read.include, read.pip, read.system, read.settings) == ((), (), (), (), ())
    assert (read.impossible, read.provider, read.flavor) == ("error", "standalone", "runtime")
    assert (read.platforms, read.base) == (("linux/amd64",), "auto")
    assert (read.user, read.verify, read.size_budget) == (User(), VerifySettings(), None)


def test_every_key_arrives():
    read = parse(FULL)
    assert read.image == "registry.example.com:5000/team/torch"
    assert texts(read.tags) == ["{os}-{torch}", "py{python}-{cuda}"]
    assert texts(read.os) == ["ubuntu22.04", "centos-stream9"]
    assert texts(read.python) == ["3.10", "3.13t", "3.9.18"]
    assert texts(read.cuda) == ["cpu", "12.6", "12.10"]
    assert read.torch[1] == Value(text="2.8.0", place=at(8, 16))
    assert read.exclude == (
        Exclusion(os="centos*", python="<3.11", reason="nobody uses it", place=at(10, 5)),
        Exclusion(cuda="12.6", torch="2.7", place=at(11, 5)),
    )
    assert read.include == (
        Inclusion(
            os=Value(text="debian12", place=at(14, 10)),
            python=Value(text="3.11", place=at(14, 28)),
            cuda=Value(text="11.8", place=at(14, 40)),
            torch=Value(text="2.4", place=at(14, 54)),
            provider="system",
            reason="trainer",
            place=at(14, 5),
        ),
    )
    assert (read.impossible, read.provider, read.flavor) == ("drop", "conda", "devel")
    assert (read.platforms, read.base) == (("linux/arm64",), "bootstrap")
    assert (read.pip, read.system) == (("numpy>=1.26", "x[y]"), ("git", "g++"))
    assert read.settings == (("OMP_NUM_THREADS", "4"), ("TORCH_HOME", "/models"), ("EMPTY", ""))
    assert read.user == User(name="ada", uid=2000)
    assert read.verify == VerifySettings(
        level="deep", epochs=3, gpus=("8.6", "12.0"), memory=4_000_000_000, timeout=600
    )
    assert read.size_budget == 3 * 2**29


def test_a_byte_order_mark_and_windows_line_ends_change_nothing():
    assert parse("\ufeff" + FULL.replace("\n", "\r\n")) == parse(FULL)


def test_every_value_knows_its_place_in_the_file(tmp_path):
    path = tmp_path / "team.yaml"
    path.write_text(BASE)
    read = matrix.load(path)
    assert read.name == "team"
    assert read.torch == (Value(text="2.8", place=Place(file=str(path), line=7, column=11)),)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "matrices").glob("*.yaml")))
def test_whatever_is_done_to_a_matrix_it_is_read_or_refused(name):
    """Seeded mutations of real files: a Matrix or an InputError with places, and no other end."""
    original = (ROOT / "matrices" / name).read_text()
    dice = random.Random(name)  # noqa: S311 - the same dice on every run
    refused = 0
    for _ in range(300):
        text = original
        for _ in range(dice.randint(1, 4)):
            text = mutated(text, dice)
        problems = problems_of(text)
        refused += bool(problems)
        assert all(problem.place and problem.hint for problem in problems[:100])
        assert all(problem.message.isprintable() for problem in problems)
    assert refused > 100


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        parse(text)
    except InputError as error:
        return error.problems
    return ()


def mutated(text: str, dice: random.Random) -> str:
    lines = text.split("\n")
    here, there = dice.randrange(len(lines)), dice.randrange(len(lines))
    at_sign = dice.randrange(len(text) + 1)
    strange = dice.choice("[]{}:,-&*!|>'\"%@`#?~\t\n \0\x1b\ufeff\ud800é$\\0٣")
    how = dice.randrange(6)
    if how == 0:
        return text[:at_sign] + strange + text[at_sign:]
    if how == 1:
        return text[:at_sign] + text[at_sign + dice.randint(1, 20) :]
    if how == 2:
        lines[here], lines[there] = lines[there], lines[here]
    elif how == 3:
        lines.insert(here, lines[there])
    elif how == 4:
        lines[here] = "  " + lines[here]
    else:
        lines[here] = (
            lines[here].partition(":")[0] + ": " + dice.choice(("", "[]", "{}", "~", "x", "[[x]]", "1"))
        )
    return "\n".join(lines)
