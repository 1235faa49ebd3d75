"""matrix: what a file means, each mistake with its exact place and hint, many at once, hostile text."""

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


def told(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse(text)
    return [f"{p.place}: {p.message} → {p.hint}" for p in caught.value.problems]


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
    assert (read.platform, read.base) == ("linux/amd64", "auto")
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
    assert (read.platform, read.base) == ("linux/arm64", "bootstrap")
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


MISTAKES = [
    # shape of the document
    ("[1]", "1:1: a matrix file must be a mapping, not a list → start with `version: 1`"),
    ("hello", "1:1: a matrix file must be a mapping, not text →"),
    ("null", "1:1: the file has no value → start with `version: 1`"),
    # keys
    (BASE + "pakages: {}", "8:1: unknown key 'pakages' → did you mean 'packages'?"),
    (BASE + "foo: 1", "8:1: unknown key 'foo' → known keys: version, image, tags, matrix, exclude,"),
    (BASE + "pip: [numpy]", "8:1: unknown key 'pip' → it belongs under 'packages'"),
    (BASE + "os: [debian12]", "8:1: unknown key 'os' → it belongs under 'matrix'"),
    (BASE + "packages: {flavor: devel}", "8:12: unknown key 'flavor' in packages → it belongs at the top"),
    (BASE + "verify: {epoch: 3}", "8:10: unknown key 'epoch' in verify → did you mean 'epochs'?"),
    (BASE + "exclude: [{torhc: '2.8'}]", "8:12: unknown key 'torhc' in exclude → did you mean 'torch'?"),
    (BASE.replace("cuda", "Cuda"), "6:3: unknown key 'Cuda' in matrix → did you mean 'cuda'?"),
    (
        BASE.replace("image: team/torch\n", ""),
        "1:1: key 'image' is missing → add `image: registry.example.com/",
    ),
    (BASE.replace("  cuda: [cpu]\n", ""), "4:3: key 'cuda' is missing in matrix → add `cuda: [cpu]`"),
    (BASE.replace("version: 1\n", ""), "1:1: key 'version' is missing → add `version: 1`"),
    (
        BASE + "include: [{os: debian12, python: 3.11, cuda: cpu}]",
        "8:11: key 'torch' is missing in include →",
    ),
    (BASE + "user: {name: a, name: b}", "8:17: duplicate key 'name' → it is on line 8 too; keep one"),
    (
        BASE.replace("version: 1", "version: 2"),
        "1:10: version '2' of the matrix format is not known → write `",
    ),
    (BASE.replace("version: 1", "version: 1.0"), "1:10: version '1.0' of the matrix format is not known →"),
    # types
    (
        BASE.replace("[debian12]", "debian12"),
        "4:7: matrix.os must be a list, not text → write os: [debian12]",
    ),
    (
        BASE.replace("[debian12]", "{a: b}"),
        "4:7: matrix.os must be a list, not a mapping → write os: [ubuntu",
    ),
    (BASE.replace("[debian12]", "[[debian12]]"), "4:8: matrix.os must be text, not a list → write one value"),
    (BASE.replace("[debian12]", "[~]"), "4:8: matrix.os has no value → write one value, or remove the key"),
    (BASE.replace("  os: [debian12]", "  os:"), "4:6: matrix.os has no value → write os: [ubuntu22.04], or"),
    (BASE + "python: system", "8:9: python must be a mapping, not text → write python: {provider: …}"),
    (BASE + "packages: [numpy]", "8:11: packages must be a mapping, not a list → write packages: {pip: …}"),
    (BASE + "settings: [A]", "8:11: settings must be a mapping, not a list → write settings: {NAME: …}"),
    (BASE + "settings: {A: [b]}", "8:15: settings.A must be text, not a list → write one value"),
    (BASE + "settings: {A: }", "8:15: settings.A has no value →"),
    (
        BASE + "exclude: {os: debian12}",
        "8:10: exclude must be a list, not a mapping → write exclude: [{python",
    ),
    (BASE + "exclude: [debian12]", "8:11: exclude must be a mapping, not text → write exclude: {os: …}"),
    (BASE + "flavor: [runtime]", "8:9: flavor must be text, not a list → write one value"),
    # axes
    (BASE.replace("[cpu]", "[]"), "6:9: axis 'cuda' is empty → write cuda: [cpu]"),
    (BASE.replace("[cpu]", "[cu126, 12.6]"), "6:17: matrix.cuda lists '12.6' twice → it is on line 6 too;"),
    (BASE.replace("[debian12]", "[debian12, debian:12]"), "4:18: matrix.os lists 'debian12' twice →"),
    # enumerations
    (BASE + "flavor: develop", "8:9: 'develop' is not a value of flavor → did you mean 'devel'?"),
    (BASE + "flavor: big", "8:9: 'big' is not a value of flavor → one of: runtime, devel"),
    (BASE + "impossible: no", "8:13: 'no' is not a value of impossible → one of: error, drop"),
    (
        BASE + "platform: linux/amd46",
        "8:11: 'linux/amd46' is not a value of platform → did you mean 'linux/amd64'",
    ),
    (BASE + "base: Registry", "8:7: 'Registry' is not a value of base → did you mean 'registry'?"),
    (BASE + "python: {provider: sytem}", "8:20: 'sytem' is not a value of python.provider → did you mean 's"),
    (
        BASE + "verify: {level: full}",
        "8:17: 'full' is not a value of verify.level → one of: static, basic, deep",
    ),
    # rules
    (
        BASE + "exclude: [{reason: x}]",
        "8:11: this rule names no axis → it would leave out every cell; name os",
    ),
    (BASE + "exclude: [{python: '>=3.x'}]", "8:20: '>=3.x' is not a version range → write it like \"<3.11\""),
    (BASE + "exclude: [{python: '=3.10'}]", "8:20: '=3.10' is not a version range →"),
    (BASE + "exclude: [{torch: '2.[78'}]", "8:19: '2.[78' is not a pattern → write a value, a glob with"),
    (BASE + "exclude: [{torch: '2.7|2.8'}]", "8:19: '2.7|2.8' is not a pattern →"),
    (BASE + "exclude: [{os: '>=ubuntu20'}]", "8:16: '>=ubuntu20': an OS has no version range → use a glob"),
    (BASE + "exclude: [{os: 'Ubuntu*'}]", "8:16: 'Ubuntu*' is not a pattern →"),
    (
        BASE + "exclude: [{cuda: 'cu12*'}]",
        "8:18: 'cu12*': a CUDA pattern is one of versions → write the version",
    ),
    (BASE + "exclude: [{os: [a, b]}]", "8:16: exclude.os must be text, not a list → write one value"),
    (
        BASE + "exclude: [{os: '*', reason: }]",
        "8:29: exclude.reason has no value → write one value, or remove",
    ),
    # tags
    (BASE + "tags: []", "8:7: tags is empty → remove the key, or write tags: ["),
    (BASE + 'tags: ["{pyton}"]', "8:8: '{pyton}' is nothing that a tag can hold → did you mean '{python}'?"),
    (
        BASE + 'tags: ["{}"]',
        "8:8: '{}' is nothing that a tag can hold → there are {os}, {python}, {cuda} and",
    ),
    (BASE + 'tags: ["{os.name}"]', "8:8: '{os.name}' is nothing that a tag can hold →"),
    (BASE + 'tags: ["a b"]', "8:8: 'a b' is not a tag → a tag is letters, digits"),
    (BASE + 'tags: ["{os"]', "8:8: '{os' is not a tag →"),
    (BASE + 'tags: [".x{os}"]', "8:8: '.x{os}' is not a tag →"),
    (
        BASE + 'tags: ["team:x"]',
        "8:8: 'team:x' is not a tag → write only the tag; the repository stands under",
    ),
    # numbers
    (BASE + "user: {uid: 0}", "8:13: '0' is not a number from 1 to 60000 → for example 10"),
    (BASE + "user: {uid: 60001}", "8:13: '60001' is not a number from 1 to 60000 →"),
    (BASE + "verify: {epochs: 1e3}", "8:18: '1e3' is not a number from 1 to 1000 →"),
    (BASE + "verify: {epochs: 1_0}", "8:18: '1_0' is not a number from 1 to 1000 →"),
    (BASE + "verify: {memory: 4}", "8:18: '4' is not a size → write a number and a unit, for example 3GB"),
    (BASE + "verify: {memory: 4MB}", "8:18: '4MB' is too little memory for torch → give at least 256MiB"),
    (BASE + "verify: {timeout: 10min}", "8:19: '10min' is not a duration → write seconds or a number with s"),
    (BASE + "verify: {timeout: 25h}", "8:19: '25h' is not a duration →"),
    (BASE + "verify: {gpus: [RTX]}", "8:17: 'RTX' is not a GPU generation → write the compute capability"),
    (BASE + "budget: {size: -1GB}", "8:16: '-1GB' is not a size →"),
    (BASE + "budget: {size: 0GB}", "8:16: '0GB' is no size at all →"),
    # text that only looks like one
    (BASE + 'user: {name: "a\\nb"}', "8:14: user.name holds a line end → write printable text on one line"),
    (BASE + 'flavor: "\\e[31mdevel"', "8:9: flavor holds the character U+001B →"),
    (BASE + "flavor: a\xa0b", "8:9: flavor holds the character U+00A0 →"),
    (BASE + "flavor: " + "x" * 5000, "8:9: flavor is longer than 4096 characters → shorten it"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[expected for _, expected in MISTAKES])
def test_each_mistake_has_its_place_and_hint(text, expected):
    (only,) = told(text)
    assert only.startswith(f"f.yaml:{expected}")


def test_many_mistakes_are_told_at_once_in_the_order_of_the_file():
    text = """\
version: 2
iamge: Team/Torch
matrix:
  os: [debian12, "debian 12"]
  python: [3.x]
  cuda: []
exclude:
  - {pyhton: "<<3"}
settings: {PATH: /x, A: "$B"}
user: {name: root, uid: 0}
user: {name: root}
packages: {pip: [-e .], sytem: [-y]}
flavor: &f devel
"""
    assert [line.split(" →")[0].removeprefix("f.yaml:") for line in told(text)] == [
        "1:10: version '2' of the matrix format is not known",
        "2:1: unknown key 'iamge'",
        "2:8: 'Team/Torch' is not an image repository",
        "4:3: key 'torch' is missing in matrix",
        "4:18: 'debian 12' is not the name of an OS",
        "5:12: '3.x' is not a Python version",
        "6:9: axis 'cuda' is empty",
        "8:6: unknown key 'pyhton' in exclude",
        "8:14: '<<3' is not a version range",
        "9:12: setting 'PATH' is reserved: it points to the environment that envbuild makes",
        "9:25: a setting cannot hold $",
        "10:14: the user cannot be root",
        "10:25: '0' is not a number from 1 to 60000",
        "11:1: duplicate key 'user'",
        "12:18: '-e .' is an option",
        "12:25: unknown key 'sytem' in packages",
        "12:33: '-y' is not the name of a system package",
        "13:9: anchor '&f' is not allowed",
    ]


def test_two_mistakes_far_apart_come_in_one_go():
    filler = "# nothing\n" * 500
    text = BASE.replace("[cpu]", "[gpu]") + filler + "budget: {size: much}\n"
    assert [line.split(" →")[0] for line in told(text)] == [
        "f.yaml:6:10: 'gpu' is not a CUDA version",
        "f.yaml:508:16: 'much' is not a size",
    ]


def test_an_alias_is_one_mistake_wherever_it_stands():
    assert len(told(BASE.replace("[debian12]", "*x"))) == 1
    assert len(told(BASE.replace("[debian12]", "[debian12, *x]"))) == 1
    assert len(told(BASE + "user: *x")) == 1


def test_a_key_that_is_misspelled_beside_the_right_one_is_not_read():
    assert len(told(BASE + "imagee: 'Not Valid'")) == 1


def test_more_than_a_hundred_mistakes_are_counted():
    found = told(BASE + "\n".join(f"foo{number}: 1" for number in range(150)))
    assert len(found) == 101
    assert "and 50 more problems" in found[-1]


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
