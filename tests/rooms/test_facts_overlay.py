"""A file of facts wins over the shipped tables, field by field; one that is wrong is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builder import facts
from builder.cli.tables import stale_note
from builder.errors import InputError

SHIPPED = facts.load()
ASKS = "`envbuild facts refresh`"
OWN_DAYS = "2026-11-23: torch, builds, cuda, os, python, traps; 2026-11-26: gpu"
NEW = """
  2.16.0:
    released: 2026-12-01
    python: {x86_64: [3.11, 3.12, 3.13t]}
    glibc: {x86_64: 2.28}
    variants: [cpu, cu132]
    default_cuda: {x86_64: 13.2}
    source: [ours]
    variants_source: [ours]
sources:
  ours: {title: our own, seen: 2026-12-01}
"""


def load(tmp_path, text: str) -> facts.Facts:
    path = tmp_path / "facts.yaml"
    path.write_text(text)
    return facts.load_with(path)


def mistakes(tmp_path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    return [
        f"{problem.place.line}:{problem.place.column} {problem.message}"
        for problem in caught.value.problems
        if problem.place
    ]


def test_it_wins_field_by_field(tmp_path) -> None:
    known = load(tmp_path, "torch:\n  2.8.0: {nccl: 9.9, torchvision: [0.23.1, 0.23.0]}\n")
    assert known.torch["2.8.0"].nccl == "9.9"
    assert known.companion("torchvision", "2.8.0", "3.11") == "0.23.1"
    assert known.torch["2.8.0"].python == SHIPPED.torch["2.8.0"].python
    assert known.torch["2.7.1"] == SHIPPED.torch["2.7.1"]
    assert known.overlaid == {("torch", "2.8.0"): ("nccl", "torchvision")}
    assert known.overlay == str(tmp_path / "facts.yaml")


def test_a_release_that_envbuild_does_not_know_is_added_in_order(tmp_path) -> None:
    known = load(tmp_path, f"torch:{NEW}")
    assert (known.newest_torch, known.torch_release("2.16")) == ("2.16.0", "2.16.0")
    assert known.cited(known.torch["2.16.0"].source) == ("our own", "2026-12-01")
    assert SHIPPED.newest_torch == "2.15.0", "what is shipped stays as it is"


def test_its_dates_are_those_of_the_tables(tmp_path) -> None:
    days = "{verified: 2026-12-01, stale_after: 2027-01-30}"
    known = load(tmp_path, f"tables: {{torch: {days}, builds: {days}}}")
    assert known.date == "2026-12-01"
    assert [table.name for table in known.stale("2027-01-31")] == ["torch", "builds"]
    assert known.stale("2027-01-30") == ()


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2027-01-23", "since 2026-11-23: torch, builds; `envbuild facts refresh`, or a newer envbuild"),
        (
            "2027-06-01",
            f"since {OWN_DAYS}; {ASKS} asks about torch; the others come with a newer envbuild",
        ),
    ],
)
def test_a_stale_note_has_each_table_s_own_day_and_who_has_newer_ones(day, told) -> None:
    assert stale_note(SHIPPED, day) == f"note: tables not verified {told}"


def test_what_refresh_does_not_renew_has_another_remedy(tmp_path) -> None:
    days = "{verified: 2027-06-01, stale_after: 2027-08-01}"
    known = load(tmp_path, f"tables: {{torch: {days}, builds: {days}}}")
    since = "note: tables not verified since 2026-11-23: cuda, os, python, traps"
    assert stale_note(known, "2027-05-24") == f"{since}; a newer envbuild may have newer ones"


def test_nvidia_s_images_systems_and_pythons_can_be_told(tmp_path) -> None:
    known = load(
        tmp_path,
        "cuda: {'13.4': {devel: {ubuntu24.04: 'registry.example.com/cuda:13.4'}}}\n"
        "os: {debian12: {image: 'registry.example.com/debian:12'}}\n"
        "python: {'3.15': {eol: 2031-10-31}}\n",
    )
    assert known.devel_image("ubuntu24.04", "13.4") == "registry.example.com/cuda:13.4"
    assert known.os["debian12"].image == "registry.example.com/debian:12"
    assert known.python["3.15"].eol == "2031-10-31"


def test_gpus_are_added_to_those_that_are_known(tmp_path) -> None:
    known = load(
        tmp_path, "gpu: {'12.0': {gpus: [RTX 5090 X], last_branch: 700}, '9.0': {gpus: [RTX 5050]}}\n"
    )
    assert known.gpu("RTX 5090").capability == known.gpu("NVIDIA RTX 5090 X").capability == "12.0"
    assert known.gpu("RTX 5050").capability == "9.0", "the overlay has it right"
    assert known.capabilities["12.0"].refusal("710").startswith("driver 710 no longer serves")
    assert known.overlaid["gpu", "RTX 5090 X"] == ("gpus", "last_branch")
    assert known.overlaid["gpu", "RTX 5090"] == ("last_branch",)
    assert ("gpu", "H100") not in known.overlaid


def test_a_new_kind_of_gpu_and_the_kernels_of_a_build_are_told(tmp_path) -> None:
    text = f"torch:{NEW}gpu: {{'13.0': {{gpus: [X100], first_driver: 620.10, source: [ours]}}}}\n"
    text += "architectures: {2.16.0: {x86_64: {cu132: [13.0, 8.6, 12.0+PTX]}, source: [ours]}}\n"
    known = load(tmp_path, text)
    assert known.gpu("X100").capability == "13.0"
    assert known.archs("2.16.0", "13.2", "x86_64") == ("8.6", "12.0+PTX", "13.0")
    assert known.archs("2.15.0", "13.2", "x86_64") == SHIPPED.archs("2.15.0", "13.2", "x86_64")
    assert "architectures" in known.overlaid["torch", "2.16.0"]


def test_kernels_that_the_overlay_tells_win(tmp_path) -> None:
    known = load(tmp_path, "architectures: {2.15.0: {x86_64: {cu132: [9.0]}, source: [wheel]}}\n")
    assert known.archs("2.15.0", "13.2", "x86_64") == ("9.0",)
    assert known.archs("2.14.1", "13.2", "x86_64") == SHIPPED.archs("2.14.1", "13.2", "x86_64")


def test_a_trap_is_told_or_changed(tmp_path) -> None:
    text = "traps:\n  numpy2: {torch: '<2.2'}\n  new: {level: constraint, torch: '>=2.15',"
    text += " requirement: 'numpy<3', symptom: it breaks, cause: numpy 3, source: [general]}\n"
    known = load(tmp_path, text)
    bounds = {one.trap: one.requirement for one in known.constraints("2.15.0", "3.12", "2.36")}
    assert bounds["new"] == "numpy<3"
    assert "numpy2" not in {one.trap for one in known.constraints("2.2.0", "3.11", "2.36")}
    assert known.overlaid["traps", "numpy2"] == ("torch",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", "1:1 this is no file of facts"),
        ("torhc: {}", "1:1 'torhc' is no table"),
        ("torch: [2.8.0]", "1:8 torch must have rows by name"),
        ("torch: {2.8: {}}", "1:9 '2.8' is not a torch release such as 2.8.0"),
        ("torch: {2.8.0: [x]}", "1:16 this is not fields with values"),
        ("torch: {2.8.0: {nccll: 1}}", "1:17 'nccll' is no field of torch"),
        ("torch: {2.8.0: {nccl: [1]}}", "1:23 this is not a version such as 2.8.0"),
        ("torch: {2.8.0: {variants: cpu}}", "1:27 'cpu' is not a list, each of a build such as cu126 or cpu"),
        ("torch: {2.8.0: {variants: [rocm6]}}", "1:28 'rocm6' is not a build such as cu126 or cpu"),
        ("torch: {2.8.0: {glibc: {arm: 2.28}}}", "1:25 'arm' is not a name that may stand here"),
        ("torch: {2.8.0: {glibc: {x86_64: two}}}", "1:33 'two' is not a glibc such as 2.28"),
        (
            "torch: {2.8.0: {source: [S99]}}",
            "1:26 'S99' is not under `sources`, neither here nor in envbuild",
        ),
        ("cuda: {'12.8': {archs: {min: 5.0}}}", "1:24 max is missing here"),
        ("os: {debian12: {image: 'debian $(id)'}}", "1:24 'debian $(id)' is not an image"),
        ("gpu: {sm_90: {}}", "1:7 'sm_90' is not a compute capability such as 8.6"),
        ("gpu: {'13.0': {gpus: [X]}}", "1:7 gpu 13.0 has no source"),
        ("architectures: {2.16.0: {x86_64: {cu132: [8.6]}}}", "1:17 architectures 2.16.0 has no source"),
        (
            "architectures: {2.16.0: {x86_64: {cu132: [sm_86]}, source: [wheel]}}",
            "1:43 'sm_86' is not an architecture such as 8.6 or 12.0+PTX",
        ),
        (
            "traps: {numpy2: {requirement: 'numpy; x'}}",
            "1:31 'numpy; x' is not a requirement such as numpy<2",
        ),
        ("traps: {numpy2: {torch: new}}", "1:25 'new' is not a range such as >=2.1,<2.4"),
        ("tables: {torch: {verified: 2026-12-01}}", "1:10 tables torch has no stale_after"),
        ("wheels: {2.8.0: {cp311: abc}}", "1:25 'abc' is not a sha256 in hex"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, text: str, told: str) -> None:
    assert told in mistakes(tmp_path, text)


def test_a_new_row_must_be_complete(tmp_path) -> None:
    (told,) = mistakes(tmp_path, "torch: {2.99.0: {released: 2026-12-01, source: [pypi]}}")
    assert told == "1:9 torch 2.99.0 has no python, glibc, variants, default_cuda, variants_source"


def test_all_mistakes_come_at_once(tmp_path) -> None:
    assert len(mistakes(tmp_path, "torch: {2.8.0: {nccl: x, cudnn: y}}\ncuda: {a: {}}\nnothing: {}")) == 4


def test_the_example_of_the_documentation_is_one(tmp_path) -> None:
    page = (Path(__file__).parents[2] / "docs/cli.md").read_text()
    (example,) = (block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "ours:" in block)
    assert load(tmp_path, example).companion("torchao", "2.8.0", "3.11") == "0.13.0"
