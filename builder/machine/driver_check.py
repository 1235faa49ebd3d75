"""The check of the driver: whether there is one, whether it serves the GPUs, and which CUDA it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.version import Version

from builder.facts import CudaRow, Facts
from builder.machine.drivers import Drivers, drivers, kinds
from builder.machine.finding import Finding, Severity
from builder.machine.values import Machine


def driver(machine: Machine, facts: Facts) -> Iterator[Finding]:
    """Whether GPUs have a driver, and one that serves them."""
    if not machine.gpus or (machine.nvidia_smi and not machine.driver):  # `gpus` tells of that
        return
    rows = [row for row in facts.cuda.values() if row.toolkit_driver[0].isdigit()]
    serving = drivers(kinds(machine, facts), facts)
    if serving.none:
        yield _no_driver_for_all(serving, facts)
    elif not machine.driver:
        remedy = f"install {_wanted(serving, rows)}"
        yield Finding(check="driver", severity="problem", message="the GPUs have no driver", remedy=remedy)
    else:
        yield from _unserved(machine.driver, serving, rows, facts)
    if machine.driver:
        runs = _runs(machine.driver, rows)
        message = f"driver {machine.driver} runs {runs or 'no CUDA of these tables'}"
        remedy = "" if runs or serving.none else f"install {_wanted(serving, rows)}"
        source = facts.cited("S8 S21")[0]
        severity: Severity = "ok" if runs else "problem"
        yield Finding(check="driver", severity=severity, message=message, remedy=remedy, source=source)


def _runs(driver: str, rows: Sequence[CudaRow]) -> str:
    """The newest CUDA of `rows` that a driver runs in full, and the newest that it runs at all."""
    support = {row.version: row.support(driver) for row in rows}
    full = [version for version, how in support.items() if how == "full"]
    minor = [version for version, how in support.items() if how == "minor"]
    runs = [f"CUDA up to {full[-1]}"] if full else []
    runs += [f"{'' if full else 'CUDA '}{minor[-1]} by minor version compatibility"] if minor else []
    return ", ".join(runs)


def _wanted(serving: Drivers, rows: Sequence[CudaRow]) -> str:
    """The driver to install: the newest, or that of the last branch with the CUDA that both it and the GPUs
    run.
    """
    if not serving.last:
        return f"NVIDIA's driver, {rows[-1].toolkit_driver} or newer for CUDA {rows[-1].version}"
    lowest = min((row.capability for row in serving.rows), key=Version)
    building = [row for row in rows if Version(row.archs[0]) <= Version(lowest)]
    return f"{serving.advised}; it runs {_runs(serving.last, building)}"


def _unserved(driver: str, serving: Drivers, rows: Sequence[CudaRow], facts: Facts) -> Iterator[Finding]:
    """Kinds of GPUs that this driver is too old or too new for."""
    for row in serving.rows:
        message = row.refusal(driver)
        if message:
            source = facts.cited(row.source)[0]
            remedy = f"install {_wanted(serving, rows) if serving.last else serving.advised}"
            yield Finding(check="driver", severity="problem", message=message, remedy=remedy, source=source)


def _no_driver_for_all(serving: Drivers, facts: Facts) -> Finding:
    old = next(row for row in serving.rows if row.last_branch == serving.last)
    new = next(row for row in serving.rows if row.first_driver == serving.first)
    message = (
        f"no driver serves all of these GPUs: branch {serving.last} is the last for compute capability"
        f" {old.capability}, and {serving.first} the first for {new.capability}"
    )
    source = facts.cited(" ".join(dict.fromkeys(f"{old.source} {new.source}".split())))[0]
    remedy = "use GPUs of one kind in a machine; CPU images run here"
    return Finding(check="driver", severity="problem", message=message, remedy=remedy, source=source)
