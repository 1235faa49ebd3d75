"""The RHEL family's pages, built for real on look-alikes: the real dnf on the real rpm, and Debian's files.

That is not CentOS, Rocky or Alma: what their own packages do is not shown. What is shown is that a page
installs by dnf what it names, that an image of RPMs passes through the rest, and what becomes of mistakes.
"""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_members import brought
from main_job import ROOT, Ended, Job

from builder.engine.api import BuildRequest, Entry, RunRequest
from builder.facts import load
from builder.papers import contents
from builder.ports import Ports
from builder.recipe import write
from tests.golden.cells import cell, matrix

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real

MAKE = ROOT / "tests" / "real" / "look_alike" / "make"
UNTIL_NOW = {"ca-certificates", "findutils", "less", "python3.11", "python3.11-libs", "shadow-utils"}
QUERY = ("rpm", "-qa", "--qf", r"%{NAME}-%{VERSION}-%{RELEASE}\n")


@pytest.fixture(scope="module")
def bases(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A look-alike of one release for each page of the family, by the release: its name in the engine."""
    tar = tmp_path_factory.mktemp("look-alike") / "root.tar"
    end = subprocess.run([MAKE, tar], capture_output=True, text=True, check=False)
    if end.returncode == 4:
        pytest.skip(end.stderr.strip())
    assert end.returncode == 0, end.stderr
    name = f"{job.name}/look-alike"
    brought(job.engine, tar, f"{name}:base")
    found = {}
    for os in ("rocky9", "centos-stream8", "centos7"):
        made = job.derive(f"{name}:base", f"RUN bash /srv/become {os}", user="0")
        found[os] = f"{name}:{os}"
        job.engine.tag(made, found[os])
    yield found
    for tag in (f"{name}:base", *found.values()):
        job.engine.untag(tag)


@pytest.fixture(scope="module")
def built(job: Job, bases: dict[str, str]) -> Ended:
    """`envbuild up` of a cell for each page that torch 2.13 can have."""
    oses = [os for os in bases if os != "centos7"]
    path = job.matrix(
        "dnf",
        systems={f"{os}-look-alike": {"like": os, "image": bases[os]} for os in oses},
        matrix={
            "os": [f"{os}-look-alike" for os in oses],
            "python": ["3.11"],
            "cuda": ["cpu"],
            "torch": ["2.13"],
        },
        packages={"pip": ["numpy"], "system": ["less"]},
    )
    return job.run("up", path, "--json", "-q")


@pytest.fixture(params=["rocky9", "centos-stream8"])
def image(request: pytest.FixtureRequest, built: Ended) -> dict[str, str]:
    """The release that it is like, and its tag."""
    result = built.cells[f"{request.param}-look-alike-py3.11-cpu-torch2.13.0"]
    return {
        "os": request.param,
        "verdict": result["verification"]["status"],
        "tag": result["image"]["tags"][0],
    }


def said(job: Job, tag: str, *command: str) -> str:
    request = RunRequest(image=tag, command=command, work_dir="/")
    end = job.engine.run(request, lambda _: None, threading.Event())
    assert end.exit_code == 0, end.stderr.decode()
    return end.stdout.decode()


def test_it_passes(built: Ended, image: dict[str, str]) -> None:
    """The check of the operating system is among what passed: its os-release answers as the release."""
    assert built.code == 0, built.err
    assert image["verdict"] == "passed"


def test_it_says_that_it_is_a_look_alike(job: Job, image: dict[str, str]) -> None:
    assert "a look-alike" in said(job, image["tag"], "sh", "-c", ". /etc/os-release; echo $PRETTY_NAME")


def test_dnf_installed_what_the_page_names_with_what_that_needs(job: Job, image: dict[str, str]) -> None:
    assert {line.rsplit("-", 2)[0] for line in said(job, image["tag"], *QUERY).splitlines()} == UNTIL_NOW
    python = said(job, image["tag"], "readlink", "-f", "/opt/env/bin/python").strip()
    assert said(job, image["tag"], "rpm", "-qf", python).startswith("python3.11-3.11")


def test_the_papers_list_the_rpms(job: Job, image: dict[str, str]) -> None:
    found = contents(image["tag"], Ports(engine=job.engine, source=None, layers=None))  # type: ignore[arg-type]
    listed = sorted(f"{package.name}-{package.version}" for package in found.system)
    assert listed == sorted(said(job, image["tag"], *QUERY).split())


def test_folders_of_the_base_keep_their_modes(job: Job, image: dict[str, str]) -> None:
    """The step empties /tmp. Docker makes a folder anew, for root alone, that a layer does not name."""
    assert said(job, image["tag"], "stat", "-c", "%a %U", "/tmp").strip() == "1777 root"


def test_nothing_of_the_packages_lists_and_logs_is_left(job: Job, image: dict[str, str]) -> None:
    script = "ls -A /var/cache/dnf /var/cache/yum /var/log 2>/dev/null | grep -iE 'look-alike|dnf' || true"
    assert said(job, image["tag"], "sh", "-c", script) == ""


def test_releases_in_the_vault_look_for_their_packages_there(job: Job, image: dict[str, str]) -> None:
    script = "cat /etc/yum.repos.d/CentOS-*.repo 2>/dev/null || true"
    addresses = [
        line for line in said(job, image["tag"], "sh", "-c", script).splitlines() if "centos.org" in line
    ]
    vault = "baseurl=https://vault.centos.org/centos/$releasever/os/$basearch/"
    there = ["#mirrorlist=http://mirrorlist.centos.org/?release=$releasever&arch=$basearch&repo=os", vault]
    assert addresses == (there if image["os"] == "centos-stream8" else [])


def test_what_has_not_changed_is_not_installed_again(job: Job, built: Ended) -> None:
    assert built.code == 0
    again = job.run("up", job.folder / "dnf.yaml", "--json")
    assert again.code == 0
    assert "dnf --assumeyes" not in again.err


def test_the_same_image_comes_out_twice_with_an_rpm_that_keeps_the_base_s_date(
    job: Job, built: Ended
) -> None:
    """As that of RHEL 10 does; that of RHEL 9 and earlier writes the time of the day into its database."""
    assert built.code == 0
    ended = job.run("reproduce", job.folder / "dnf.yaml", "--only", "rocky9*")
    assert ended.code == 0, ended.out
    assert "1 the same in both rounds" in ended.out


def test_a_package_that_is_not_there_is_told_in_dnf_s_words(job: Job, bases: dict[str, str]) -> None:
    path = job.matrix(
        "dnf-wrong",
        systems={"team": {"like": "rocky9", "image": bases["rocky9"]}},
        matrix={"os": ["team"], "python": ["3.11"], "cuda": ["cpu"], "torch": ["2.13"]},
        packages={"pip": ["numpy"], "system": ["no-such-package"]},
    )
    ended = job.run("build", path)
    assert (ended.code, ended.traceback) == (1, False)
    assert "No match for argument: no-such-package" in ended.out
    assert not job.tags("dnf-wrong")


def test_the_page_of_centos_7_installs_by_yum(job: Job, bases: dict[str, str], tmp_path: Path) -> None:
    """No torch that CentOS 7 runs is small enough to build one here: the stage of its packages alone."""
    recipe = write(cell(os="centos7", python="3.11", provider="standalone", torch="2.6.0"), matrix(), load())
    context = tuple(Entry(path=path, content=content) for path, content in recipe.files)
    request = BuildRequest(
        context=context,
        target="os",
        args={"BASE_IMAGE": bases["centos7"]},
        labels={},
        network="none",
        tag=f"{job.name}/look-alike:yum",
    )
    job.engine.build(request, lambda progress: None, threading.Event())
    listed = said(job, f"{job.name}/look-alike:yum", *QUERY)
    assert {line.rsplit("-", 2)[0] for line in listed.split()} == {
        "ca-certificates",
        "findutils",
        "shadow-utils",
    }
    assert "app:x:1000" in said(job, f"{job.name}/look-alike:yum", "cat", "/etc/passwd")
    repository = said(job, f"{job.name}/look-alike:yum", "cat", "/etc/yum.repos.d/CentOS-Base.repo")
    assert "\nbaseurl=https://vault.centos.org/" in repository
