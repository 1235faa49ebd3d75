"""What a CI system's log shows: mistakes as annotations, too, and no words from outside that are commands."""

from __future__ import annotations

from tests.screens.case import case

GITHUB = (("GITHUB_ACTIONS", "true"),)

CI = (
    case("ci-mistakes", "plan mistakes.yaml", env=GITHUB),
    case("ci-impossible", "plan impossible.yaml", env=GITHUB),
    case("ci-junit-nowhere", "verify one.yaml --junit /dev/null/x/report.xml"),
    case("verify-nothing", "verify"),
    case("verify-here-python", "verify image:1 --python python3"),
    case("verify-here-many", "verify --here matrices/debian.yaml"),
    case("verify-here-nothing", "verify --here --python ./nothing"),
)
