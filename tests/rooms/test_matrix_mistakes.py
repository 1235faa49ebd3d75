"""matrix: each mistake with its exact place and hint, and many of them at once."""

from pathlib import Path

import pytest

from builder import matrix
from builder.errors import InputError

BASE = """\
version: 1
image: team/torch
matrix:
  os: [debian12]
  python: [3.10]
  cuda: [cpu]
  torch: [2.8]
"""


def told(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        matrix.parse(text, Path("f.yaml"))
    return [f"{p.place}: {p.message} → {p.hint}" for p in caught.value.problems]


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
    # packages
    (
        BASE + 'packages: {pip: [numpy, "x @ https://h/x-1-py3-none-any.whl"]}',
        "8:25: x is asked for by a URL → write its name, and serve the wheel from an index or a find-",
    ),
    # folders
    (BASE + "settings: {HF_HOME: hf}", "8:21: 'hf' is not an absolute path → write an absolute path, for"),
    (BASE + "settings: {TORCH_HOME: /a/../b}", "8:24: '/a/../b' holds '..' → write the path without it"),
    (BASE + "settings: {TMPDIR: /}", "8:20: '/' is the whole file system → name a folder below it"),
    # numbers
    (BASE + "user: {uid: 0}", "8:13: '0' is not a number from 1000 to 60000 → for example 1000"),
    (BASE + "user: {uid: 33}", "8:13: '33' is not a number from 1000 to 60000 → for example 1000"),
    (BASE + "user: {name: staff}", "8:14: 'staff' is an account or group of a base image → choose another"),
    (BASE + "user: {uid: 60001}", "8:13: '60001' is not a number from 1000 to 60000 →"),
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
        "10:25: '0' is not a number from 1000 to 60000",
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
    assert len(told("imagee: 'Not Valid'\n" + BASE)) == 1


def test_more_than_a_hundred_mistakes_are_counted():
    found = told(BASE + "\n".join(f"foo{number}: 1" for number in range(150)))
    assert len(found) == 101
    assert "and 50 more problems" in found[-1]
