"""What a CI system's log shows: mistakes as annotations, too, and no words from outside that are commands."""

from __future__ import annotations

from pathlib import Path

from builder.errors import CellError
from builder.ports import Ports
from builder.source.api import Order
from tests.screens.case import case
from tests.screens.stand_ins import Engine, Store, ports, reports

GITHUB = (("GITHUB_ACTIONS", "true"),)


def unlockable(folder: Path) -> Ports:
    """An index that has nothing for Debian 13's glibc."""

    def on_resolve(order: Order) -> None:
        if order.glibc == "2.41":
            raise CellError.of("no wheel of numpy fits glibc 2.41", hint="take another version")

    return ports(folder, Engine(on_run=reports()), Store(folder, on_resolve=on_resolve))


RUNS = (
    *("up one.yaml -q", "report one.yaml --format json --out monday.json"),
    "tuesday",
)

COMPARE = "report --compare monday.json tuesday.json"

CI = (
    case("ci-mistakes", "plan mistakes.yaml", env=GITHUB),
    case("ci-impossible", "plan impossible.yaml", env=GITHUB),
    case("ci-junit-nowhere", "verify one.yaml --junit /dev/null/x/report.xml"),
    case("plan-github", "plan matrices/debian.yaml --format github"),
    case("plan-gitlab", "plan matrices/debian.yaml --format gitlab --shards 2"),
    case("plan-github-impossible", "plan impossible.yaml --format github"),
    case("plan-shard", "plan matrices/debian.yaml --shard 2/3"),
    case("plan-shard-empty", "plan one.yaml --shard 2/2"),
    case("plan-shard-mistyped", "plan one.yaml --shard 3/2"),
    case("plan-shards-alone", "plan one.yaml --shards 2"),
    case("up-shard-empty", "up one.yaml --shard 2/2"),
    case("render-bake", "render matrices/debian.yaml --format bake --out docker"),
    case("render-dockerfile", "render one.yaml --format dockerfile"),
    case("render-dockerfile-many", "render matrices/debian.yaml --format dockerfile"),
    case("help-report", "report --help"),
    case("report-nothing", "report one.yaml --out report.html"),
    case("report-nowhere", "report one.yaml --records nothing"),
    case("report-mistakes", "report mistakes.yaml"),
    case("report-markdown", "report one.yaml --format markdown"),
    case("report-json", "report one.yaml --format json"),
    case("report-compared", "report --compare monday.json tuesday.json", before=RUNS),
    case(
        "report-compared-markdown", "report --compare monday.json tuesday.json --format markdown", before=RUNS
    ),
    case("report-compared-html", "report --compare monday.json tuesday.json --format html", before=RUNS),
    case("report-compared-no-report", "report --compare monday.json one.yaml", before=RUNS[:2]),
    case("report-compared-one", "report --compare monday.json"),
    case("report-compared-too-much", "report one.yaml --compare monday.json tuesday.json", before=RUNS),
    case("report-of-what", "report"),
    case("up-report", "up one.yaml -q --report"),
    case("up-one-unlockable", "up two.yaml -q --junit report.xml", outside=unlockable),
    case("up-one-unlockable-fail-fast", "up two.yaml -q --fail-fast", outside=unlockable),
    case("up-unlockable", "up two.yaml -q --only 'debian13-*'", outside=unlockable),
    case("plan-shard-of-none", "plan one.yaml --shard 1/0"),
    case("plan-github-online", "plan one.yaml --format github --online --gpu 8.6"),
    case("render-dockerfile-check", "render one.yaml --format dockerfile --check --out docker"),
    case("junit-is-the-matrix", "verify one.yaml --junit one.yaml"),
    case("report-out-is-the-matrix", "report one.yaml --out one.yaml"),
    case("report-out-is-the-lock", "report one.yaml --out one.lock.json"),
    case("report-out-is-a-side", "report --compare monday.json tuesday.json --out monday.json", before=RUNS),
    case("junit-no-file", "verify one.yaml --junit -"),
    case("verify-no-name", "verify Foo:Bar"),
    case("verify-folder", "verify matrices"),
    case("verify-image-only", "verify image:1 --only '*' --shard 1/2"),
    case("verify-here-engine", "verify --here --engine unix:///x --only '*'"),
    case("verify-here-cell", "verify --here one.yaml --python ./nothing"),
    case("explain-arm64", "explain debian12-py3.11-cpu-torch2.8.0-arm64"),
    case("explain-python2", "explain debian12-py2.7-cpu-torch1.0.0"),
    case("verify-nothing", "verify"),
    case("verify-here-python", "verify image:1 --python python3"),
    case("verify-here-many", "verify --here matrices/debian.yaml"),
    case("verify-here-nothing", "verify --here --python ./nothing"),
)
