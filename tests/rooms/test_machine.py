"""A machine read from its own files and programs, or from a description; and what is advised for it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import jsonschema
import pytest

from builder.advice import Advice, advise
from builder.cell import expand, host, there
from builder.facts import load
from builder.machine import Cpu, EngineSeen, Gpu, Machine, Service, as_json, findings
from builder.machine import load as described
from builder.machine.nvidia_smi import SMI
from builder.machine.probing import Here, probe
from builder.matrix import parse
from builder.report import doctor, starter
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
    ],
)
def test_the_cpu_tells_its_level(tmp_path, flags, level, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    found = seen(tmp_path, {"proc/cpuinfo": CPUINFO.format(flags)}, {}).cpu
    assert (found.vendor, found.model, found.level) == ("GenuineIntel", "Xeon", level)


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


def runs_there(machine: Machine) -> Advice:
    """The advice for a machine, after `plan --driver … --gpu …` let the cells of its matrix be and run."""
    advice = advise(machine, FACTS)
    assert advice is not None
    matrix = parse(starter.text(machine, advice, FACTS), Path("m.yaml"))
    assert matrix.platforms == (("linux/arm64",) if machine.arch == "aarch64" else ("linux/amd64",))
    cells = expand(matrix, FACTS)
    assert advice.cell in [cell.id for cell in cells if cell.selected]
    gpus = [gpu.capability or gpu.name for gpu in machine.gpus if advice.cuda != "cpu"]
    on_it = there(cells, matrix, FACTS, host(advice.driver or machine.driver, gpus, FACTS))
    assert [reason for reasons in on_it.values() for reason in reasons if reason.blocks] == []
    return advice


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_what_is_advised_can_be_built_and_runs_there(path):
    runs_there(described(path))


DRIVERS = ("", "390.157", "450.80.02", "470.82.01", "525", "535.183.01", "550", "570.26", "575", "580", "610")


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
@pytest.mark.parametrize("capability", FACTS.capabilities)
def test_what_is_advised_runs_on_every_gpu_and_driver(capability, arch):
    """Each OS comes up with some of them: what is advised of it does not hang on the GPU."""
    systems = cycle(FACTS.os)
    for name in [gpu.name for gpu in FACTS.gpus if gpu.capability == capability][:2]:
        for driver in DRIVERS:
            advice = runs_there(Machine(os=next(systems), arch=arch, driver=driver, gpus=(Gpu(name=name),)))
            row = FACTS.capabilities[capability]
            assert not (advice.driver and row.refusal(advice.driver))
            if advice.cuda == "cpu":
                why = dict(advice.why)["cuda"]
                assert "no driver changes that" in why or "of no GPU is known" in why
                assert not advice.driver


@pytest.mark.parametrize("system", FACTS.os)
def test_what_is_advised_runs_on_every_os(system):
    for arch in ("x86_64", "aarch64"):
        for level in ("", "x86-64-v1", "x86-64-v2", "x86-64-v4"):
            engines = (EngineSeen(kind="docker", version="19.03.15" if level else "28.0.1"),)
            cpu = Cpu(level=level)
            runs_there(Machine(os=system, arch=arch, cpu=cpu, engines=engines))


@pytest.mark.parametrize(
    ("name", "driver", "arch", "cuda", "needs"),
    [
        ("GTX 1080", "610", "x86_64", "12.6", "580"),
        ("Tesla K80", "535", "x86_64", "11.8", "470"),
        ("Tesla K80", "390.157", "x86_64", "11.8", "470"),
        ("GB200", "575", "aarch64", "13.2", "580.65.06"),
        ("B300", "570", "aarch64", "13.2", "580.65.06"),
        ("RTX 5090", "", "x86_64", "13.2", "580.65.06"),
        ("Tesla T4", "580", "aarch64", "cpu", ""),
    ],
)
def test_the_driver_that_an_advice_takes_is_named(name, driver, arch, cuda, needs):
    machine = Machine(arch=arch, driver=driver, gpus=(Gpu(name=name),))
    advice = advise(machine, FACTS)
    assert advice is not None
    assert (advice.cuda, advice.driver) == (cuda, needs)
    if needs:
        assert dict(advice.why)["driver"].endswith(f"the machine has {driver or 'none'}")
        assert f"# CUDA {cuda} needs driver {needs}: " in starter.text(machine, advice, FACTS)


def test_what_no_driver_serves_gets_a_cpu_build():
    machine = Machine(driver="580", gpus=(Gpu(name="Tesla K80"), Gpu(name="RTX 5090")))
    advice = runs_there(machine)
    assert dict(advice.why)["cuda"] == "no driver serves GPUs of compute capability 3.7 and 12.0 together"
    assert "newer driver" not in doctor.as_text(machine, (), advice)
    assert "advice: none" in doctor.as_text(machine, (), None)


def test_a_name_of_a_machine_stays_a_comment():
    machine = Machine(gpus=(Gpu(name="RTX 3090\nimage: evil.example.com/x\x1b[31m", capability="8.6"),))
    advice = advise(machine, FACTS)
    assert advice is not None
    text = starter.text(machine, advice, FACTS)
    assert parse(text, Path("m.yaml")).image == "registry.example.com/team/torch"
    assert "\x1b" not in text


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


@pytest.mark.parametrize("own", ["", "centos7", "ubuntu22.04", "debian13", "rocky9"])
@pytest.mark.parametrize(
    ("version", "old"), [("19.03.15", True), ("20.10.9", True), ("20.10.10", False), ("28.0.1", False)]
)
def test_no_os_is_advised_that_breaks_in_this_engine(own, version, old):
    machine = Machine(os=own, engines=(EngineSeen(kind="docker", version=version),))
    advice = advise(machine, FACTS)
    assert advice is not None
    assert (float(FACTS.os[advice.os].glibc.partition(".")[2]) < 34) is old
    assert (
        any(one.severity == "warning" and "glibc 2.34" in one.message for one in findings(machine, FACTS))
        is old
    )
    why = dict(advice.why)["os"]
    assert (f"Docker {version} breaks programs of" in why) is old


def test_an_os_that_does_not_suit_the_cpu_is_told_as_that():
    advice = advise(Machine(os="centos-stream10", cpu=Cpu(level="x86-64-v2")), FACTS)
    assert advice is not None
    assert (
        "the machine's own centos-stream10 asks for a CPU of x86-64-v3, and this one reaches x86-64-v2"
        in dict(advice.why)["os"]
    )


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


def test_what_stands_in_the_way_is_written_at_the_head_and_changes_nothing_else():
    services = (
        Service(name="package index https://a.example", answers=True),
        Service(name="PyTorch's index https://b.example", answers=False),
        Service(name="Docker Hub https://c.example", answers=False),
    )
    machine = Machine(services=services, nvidia_smi="broken", gpus=(Gpu(name="RTX 3090"),), driver="")
    told = starter.cautions(machine, runs_there(machine))
    assert told[0].startswith("No answer from here: PyTorch's index https://b.example, Docker Hub https://c")
    assert [line.partition(":")[0] for line in told[1:]] == [
        "nvidia-smi does not tell what is there",
        "CUDA 13.2 needs driver 580.65.06",
    ]
    silent = replace(machine, services=(), nvidia_smi="")
    (with_all, with_none) = (starter.text(one, runs_there(one), FACTS) for one in (machine, silent))
    assert with_all.partition("version: 1")[2] == with_none.partition("version: 1")[2]
    assert "https://b.example" in with_all.partition("version: 1")[0]
