"""Machines: this test's own descriptions of them, what is wrong with each, and what suits it."""

from __future__ import annotations

from pathlib import Path

from tests.screens.case import case

MACHINES = sorted((Path(__file__).parent / "matrices" / "machines").glob("*.yaml"))

HOSTS = (
    *(case(f"doctor-{path.stem}", f"doctor --simulate machines/{path.name}") for path in MACHINES),
    case("help-doctor", "doctor --help"),
    case("help-init", "init --help"),
    case("doctor-80-columns", "doctor --simulate machines/ryzen.yaml", columns=80),
    case("doctor-json", "doctor --simulate machines/workstation-3090.yaml --json"),
    case("doctor-mistakes", "doctor --simulate machine-mistakes.yaml"),
    case("doctor-missing", "doctor --simulate nothing.yaml"),
    case("init-there", "init one.yaml --simulate machines/xeon.yaml"),
    case("init-no-registry", "init mine.yaml --simulate machines/no-registry.yaml"),
    case("init-another-driver", "init mine.yaml --simulate machines/k80-new-driver.yaml"),
    case("init", "init mine.yaml --simulate machines/workstation-3090.yaml"),
    case("plan-machine-80-columns", "plan matrices/gpu.yaml --driver 470 --gpu V100", columns=80),
    case("plan-gpu-mistyped", "plan one.yaml --gpu 'RTX 3091'"),
    case("plan-driver-mistyped", "plan one.yaml --driver 12.8"),
)
