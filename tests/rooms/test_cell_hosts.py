"""What a machine's driver and GPUs add to a plan: what can be built, and cannot run there."""

import json
from dataclasses import replace

import jsonschema
import pytest
from cell_matrices import cells, matrix

from builder import records
from builder.cell import Reason, host, there
from builder.errors import InputError
from builder.facts import load
from builder.report import plan_table
from builder.report.plan_table import Plan
from tests.rooms.test_records import schema

FACTS = load()


def on(driver: str | None, gpus: tuple[str, ...], *axes: str, **rest: object) -> tuple[Reason, ...]:
    """What that machine adds for the one cell of a matrix."""
    (cell,) = cells(*axes, **rest)
    assert cell.verdict == "possible", cell.reasons
    return there((cell,), matrix(*axes, **rest), FACTS, host(driver, gpus, FACTS))[cell.id]


def rules(reasons: tuple[Reason, ...], weight: str) -> list[str]:
    return [reason.rule for reason in reasons if reason.weight == weight]


@pytest.mark.parametrize(
    ("name", "row", "capability"),
    [
        ("NVIDIA GeForce RTX 3090", "RTX 3090", "8.6"),
        ("RTX 3090", "RTX 3090", "8.6"),
        ("3090 ti", "RTX 3090 Ti", "8.6"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "RTX 4090", "8.9"),
        ("NVIDIA GeForce RTX 4080 SUPER", "RTX 4080", "8.9"),
        ("GTX1080", "GTX 1080", "6.1"),
        ("Tesla V100-SXM2-32GB", "V100", "7.0"),
        ("NVIDIA A100-SXM4-80GB", "A100", "8.0"),
        ("NVIDIA H100 80GB HBM3", "H100", "9.0"),
        ("NVIDIA H200 NVL", "H200", "9.0"),
        ("NVIDIA GH200 480GB", "GH200", "9.0"),
        ("Tesla T4", "T4", "7.5"),
        ("Quadro RTX 6000", "Quadro RTX 6000", "7.5"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada", "8.9"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "RTX PRO 6000 Blackwell", "12.0"),
        ("NVIDIA RTX A6000", "RTX A6000", "8.6"),
        ("NVIDIA B200", "B200", "10.0"),
        ("NVIDIA GeForce GTX 1050 Ti", "GTX 1050 Ti", "6.1"),
        ("NVIDIA GeForce GTX 1060 6GB", "GTX 1060", "6.1"),
        ("NVIDIA GeForce GTX 1650 Ti", "GTX 1650 Ti", "7.5"),
        ("NVIDIA GeForce GT 1030", "GT 1030", "6.1"),
        ("1030", "GT 1030", "6.1"),
        ("NVIDIA GeForce MX450", "MX450", "7.5"),
        ("NVIDIA GeForce RTX 2070 Super with Max-Q Design", "RTX 2070", "7.5"),
        ("GeForce GTX 1080 with Max-Q Design", "GTX 1080", "6.1"),
        ("Quadro RTX 5000 with Max-Q Design", "Quadro RTX 5000", "7.5"),
        ("NVIDIA TITAN X (Pascal)", "TITAN X", "6.1"),
        ("GeForce GTX TITAN X", "GTX TITAN X", "5.2"),
        ("Tesla V100S-PCIE-32GB", "V100S", "7.0"),
        ("Tesla V100-DGXS-32GB", "V100", "7.0"),
        ("Tesla V100-FHHL-16GB", "V100", "7.0"),
        ("Tesla V100-SXM2-16GB-LS", "V100", "7.0"),
        ("Tesla V100-SXM3-32GB-H", "V100", "7.0"),
        ("NVIDIA A10G", "A10G", "8.6"),
        ("NVIDIA T4G", "T4G", "7.5"),
        ("NVIDIA RTX A4500", "RTX A4500", "8.6"),
        ("NVIDIA RTX A5500 Laptop GPU", "RTX A5500", "8.6"),
        ("NVIDIA RTX A1000 Laptop GPU", "RTX A1000", "8.6"),
        ("NVIDIA RTX A400", "RTX A400", "8.6"),
        ("NVIDIA GeForce RTX 4090 D", "RTX 4090 D", "8.9"),
        ("NVIDIA H800 PCIe", "H800", "9.0"),
        ("NVIDIA H20", "H20", "9.0"),
        ("NVIDIA A800-SXM4-80GB", "A800", "8.0"),
        ("NVIDIA A800 40GB Active", "A800", "8.0"),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "A100", "8.0"),
        ("NVIDIA B300 SXM6 AC", "B300", "10.3"),
        ("NVIDIA GH200 144G HBM3e", "GH200", "9.0"),
        ("NVIDIA Thor", "Thor", "11.0"),
        ("Orin (nvgpu)", "Orin", "8.7"),
        ("Tesla K40m", "K40", "3.5"),
        ("Tesla K20Xm", "K20X", "3.5"),
        ("NVIDIA RTX PRO 4000 Blackwell SFF Edition", "RTX PRO 4000 Blackwell SFF", "12.0"),
        ("NVIDIA RTX PRO 5000 Blackwell Generation Laptop GPU", "RTX PRO 5000 Blackwell", "12.0"),
        ("GRID V100DX-32C", "V100", "7.0"),
        ("GRID V100S-32Q", "V100S", "7.0"),
        ("GRID T4-16Q", "T4", "7.5"),
        ("GRID RTX6000-2Q", "Quadro RTX 6000", "7.5"),
        ("NVIDIA RTX6000-Ada-48Q", "RTX 6000 Ada", "8.9"),
        ("NVIDIA A40-48Q", "A40", "8.6"),
        ("GRID A100D-3-40C", "A100", "8.0"),
        ("NVIDIA L40S-48Q", "L40S", "8.9"),
        ("NVIDIA H100XM-80C", "H100", "9.0"),
    ],
)
def test_a_gpu_is_known_by_what_nvidia_smi_and_people_call_it(name, row, capability):
    (found,) = host(None, [name], FACTS).gpus
    assert (found.name, found.capability) == (row, capability)


@pytest.mark.parametrize("text", ["8.6", "sm_86", "86"])
def test_a_compute_capability_will_do(text):
    assert host(None, [text], FACTS).gpus[0].capability == "8.6"


@pytest.mark.parametrize("text", [*FACTS.capabilities, "13.0"])
def test_every_capability_will_do_and_one_of_the_next_generation(text):
    assert host(None, [text], FACTS).gpus[0].capability == text
    assert host(None, [text.replace(".", "")], FACTS).gpus[0].capability == text


def test_of_several_gpus_with_a_name_none_is_guessed():
    with pytest.raises(InputError, match="'RTX 6000' is not in the tables") as caught:
        host(None, ["RTX 6000"], FACTS)
    hint = caught.value.problems[0].hint
    assert "RTX PRO 6000 Blackwell or RTX 6000 Ada or Quadro RTX 6000" in hint
    assert "RTX A6000" not in hint
    assert FACTS.gpu("NVIDIA GPU of tomorrow") is None


def test_every_gpu_of_the_table_is_found_by_its_own_name():
    assert [FACTS.gpu(row.name) for row in FACTS.gpus] == list(FACTS.gpus)


@pytest.mark.parametrize(
    ("driver", "gpus", "words"),
    [
        ("five", (), "'five' is no NVIDIA driver"),
        ("12.8", (), "'12.8' is no NVIDIA driver"),
        (None, ("RTX 3091",), "'RTX 3091' is not in the tables"),
        (None, ("",), "'' is not in the tables"),
        (None, ("751",), "'751' is no compute capability"),
        (None, ("12",), "'12' is no compute capability"),
        (None, ("99.9",), "'99.9' is no compute capability"),
        (None, ("7.7",), "'7.7' is no compute capability"),
        (None, ("sm_00",), "'sm_00' is no compute capability"),
    ],
)
def test_what_is_no_driver_or_gpu_is_told(driver, gpus, words):
    with pytest.raises(InputError, match=words) as caught:
        host(driver, gpus, FACTS)
    assert caught.value.problems[0].hint


def test_wheels_run_by_minor_version_compatibility_where_nvidia_s_image_does_not_start():
    """CUDA 12.8 on driver 530, which is none of the branches that the image's own check lets through."""
    axes = ("ubuntu22.04", "3.11", "12.8", "2.8")
    assert rules(on("530.30.02", (), *axes), "warning") == ["driver_below_toolkit"]
    refused = on("530.30.02", (), *axes, flavor="devel")
    assert rules(refused, "impossible") == ["driver_refused"]
    assert rules(on("535", (), *axes, flavor="devel"), "impossible") == []
    assert on("570.26", (), *axes, flavor="devel") == ()


@pytest.mark.parametrize(
    ("driver", "blocked"),
    [("525.60.12", True), ("525.60.13", False), ("525", False), ("524", True), ("580.65.06", False)],
)
def test_a_driver_below_the_floor_of_a_cuda_major_runs_none_of_it(driver, blocked):
    found = on(driver, (), "ubuntu22.04", "3.11", "12.6", "2.8")
    assert ("driver_too_old" in rules(found, "impossible")) is blocked


def test_cu126_is_the_last_for_volta_and_ends_with_2_14():
    volta = ("V100",)
    assert on(None, volta, "ubuntu22.04", "3.12", "12.6", "2.14") == ()
    (reason,) = on(None, volta, "ubuntu22.04", "3.12", "13.0", "2.14")
    assert reason.rule == "gpu_too_old"
    assert reason.nearest[0] == "ubuntu22.04-py3.12-cu126-torch2.14.1"
    newest, _ = on("580", volta, "ubuntu22.04", "3.12", "13.2", "2.15")
    assert newest.nearest[0] == "ubuntu22.04-py3.12-cu126-torch2.14.1"


def test_glibc_decides_from_which_torch_on_centos_7_ends():
    assert cells("centos7", "3.11", "cpu", "2.6")[0].verdict == "possible"
    (refused,) = cells("centos7", "3.11", "cpu", "2.7", impossible="drop")
    assert [reason.rule for reason in refused.reasons if reason.blocks] == ["glibc_too_old"]


def test_torch_1_12_cannot_be_imported_where_glibc_refuses_an_executable_stack():
    """Debian 13 has glibc 2.41; 1.13.1 no longer asks for one."""
    (refused,) = cells("debian13", "3.10", "cpu", "1.12", impossible="drop")
    assert [reason.rule for reason in refused.reasons if reason.blocks] == ["exec_stack"]
    assert cells("debian12", "3.10", "cpu", "1.12")[0].verdict == "possible"
    assert cells("debian13", "3.10", "cpu", "1.13")[0].verdict == "possible"


def test_what_plain_pip_installs_of_2_11_wants_cuda_13_and_driver_580():
    assert FACTS.torch["2.11.0"].default_cuda["x86_64"] == "13.0"
    (reason,) = on("575.57.08", (), "ubuntu22.04", "3.12", "13.0", "2.11")
    assert (reason.rule, reason.weight) == ("driver_too_old", "impossible")
    assert on("580.65.06", (), "ubuntu22.04", "3.12", "13.0", "2.11") == ()


def test_the_newest_gpus_need_the_newest_builds():
    (reason,) = on(None, ("RTX 5090",), "ubuntu22.04", "3.11", "12.6", "2.8")
    assert (reason.rule, reason.weight) == ("gpu_too_new", "impossible")
    assert "cu128-torch2.8.0" in reason.nearest[0]


def test_all_gpus_of_a_machine_must_be_served():
    found = on(None, ("V100", "RTX 3090"), "ubuntu22.04", "3.12", "13.0", "2.14")
    assert [reason.message.split(";")[0] for reason in found] == [
        "torch 2.14.1+cu130 has no kernels for compute capability 7.0"
    ]


@pytest.mark.parametrize(
    ("driver", "gpu", "words"),
    [
        ("535", "K80", "no longer serves GPUs of compute capability 3.7; branch 470 is the last"),
        ("590.44.01", "V100", "no longer serves GPUs of compute capability 7.0; branch 580 is the last"),
        ("550.120", "RTX 5090", "does not know GPUs of compute capability 12.0; 570.26 does"),
    ],
)
def test_a_driver_must_serve_the_gpu_itself(driver, gpu, words):
    found = on(driver, (gpu,), "ubuntu22.04", "3.11", "11.8", "2.7")
    assert words in next(reason.message for reason in found if reason.rule == "driver_and_gpu")
    assert on(driver, (gpu,), "ubuntu22.04", "3.11", "cpu", "2.7") == ()


def test_a_cpu_build_runs_beside_any_driver():
    assert on("390", ("K80",), "ubuntu22.04", "3.11", "cpu", "2.8") == ()


def test_the_plan_tells_what_cannot_run_there_apart_from_what_cannot_be_built():
    axes = ("ubuntu22.04", "3.12", "12.6 13.0", "2.14")
    machine, made, asked = host("535", ("RTX 3090",), FACTS), cells(*axes), matrix(*axes)
    plan = Plan(
        matrix=asked,
        cells=made,
        date=FACTS.date,
        machine=machine,
        there=there(made, asked, FACTS, machine),
    )
    text = plan_table.as_text(plan)
    assert "to build: 2 cells" in text
    assert "can be built, cannot run there: 1 cell" in text
    assert "warnings for driver 535, RTX 3090" in text
    assert text.splitlines()[-1].startswith("m: 2 cells: 2 to build, 1 cannot run there")
    told = json.loads(records.dumps(plan_table.as_json(plan)))
    jsonschema.validate(told, schema("plan.schema.json"))
    assert [[reason["rule"] for reason in cell["there"]] for cell in told["cells"]] == [
        ["driver_below_toolkit"],
        ["driver_too_old"],
    ]
    assert told["machine"] == {"driver": "535", "gpus": [{"name": "RTX 3090", "capability": "8.6"}]}
    without = replace(plan, machine=None, there={})
    assert "machine" not in plan_table.as_json(without)
