"""A machine read from its own files and programs, or from a description; and what is advised for it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from builder.advice import advise
from builder.facts import load
from builder.machine import Cpu, EngineSeen, Gpu, Machine, as_json, findings
from builder.machine import load as described
from builder.machine.nvidia_smi import SMI
from builder.machine.probing import Here, probe
from builder.report import doctor
from tests.rooms.test_records import schema

FACTS = load()
MACHINES = sorted((Path(__file__).parents[1] / "screens/matrices/machines").glob("*.yaml"))
CPUINFO = "vendor_id\t: GenuineIntel\nmodel name\t: Xeon\nflags\t\t: {}\n"
V2 = "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3"
V3 = f"{V2} avx avx2 bmi1 bmi2 f16c fma abm movbe"


def seen(folder: Path, files: dict[str, str], programs: dict[tuple[str, ...], str], **env: str) -> Machine:
    """What is read of a file system and of programs; a program that is not there says nothing."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    here = Here(root=folder, run=lambda command: programs.get(tuple(command)), env=env)
    return probe(folder, (), (), here)


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "debian12"),
        ('NAME="Ubuntu"\nVERSION_ID="22.04"\nID=ubuntu\n', "ubuntu22.04"),
        ('ID="rocky"\nVERSION_ID="9.4"\n', "rocky9"),
        ('ID="almalinux"\nVERSION_ID="8.10"\n', "alma8"),
        ('ID="centos"\nVERSION_ID="7"\n', "centos7"),
        ('ID="centos"\nVERSION_ID="9"\n', "centos-stream9"),
    ],
)
def test_the_os_is_one_of_the_tables(tmp_path, release, name):
    assert FACTS.os_name(seen(tmp_path, {"etc/os-release": release}, {}).os) == name


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ("sse2", "x86-64-v1"),
        (V2, "x86-64-v2"),
        (V3, "x86-64-v3"),
        (f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl", "x86-64-v4"),
        (V3.replace("fma ", ""), "x86-64-v2"),
        (f"{' '.join(f'other{n}' for n in range(200))} {V3}", "x86-64-v3"),
    ],
)
def test_the_cpu_tells_its_level(tmp_path, flags, level, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    found = seen(tmp_path, {"proc/cpuinfo": CPUINFO.format(flags)}, {}).cpu
    assert (found.vendor, found.model, found.level) == ("GenuineIntel", "Xeon", level)


def test_a_name_of_a_cpu_cannot_steer_the_terminal(tmp_path):
    found = seen(tmp_path, {"proc/cpuinfo": "model name\t: Evil \x1b[31m CPU\n"}, {})
    assert found.cpu.model == "Evil \\x1b[31m CPU"


def test_the_limits_of_a_control_group_count(tmp_path):
    files = {
        "proc/meminfo": "MemTotal:       65536000 kB\n",
        "sys/fs/cgroup/memory.max": "2147483648\n",
        "sys/fs/cgroup/cpu.max": "100000 100000\n",
    }
    found = seen(tmp_path, files, {})
    assert (found.memory, found.cpu.count) == (2 * 2**30, 1)
    files |= {"sys/fs/cgroup/memory.max": "max\n"}
    assert seen(tmp_path, files, {}).memory == 65536000 * 1024


def test_gpus_and_driver_come_from_nvidia_smi(tmp_path):
    told = "550.54.15, Tesla V100-SXM2-32GB, 32768, 7.0\n550.54.15, Tesla V100-SXM2-32GB, [N/A], 7.0\n"
    found = seen(tmp_path, {}, {tuple(SMI): told})
    assert found.driver == "550.54.15"
    assert found.gpus == (
        Gpu(name="Tesla V100-SXM2-32GB", capability="7.0", memory=32 * 2**30),
        Gpu(name="Tesla V100-SXM2-32GB", capability="7.0"),
    )


def test_a_machine_that_tells_nothing_has_nothing_claimed_of_it(tmp_path):
    found = seen(tmp_path, {}, {})
    assert (found.os, found.driver, found.gpus, found.memory, found.cpu.level) == ("", "", (), None, "")


def test_proxies_are_named_and_not_shown(tmp_path):
    found = seen(tmp_path, {}, {}, HTTPS_PROXY="http://me:secret@proxy:1", no_proxy="localhost")
    assert found.proxies == ("https_proxy", "no_proxy")
    assert "secret" not in json.dumps(as_json(found))


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_what_doctor_tells_is_of_its_schema_and_can_be_simulated_again(path, tmp_path):
    machine = described(path)
    advice = advise(machine, FACTS)
    told = json.loads(json.dumps(doctor.as_json(machine, findings(machine, FACTS), advice, FACTS)))
    jsonschema.validate(told, schema("doctor.schema.json"))
    again = tmp_path / "machine.json"
    again.write_text(json.dumps(told["machine"]))
    assert described(again) == machine


@pytest.mark.parametrize("driver", ["390", "470.82.01", "525", "535.54.03", "580.65.06", "999"])
def test_every_cuda_of_the_tables_knows_what_a_driver_does_with_it(driver):
    support = [row.support(driver) for row in FACTS.cuda.values()]
    assert set(support) <= {"none", "minor", "full"}
    assert support == sorted(support, key=("full", "minor", "none").index)  # newer ones want newer drivers


def test_the_newest_branch_runs_what_was_made_for_it():
    assert FACTS.cuda["13.4"].support("615") == "full"
    assert FACTS.cuda["13.4"].support("614.1") == "minor"


def test_each_kind_of_trouble_is_a_finding_with_a_remedy():
    machine = Machine(
        cpu=Cpu(level="x86-64-v1"),
        memory=2**30,
        disk=10**9,
        gpus=(Gpu(name="RTX 3090"), Gpu(name="GPU of tomorrow")),
        engines=(EngineSeen(kind="docker", version="19.3", gpus=False),),
    )
    found = {(one.check, one.severity): one for one in findings(machine, FACTS)}
    for trouble in (
        ("disk", "problem"),
        ("memory", "warning"),
        ("gpu", "warning"),
        ("driver", "problem"),
        ("toolkit", "problem"),
        ("engine", "warning"),
    ):
        assert found[trouble].remedy
    assert "centos-stream10" in next(one.message for one in findings(machine, FACTS) if one.check == "cpu")
    (engine, *_) = findings(Machine(engines=()), FACTS)
    assert (engine.severity, bool(engine.remedy)) == ("problem", True)


def remedies(check: str, *names: str, driver: str = "") -> list[str]:
    """What is to be done about one kind of trouble, on a machine with these GPUs."""
    machine = Machine(driver=driver, gpus=tuple(Gpu(name=name) for name in names))
    found = [one for one in findings(machine, FACTS) if one.check == check and one.severity == "problem"]
    return [one.remedy for one in found]


@pytest.mark.parametrize(
    ("name", "branch", "runs"),
    [
        ("Tesla V100-SXM2-32GB", "580", "CUDA up to 12.9"),
        ("GTX 1080", "580", "CUDA up to 12.9"),
        ("Tesla K80", "470", "CUDA up to 11.4, 11.8 by minor version compatibility"),
    ],
)
@pytest.mark.parametrize("driver", ["", "390.157", "999"])
def test_no_newer_driver_is_advised_than_one_that_serves_the_gpu(name, branch, runs, driver):
    told = remedies("driver", name, driver=driver)
    assert told
    for remedy in told:
        assert f"branch {branch}, the last" in remedy
        assert remedy.endswith(f"it runs {runs}")


def test_a_gpu_that_every_new_driver_serves_may_have_the_newest():
    assert remedies("driver", "RTX 3090") == ["install NVIDIA's driver, 610.43.02 or newer for CUDA 13.3"]
    (told,) = remedies("driver", "RTX 5090", driver="550")
    assert "570.26 or newer" in told


def test_gpus_that_no_driver_serves_together_are_told_so():
    (told,) = remedies("driver", "Tesla K80", "RTX 5090", driver="580")
    assert "one kind" in told
    (finding,) = [
        one
        for one in findings(Machine(gpus=(Gpu(name="K80"), Gpu(name="B200"))), FACTS)
        if one.check == "driver"
    ]
    assert finding.message.startswith("no driver serves all of these GPUs: branch 470")


@pytest.mark.parametrize(
    ("gpu", "message"),
    [
        (
            Gpu(name="RTX 3090", capability="12.0"),
            "has compute capability 8.6 by the tables, and 12.0 is told",
        ),
        (Gpu(name="GPU of tomorrow", capability="7.7"), "compute capability 7.7 is not in the tables"),
        (Gpu(name="RTX 3090", capability="8.6"), ""),
        (Gpu(name="GPU of tomorrow", capability="13.0"), ""),
        (Gpu(name="RTX 3090"), ""),
    ],
)
def test_a_capability_that_cannot_be_is_doubted(gpu, message):
    found = [one for one in findings(Machine(gpus=(gpu,)), FACTS) if one.check == "gpu"]
    doubts = [one for one in found if one.severity == "warning"]
    assert len(doubts) == bool(message)
    for doubt in doubts:
        assert message in doubt.message
        assert doubt.remedy


@pytest.mark.parametrize(
    ("version", "runs"), [("2.12", "no torch of these tables"), ("2.17", "torch up to 2.6.0"), ("2.39", "")]
)
def test_what_the_machine_s_own_glibc_runs_is_told_unless_it_runs_all(version, runs):
    found = [one.message for one in findings(Machine(glibc=version), FACTS) if one.check == "glibc"]
    told = f"glibc {version} runs {runs} outside containers; images have their own"
    assert found == ([told] if runs else [])
