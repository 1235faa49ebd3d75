"""What is advised for a machine: it can be built, it runs there, and it says what stands in the way."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from builder.advice import Advice, advise
from builder.cell import expand, host, there
from builder.facts import load
from builder.machine import Cpu, EngineSeen, Gpu, Machine, Service, findings
from builder.machine import load as described
from builder.matrix import parse
from builder.report import doctor, starter

FACTS = load()
MACHINES = sorted((Path(__file__).parents[1] / "screens/matrices/machines").glob("*.yaml"))


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
        assert ("." in needs) or f"driver {needs} runs" in dict(advice.why)["cuda"]
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
