"""What a CI system's log shows: mistakes as annotations, too, and no words from outside that are commands."""

from __future__ import annotations

from tests.screens.case import case

GITHUB = (("GITHUB_ACTIONS", "true"),)

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
    case("report-nothing", "report one.yaml --records nothing --out report.html"),
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
    case("verify-nothing", "verify"),
    case("verify-here-python", "verify image:1 --python python3"),
    case("verify-here-many", "verify --here matrices/debian.yaml"),
    case("verify-here-nothing", "verify --here --python ./nothing"),
)
