"""Every command and every class of error, as a user types it. The screens are in `golden/`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from builder.engine.api import BuildRequest
from builder.engine.dry import NOTHING_RAN, DryEngine
from builder.errors import CellError, OutsideError, Problem
from builder.ports import Ports
from tests.screens.case import Outside, case
from tests.screens.ci_cases import CI
from tests.screens.explain_cases import EXPLAIN
from tests.screens.facts_cases import FACTS
from tests.screens.host_cases import HOSTS
from tests.screens.stand_in_engine import tar
from tests.screens.stand_ins import Changes, Engine, Store, ports, reports


def reporting(changes: Changes, *, complete: bool = True) -> Outside:
    """Containers whose checks differ from a pass in `changes`."""
    return lambda folder: ports(folder, Engine(on_run=reports(changes, complete=complete)))


def failing(wanted: str, error: Exception) -> Outside:
    """The system's packages cannot be installed on the OS `wanted`."""

    def on_build(request: BuildRequest) -> None:
        page = next(entry.content for entry in request.context if entry.path == "Dockerfile")
        if f'org.envbuild.os="{wanted}"'.encode() in page:
            raise error

    return lambda folder: ports(folder, Engine(on_run=reports(), on_build=on_build))


def noting(folder: Path) -> Ports:
    return ports(
        folder, source=Store(folder, notes=("PyTorch's index does not answer; torch comes from PyPI",))
    )


def silent(folder: Path) -> Ports:
    """Containers that end well and say nothing."""
    return ports(folder, Engine(on_run=lambda _: NOTHING_RAN))


def lasting() -> Outside:
    """One engine and one cache for all commands of a case."""
    return cache(ports)


class Restless(Engine):
    """No two builds of its leave the same."""

    def build(self, request: BuildRequest, on_progress, cancel) -> str:
        ident = super().build(request, on_progress, cancel)
        found = self.images[ident]
        stamp = self.keep(tar({"usr/stamp": f"made as number {len(self.requests)}\n".encode()}))
        self.images[ident] = replace(found, layers=(*found.layers[:-1], stamp))
        return ident


def restless(folder: Path) -> Ports:
    return ports(folder, Restless(on_run=reports()))


class NoImage(DryEngine):
    """A registry that has nothing."""

    def pull(self, reference: str, platform: str, on_progress: object) -> object:
        message = f"pulling {reference} failed: the registry has no such image"
        raise OutsideError.of(message, hint="check the name and the tag")


class Known(Engine):
    """An engine that has an image which nobody of us built."""

    def __init__(self) -> None:
        super().__init__(on_run=reports())
        self.tag(super().pull("their/image:1", "linux/amd64", lambda progress: None).id, "their/image:1")


def broken(folder: Path) -> Ports:
    raise RuntimeError("what we did not think of")


RUN = "RUN --mount=type=bind,source=os,target=/in     set -eu; umask 022;     apt-get install --yes"
AGAIN = f"executor failed running [/bin/sh -c {RUN}]"
BUILD = CellError(
    (
        Problem(
            message=f"the build failed at [os 2/4] {RUN}: {AGAIN}: exit code: 100\n"
            "dpkg: error processing archive git_1.0_amd64.deb\n  cannot write: No space left on device",
        ),
    )
)
NO_GPU = {"status": "skip", "required": True, "needs": "gpu", "reason": "there is no GPU here"}
GPU_CHECKS = {"gpu.driver": NO_GPU, "gpu.train": NO_GPU, "parallel.nccl": NO_GPU}
WRONG = {
    "torch.version": {
        "status": "fail",
        "reason": "torch 2.7.0+cpu, claimed 2.8.0+cpu",
        "hint": "build it anew",
    },
    "numpy.bridge": {"status": "error", "reason": "RuntimeError: no"},
}
WARNED = {
    "threads.quota": {
        "status": "warn",
        "reason": "8 threads for 2 processors",
        "hint": "set OMP_NUM_THREADS",
    },
    "quantize.dynamic": {"warnings": ["DeprecationWarning: " + "it will go " * 30, "UserWarning: too"]},
}

USAGE = (
    case("nothing", ""),
    case("help", "--help"),
    case("version", "--version"),
    case("help-plan", "plan --help"),
    case("help-lock", "lock --help"),
    case("help-fetch", "fetch --help"),
    case("help-render", "render -h"),
    case("help-build", "build --help"),
    case("help-verify", "verify --help"),
    case("help-up", "up --help"),
    case("help-publish", "publish --help"),
    case("help-show", "show --help"),
    case("help-pull-check", "pull-check --help"),
    case("help-reproduce", "reproduce --help"),
    case("help-cache", "cache --help"),
    case("help-cache-show", "cache show --help"),
    case("help-cache-prune", "cache prune --help"),
    case("command-mistyped", "pln one.yaml"),
    case("command-unknown", "frobnicate"),
    case("option-mistyped", "plan one.yaml --formt json"),
    case("option-unknown", "up one.yaml --zzz"),
    case("option-without-value", "plan one.yaml --only"),
    case("value-mistyped", "plan one.yaml --format jsn"),
    case("value-unknown", "up one.yaml --allow anything"),
    case("number-wrong", "build one.yaml -j many"),
    case("number-out-of-range", "build one.yaml -j 0"),
    case("no-matrix", "plan"),
    case("publish-nothing", "publish"),
    case("publish-both", "publish one.yaml --verify example.com/a"),
    case("publish-forced", "publish one.yaml --to example.com/a --force debian12-py3.11-cpu-torch2.8"),
    case("publish-one-image", "publish one.yaml --to example.com/a:1"),
    case("reference-wrong", "show 'Bad Ref'"),
    case("reference-with-scheme", "show https://example.com/a"),
    case("no-reference", "pull-check"),
    case("two-matrices", "plan one.yaml four.yaml"),
    case("data-missing", "up one.yaml --data nowhere"),
)

MATRIX = (
    case("matrix-missing", "plan nowhere.yaml"),
    case("matrix-folder", "up ."),
    case("matrix-empty", "plan empty.yaml"),
    case("matrix-utf16", "plan utf16.yaml"),
    case("matrix-syntax", "plan syntax.yaml"),
    case("matrix-mistakes", "plan mistakes.yaml"),
    case("matrix-mistakes-80-columns", "plan mistakes.yaml", columns=80),
    case("matrix-unknown-os", "up unknown-os.yaml"),
)

PLAN = (
    case("plan-one", "plan one.yaml"),
    case("plan-excluded", "plan four.yaml"),
    case("plan-impossible", "plan impossible.yaml"),
    case("plan-impossible-80-columns", "plan impossible.yaml", columns=80),
    case("plan-dropped", "plan dropped.yaml"),
    case("plan-stale-tables", "plan one.yaml", env=(("TODAY", "2027-01-23"),)),
    case("plan-all-tables-stale", "plan one.yaml", env=(("TODAY", "2027-12-31"),)),
    case("plan-team", "plan matrices/team.yaml"),
    case("plan-json", "plan four.yaml --format json"),
    case("plan-json-impossible", "plan impossible.yaml --format json --only 'centos7-*-cpu-torch1*'"),
    case("plan-only", "plan four.yaml --only '*py3.11*'"),
    case("plan-only-nothing", "plan four.yaml --only 'ubuntu*' --only 'debian12-py3.11-cpu-torch2.8'"),
)

LOCK = (
    case("lock", "lock four.yaml", outside=noting),
    case("lock-again", "lock four.yaml", before=("lock four.yaml",)),
    case("lock-check", "lock one.yaml --check", before=("lock one.yaml",)),
    case("lock-check-missing", "lock four.yaml --check"),
    case("lock-check-stale", "lock one.yaml --check", before=("lock one.yaml", "edited")),
    case("lock-check-broken", "lock one.yaml --check", before=("broken",)),
    case("lock-broken", "lock one.yaml", before=("broken",)),
    case("lock-edited", "lock one.yaml", before=("lock one.yaml", "unpinned")),
    case("build-edited-lock", "build one.yaml", before=("lock one.yaml", "unpinned")),
    case("lock-diff", "lock one.yaml --diff"),
    case("lock-list-urls", "lock one.yaml --list-urls"),
    case("lock-offline", "lock one.yaml --offline"),
    case("lock-mirror-missing", "lock one.yaml --mirror nowhere"),
    case("lock-impossible", "lock impossible.yaml"),
    case("lock-one-word-too-many", "lock four.yaml numpy"),
    case("lock-upgrade-unknown", "lock one.yaml --upgrade trch", before=("lock one.yaml",)),
    case("lock-upgrade-check", "lock one.yaml --upgrade --check", before=("lock one.yaml",)),
    case("fetch", "fetch one.yaml --to mirror", before=("lock one.yaml",)),
    case("fetch-again", "fetch one.yaml --to mirror", before=("lock one.yaml", "fetch one.yaml --to mirror")),
    case("fetch-without-lock", "fetch four.yaml --to mirror"),
    case("fetch-nowhere", "fetch one.yaml", before=("lock one.yaml",)),
    case("fetch-not-writable", "fetch one.yaml --to one.yaml/x", before=("lock one.yaml",)),
    case("build-stale-lock", "build one.yaml", before=("lock one.yaml", "edited")),
    case("verify-stale-lock", "verify one.yaml", before=("lock one.yaml", "edited")),
    case("build-broken-lock", "build one.yaml", before=("broken",)),
    case("build-offline-without-lock", "build one.yaml --offline"),
    case("build-mirror-missing", "build one.yaml --mirror nowhere"),
)

KEPT = (
    case("up-kept", "up one.yaml", outside=lasting(), before=("up one.yaml -q",)),
    case("up-force", "up one.yaml --force", outside=lasting(), before=("up one.yaml -q",)),
    case("up-reverify", "up one.yaml --reverify", outside=lasting(), before=("up one.yaml -q",)),
    case("build-kept", "build one.yaml --offline", outside=lasting(), before=("up one.yaml -q",)),
    case("reproduce", "reproduce one.yaml -j 1"),
    case("reproduce-json", "reproduce one.yaml -j 1 --json"),
    case("reproduce-differs", "reproduce four.yaml -j 1", outside=restless),
    case("reproduce-fails", "reproduce one.yaml -j 1", outside=failing("debian13", BUILD)),
    case("reproduce-three-engines", "reproduce one.yaml --engine a --engine b --engine c"),
    case("reproduce-stale-lock", "reproduce one.yaml", before=("lock one.yaml", "edited")),
    case("cache-empty", "cache show"),
    case("cache-show", "cache show", before=("cached",)),
    case("cache-show-json", "cache show --json", before=("cached",)),
    case("cache-prune", "cache prune --keep 2MB", before=("cached",)),
    case("cache-prune-all", "cache prune --keep 0", before=("cached",)),
    case("cache-prune-default", "cache prune", before=("cached",)),
    case("cache-prune-wrong", "cache prune --keep much"),
    case("cache-size-wrong", "cache prune", env=(("ENVBUILD_CACHE_SIZE", "many"),)),
    case("cache-alone", "cache"),
    case("cache-mistyped", "cache shw"),
)

RENDER = (
    case("render", "render four.yaml --out rendered"),
    case(
        "render-check-same",
        "render four.yaml --out rendered --check",
        before=("render four.yaml --out rendered",),
    ),
    case(
        "render-check-drift",
        "render four.yaml --out rendered --check",
        before=("render four.yaml --out rendered --only 'debian13-py3.12*'", "drift"),
    ),
    case("render-impossible", "render impossible.yaml"),
    case("render-not-writable", "render one.yaml --out one.yaml/below"),
    case("render-templates-missing", "render one.yaml --templates nowhere"),
)

BUILD_CASES = (
    case("build-dry-run", "build four.yaml --dry-run"),
    case("build-dry-run-json", "build four.yaml --dry-run --json"),
    case("build", "build four.yaml -j 1"),
    case("build-quiet", "build four.yaml -j 1 --quiet", outside=noting),
    case("build-notes", "build four.yaml -j 1", outside=noting),
    case("build-verbose", "build one.yaml -v"),
    case("build-fails", "build four.yaml -j 1", outside=failing("debian12", BUILD)),
    case("build-fails-80-columns", "build one.yaml -q", outside=failing("debian13", BUILD), columns=80),
    case("build-fail-fast", "build four.yaml -j 1 --fail-fast -q", outside=failing("debian12", BUILD)),
    case("build-bug", "build four.yaml -j 1 -q", outside=failing("debian12", RuntimeError("not thought of"))),
    case("build-impossible", "build impossible.yaml"),
    case("build-nothing", "build dropped.yaml"),
    case("build-only-excluded", "build four.yaml --only 'debian12-py3.12*'"),
    case("build-not-writable", "build one.yaml --out one.yaml"),
    case("engine-silent", "build one.yaml --engine unix://nowhere.sock", outside=None),
    case("bug", "build one.yaml", outside=broken),
)

VERIFY = (
    case("up", "up four.yaml -j 1"),
    case("up-json", "up one.yaml --json -q"),
    case("up-warned", "up four.yaml -j 1 -q", outside=reporting(WARNED)),
    case("up-failed", "up four.yaml -j 1 -q", outside=reporting(WRONG)),
    case("up-incomplete", "up one.yaml -q", outside=reporting({}, complete=False)),
    case("up-not-verified", "up gpu.yaml -q", outside=reporting(GPU_CHECKS)),
    case("up-allowed", "up gpu.yaml -q --allow no-gpu", outside=reporting(GPU_CHECKS)),
    case("up-dry-engine", "up one.yaml -q", outside=silent),
    case("verify-not-built", "verify one.yaml"),
    case("verify-image", "verify their/image:1", outside=lambda folder: ports(folder, Known())),
    case("verify-image-missing", "verify their/image:2", outside=lambda folder: ports(folder, NoImage())),
    case("verify-no-image", "verify 'two words'"),
)

CASES = (*USAGE, *MATRIX, *PLAN, *LOCK, *RENDER, *BUILD_CASES, *KEPT, *VERIFY, *HOSTS, *FACTS, *EXPLAIN, *CI)
