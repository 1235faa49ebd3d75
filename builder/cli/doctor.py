"""`envbuild doctor`: what this machine has, what is wrong with it, and which cells suit it."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from builder import records
from builder.advice import advise
from builder.cli import tables
from builder.cli.screen import say, warn
from builder.errors import OutsideError
from builder.machine import EngineSeen, Machine, Service, findings, load
from builder.report import doctor
from builder.report.look import look

simulate_option = click.option(
    "--simulate",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Look at the machine that FILE describes, not at this one.",
)
engine_option = click.option(
    "--engine",
    metavar="URL",
    help="The container engine's address; default: DOCKER_HOST, then the Docker or Podman that answers.",
)
offline_option = click.option(
    "--offline", is_flag=True, help="Ask no index and no registry whether it answers."
)


@click.command("doctor")
@simulate_option
@engine_option
@offline_option
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output.")
def command(*, as_json: bool, **options: Any) -> int:
    """Look at this machine: engine, disk, memory, CPU, GPUs, driver, network. Tell
    what is wrong and what to do, and which PyTorch suits it. The exit code is 1
    where something stands in the way.

    \b
    Examples:
      envbuild doctor
      envbuild doctor --json > machine.json
      envbuild doctor --simulate machine.json
    """
    machine, known = described(options), tables.load()
    found, advice = findings(machine, known), advise(machine, known)
    if as_json:
        say(records.dumps(doctor.as_json(machine, found, advice, known)).rstrip("\n"))
    else:
        say(doctor.as_text(machine, found, advice, look(sys.stdout)))
    hindered = advice is None or bool(advice.driver)
    return int(hindered or any(finding.severity == "problem" for finding in found))


def described(options: dict[str, Any]) -> Machine:
    """The machine of a file, or this one."""
    if options["simulate"]:
        return load(options["simulate"])
    from builder.machine.probing import probe  # noqa: PLC0415
    from builder.source import store_folder  # noqa: PLC0415

    return probe(store_folder(), _engines(options["engine"]), () if options["offline"] else _services())


def _engines(endpoint: str | None) -> tuple[EngineSeen, ...]:
    from builder.engine import connect  # noqa: PLC0415  docker-py costs 0.3 s of start-up

    try:
        engine = connect(endpoint)
    except OutsideError as error:
        for problem in error.problems:
            warn(problem.message)
        return ()
    try:
        about = engine.about()
    finally:
        engine.close()
    seen = EngineSeen(
        kind=about.kind,
        version=about.version,
        store=about.store,
        buildkit=about.buildkit,
        gpus=about.gpus,
    )
    return (seen,)


def _services() -> tuple[Service, ...]:
    from builder.source import offline, services  # noqa: PLC0415

    if offline():
        return ()
    return tuple(
        _with_allowance(
            Service(
                name=f"{one.name} {one.address}",
                answers=one.status is not None and one.status < 500 and one.status != 404,
                note="" if one.status in (None, 200, 401) else f"status {one.status}",
            )
        )
        for one in services()
    )


def _with_allowance(service: Service) -> Service:
    """Docker Hub tells how many pulls are left to this address or account."""
    if not (service.answers and service.name.startswith("Docker Hub")):
        return service
    from builder.registry import hasty  # noqa: PLC0415

    try:
        with closing(hasty("docker.io")) as hub:
            told = hub.allowance()
    except OutsideError:  # what it says of itself is not worth a failure
        return service
    return replace(service, pulls=told.most, pulls_left=told.left) if told else service
