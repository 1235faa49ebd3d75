"""Images that are not what they should be, made from one that is: each is caught, by the check for it.

They go through `envbuild verify`, as if they had been built for the cell that they are judged as.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from main_job import CELL, HANG, SITE, TORCH, Passed, checks, fake

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

# The last byte of a file becomes another; in a library that is beyond what is ever loaded.
FLIP = (
    "import sys; file = open(sys.argv[1], 'r+b'); file.seek(-1, 2); last = file.read(1)[0];"
    " file.seek(-1, 2); file.write(bytes([last ^ 1]))"
)


def axes(
    os: str = "debian12", python: str = "3.11", cuda: str = "cpu", torch: str = "2.13"
) -> dict[str, object]:
    """A matrix of one cell with a Python of any version."""
    values = {"os": [os], "python": [python], "cuda": [cuda], "torch": [torch]}
    return {"matrix": values, "python": {"provider": "standalone"}}


def forgotten(folder: str) -> str:
    """A line that removes a folder's byte code: it is used whatever the sources say meanwhile."""
    return f"RUN rm -r {folder}/__pycache__"


@dataclass(frozen=True, kw_only=True)
class Broken:
    """What is done to the image, or claimed of it, and the check that must fail with what reason."""

    check: str
    reason: str
    lines: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    user: str = "1000"
    cell: str = CELL
    claims: Mapping[str, object] = field(default_factory=dict)


BROKEN = {
    "another CUDA inside than claimed": Broken(
        lines=(f"RUN sed -i 's/^cuda.*/cuda = \"12.6\"/' {TORCH}/version.py", forgotten(TORCH)),
        check="torch.cuda",
        reason="torch is built for CUDA 12.6, not for CPUs",
    ),
    "CUDA claimed, none inside": Broken(
        claims=axes(cuda="12.6"),
        cell="debian12-py3.11-cu126-torch2.13.0",
        check="torch.cuda",
        reason="torch is built for CPUs, not for CUDA 12.6",
    ),
    "another torch claimed": Broken(
        claims=axes(torch="2.12.1"),
        cell="debian12-py3.11-cpu-torch2.12.1",
        check="torch.version",
        reason="torch is 2.13.0+cpu, not 2.12.1+cpu",
    ),
    "another Python claimed": Broken(
        claims=axes(python="3.12"),
        cell="debian12-py3.12-cpu-torch2.13.0",
        check="python.version",
        reason="not 3.12",
    ),
    "another system claimed": Broken(
        claims=axes(os="debian13"),
        cell="debian13-py3.11-cpu-torch2.13.0",
        check="os.release",
        reason="this is debian12, not debian13",
    ),
    "a package of another version than pinned": Broken(
        lines=(f"RUN sed -i 's/^Version: .*/Version: 1.0/' {SITE}/sympy-*.dist-info/METADATA",),
        check="packages.versions",
        reason="sympy is 1.0, not",
    ),
    "a numpy whose interface torch does not find": Broken(
        lines=(
            f"RUN echo 'from numpy._core import _multiarray_umath' >> {SITE}/numpy/__init__.py",
            f"RUN echo 'del _multiarray_umath._ARRAY_API' >> {SITE}/numpy/__init__.py",
            forgotten(f"{SITE}/numpy"),
        ),
        check="numpy.bridge",
        reason="Numpy is not available",
    ),
    "a library that was changed": Broken(
        lines=(f'RUN python3 -c "{FLIP}" {TORCH}/lib/libtorch_cpu.so',),
        check="torch.files",
        reason="libtorch_cpu.so was changed: its sha256 is not the wheel's",
    ),
    "CUDA's libraries in a CPU image": Broken(
        files={
            f"{SITE}/nvidia_cublas_cu12-12.6.4.1.dist-info/METADATA": (
                "Metadata-Version: 2.1\nName: nvidia-cublas-cu12\nVersion: 12.6.4.1\n"
            )
        },
        check="cpu.pure",
        reason="CUDA's distributions are installed: nvidia-cublas-cu12",
    ),
    "a setting that is missing": Broken(
        claims={"settings": {"OMP_NUM_THREADS": "4"}},
        check="settings.env",
        reason="OMP_NUM_THREADS is not set",
    ),
    "a setting with another value": Broken(
        lines=("ENV OMP_NUM_THREADS=8",),
        claims={"settings": {"OMP_NUM_THREADS": "4"}},
        check="settings.env",
        reason="OMP_NUM_THREADS is '8', not '4'",
    ),
    "a folder of the settings that cannot be written": Broken(
        lines=("RUN mkdir /models", "ENV TORCH_HOME=/models"),
        claims={"settings": {"TORCH_HOME": "/models"}},
        check="settings.folders",
        reason="TORCH_HOME: /models belongs to uid 0 with mode 755; uid 1000 may not write into it",
    ),
    "another user": Broken(user="0", check="user.account", reason="the uid is 0, not 1000"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_it_is_caught_by_the_check_for_it(passed: Passed, broken: Broken) -> None:
    image = passed.job.derive(passed.tag, *broken.lines, files=broken.files, user=broken.user)
    ended, cell = passed.judge(image, cell=broken.cell, **broken.claims)
    assert (ended.code, cell["outcome"]) == (1, "failed")
    failed = checks(cell, "fail")
    assert broken.check in failed, failed
    assert broken.reason in failed[broken.check]
    assert broken.reason in cell["verification"]["reason"]


def test_what_is_not_broken_passes(passed: Passed) -> None:
    """So the others fail for what was done to them."""
    ended, cell = passed.judge(passed.job.derive(passed.tag))
    assert (ended.code, cell["outcome"], checks(cell, "fail", "error")) == (0, "passed", {})


def test_the_table_and_the_hint_name_what_failed(passed: Passed) -> None:
    """The same for the eye, on standard output."""
    image = passed.job.derive(passed.tag, user="0")
    ended = passed.job.run("verify", passed.judged_as(image), "-q", "--level", "static")
    assert ended.code == 1
    assert ended.err == ""
    assert "failed" in next(line for line in ended.out.splitlines() if line.startswith(CELL))
    assert "user.account: the uid is 0, not 1000" in ended.out


def test_half_a_library_is_caught(passed: Passed) -> None:
    """Loading it may kill the process; what was seen before is told all the same."""
    library = f"{TORCH}/lib/libtorch_cpu.so"
    image = passed.job.derive(passed.tag, f"RUN truncate -s $(($(stat -c %s {library}) / 2)) {library}")
    ended, cell = passed.judge(image)
    assert (ended.code, cell["outcome"] in ("failed", "error")) == (1, True)
    assert "libtorch_cpu.so has" in checks(cell, "fail")["torch.files"]
    assert "torch.import" in cell["verification"]["reason"]


def test_an_environment_that_only_its_owner_can_read(passed: Passed) -> None:
    image = passed.job.derive(passed.tag, "RUN chown 1000 /opt/env && chmod 700 /opt/env")
    ended, cell = passed.judge(image, "--level", "basic")
    assert (ended.code, cell["outcome"]) == (1, "failed")
    assert list(checks(cell, "fail", "error")) == ["uid.other"]
    assert "torch does not import" in checks(cell, "fail")["uid.other"]


HOARD = "held = []\nwhile True:\n    held.append(bytearray(b'x') * 2**22)\n"
CRASH = "import ctypes\nctypes.string_at(0)\n"


@pytest.mark.parametrize(
    ("code", "limits", "reason"),
    [
        (HANG, {"timeout": "20s"}, r"ran out of time after 2\d s during torch\.import"),
        (HOARD, {"memory": "256MiB"}, r"ran out of memory during torch\.import"),
        (CRASH, {}, r"the verifier ended \(segmentation fault\) during torch\.import without .* report"),
    ],
    ids=["hangs", "takes all memory", "crashes"],
)
def test_a_torch_that_never_ends_well_is_an_error(
    passed: Passed, code: str, limits: dict[str, str], reason: str
) -> None:
    lines, files = fake(code)
    image = passed.job.derive(passed.tag, *lines, files=files)
    ended, cell = passed.judge(image, verify=limits)
    assert (ended.code, cell["outcome"]) == (1, "error")
    assert re.fullmatch(reason, cell["verification"]["reason"])
    assert checks(cell, "pass")  # what came before is kept
    assert passed.job.containers(image) == []


def report(passed: Passed, nonce: str) -> str:
    """A whole report as a good image gives it, under any nonce."""
    told = [{"record": "check", **check} for check in passed.record("verification")["checks"]]
    told.append({"record": "summary", "complete": True, "checks": len(told), "counts": {}, "exit_code": 0})
    return "".join(f"envbuild-record {nonce} {json.dumps(record)}\n" for record in told)


# Answers the question for its version as asked, and reads what the verifier would be sent.
SUMMARY_ALONE = """\
#!/usr/bin/python3
import re, sys
if "version_info" not in sys.argv[2]:
    nonce = re.search(rb'"nonce": "([0-9a-f]+)"', sys.stdin.buffer.read()).group(1).decode()
    print('envbuild-record %s {"record": "summary", "complete": true, "checks": 0}' % nonce)
"""


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        ("#!/bin/sh\ncat /report\n", "the verifier ended (exit code 0) without a complete report"),
        ("#!/bin/sh\nexit 0\n", "the verifier ended (exit code 0) without a complete report"),
        (SUMMARY_ALONE, "the report is not complete: missing arch.list, "),
    ],
    ids=["a report under another nonce", "success and silence", "a summary alone, under the right nonce"],
)
def test_a_python_that_only_claims_success_is_an_error(passed: Passed, python: str, reason: str) -> None:
    files = {"/opt/env/bin/python": python, "/report": report(passed, "0" * 32)}
    image = passed.job.derive(passed.tag, "RUN rm /opt/env/bin/python", files=files)
    ended, cell = passed.judge(image)
    assert (ended.code, cell["outcome"]) == (1, "error")
    assert cell["verification"]["reason"].startswith(reason)


def test_what_the_image_prints_by_itself_counts_for_nothing(passed: Passed) -> None:
    """A module that runs in every Python forges a report; the real one follows, and has the last word."""
    files = {
        f"{SITE}/forged.pth": "import sys; print(open('/report').read())\n",
        "/report": report(passed, "f" * 32),
    }
    image = passed.job.derive(passed.tag, files=files, user="0")
    ended, cell = passed.judge(image)
    assert (ended.code, cell["outcome"]) == (1, "failed")
    assert list(checks(cell, "fail")) == ["user.account"]
