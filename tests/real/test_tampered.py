"""What somebody changed on this machine, in the store, the cache of layers or the mirror, is never used.

Its sha256 must be that of the lock, or of the layer that envbuild wrote. Else it is fetched or made anew, or
the run fails and names it.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import workplace
from main_job import CELL, Ended, Job
from supplied import BALLAST, Supplied, bring, build, is_the_same

from builder.base import REPOSITORY as BASES
from builder.layer.cache import Layers, sha256_of
from builder.layer.pruning import Use, usage

pytest_plugins = ("supplied_fixtures",)
pytestmark = pytest.mark.real
LAYER = "layer.tar"  # of the base, in a mirror


@pytest.fixture(scope="module")
def place(supplied: Supplied, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A place in which the image was built once."""
    folder = tmp_path_factory.mktemp("tampered")
    with supplied.place(folder) as job:
        bring(supplied, job)
        is_the_same(supplied, job, build(supplied, job))
        yield job


@pytest.fixture
def job(supplied: Supplied, place: Job) -> Job:
    """The same, with every file and no layer."""
    is_the_same(supplied, place, build(supplied, place, "--force"))
    shutil.rmtree(cache(place).folder)
    return place


def cache(job: Job) -> Layers:
    return Layers(root=job.folder / "store")


def only(folder: Path, name: str) -> Path:
    """The one file of that name in a store or a mirror."""
    (found,) = (folder / "sha256").glob(f"*/*/{name}")
    return found


def tamper(path: Path) -> None:
    """Another file in its place, with one byte changed; where it was linked to, nothing changes."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def blob(job: Job, use: Use) -> Path:
    """A layer's tar in the cache."""
    return cache(job).folder / "blobs" / f"{use.diff_id.removeprefix('sha256:')}.tar"


def refused(job: Job, ended: Ended, *words: str) -> None:
    """It failed for something outside, in plain words, and made nothing of it."""
    assert ended.code == 4, ended.out + ended.err
    assert not ended.traceback
    for word in words:
        assert word in ended.out
    assert not (job.folder / "out" / CELL / "image.json").exists()


@pytest.mark.parametrize("name", [BALLAST, "ca-certificates_*.deb"])
def test_a_file_in_the_store_is_fetched_anew(supplied: Supplied, job: Job, name: str) -> None:
    path = only(job.folder / "store", name)
    tamper(path)
    ended = build(supplied, job, "--force")
    is_the_same(supplied, job, ended)
    assert f"{path} was not what its name says" in ended.err
    assert sha256_of(path) == path.parent.name


def test_a_wheel_in_the_store_that_nobody_has_any_more(supplied: Supplied, job: Job, tmp_path: Path) -> None:
    path, lent = only(job.folder / "store", BALLAST), supplied.lent(tmp_path / "lent", BALLAST)
    tamper(path)
    refused(job, build(supplied, job, "--force", env={"ENVBUILD_MIRROR": str(lent)}), BALLAST)
    assert not path.exists()


def test_a_wheel_in_the_mirror(supplied: Supplied, job: Job, tmp_path: Path) -> None:
    lent = supplied.lent(tmp_path / "lent")
    tamper(only(lent, BALLAST))
    only(job.folder / "store", BALLAST).unlink()
    ended = build(supplied, job, "--force", env={"ENVBUILD_MIRROR": str(lent)})
    refused(job, ended, f"{BALLAST} is not the file that was pinned")
    assert [path for path in (job.folder / "store/sha256").glob("*/*/*") if "ballast" in path.name] == []


def test_a_base_in_the_mirror(supplied: Supplied, job: Job, tmp_path: Path) -> None:
    lent = supplied.lent(tmp_path / "lent")
    path = only(lent, LAYER)
    tamper(path)
    ended = build(supplied, job, "--force", env={"ENVBUILD_MIRROR": str(lent)})
    refused(job, ended, f"{path} is not the layer that its name says")


def test_a_base_that_was_bootstrapped(supplied: Supplied, job: Job, tmp_path: Path) -> None:
    """It serves without a network as long as it is what it was, and then the engine's copy does.

    Where there is a network it is made anew: see test_bootstrap.py.
    """
    lent, kept = supplied.lent(tmp_path / "lent", LAYER), job.folder / "store" / "bootstrap"
    env = {"ENVBUILD_MIRROR": str(lent)}
    shutil.copytree(supplied.bootstrapped, kept)
    is_the_same(supplied, job, build(supplied, job, "--force", env=env))
    (tar,) = kept.glob("*.tar")
    tamper(tar)
    shutil.rmtree(cache(job).folder)
    ended = build(supplied, job, "--force", env=env)
    is_the_same(supplied, job, ended)
    assert f"{tar} is not what was bootstrapped" in ended.err
    shutil.rmtree(cache(job).folder)
    workplace.forget(job, job.folder / supplied.matrix.name)
    for name in (name for name in job.kept() if name.startswith(BASES)):
        job.engine.untag(name)
    refused(job, build(supplied, job, "--force", env=env), "no base image for debian12 can be made")
    shutil.rmtree(kept)


@pytest.mark.parametrize("how", ["changed", "cut short"])
def test_a_layer_in_the_cache_is_made_anew_and_no_other(supplied: Supplied, place: Job, how: str) -> None:
    ended = build(supplied, place, "--force")
    is_the_same(supplied, place, ended)
    blobs = {use.label: blob(place, use) for use in usage(cache(place))}
    (label,) = (label for label in blobs if label.startswith("ballast"))
    others = {path: path.stat().st_mtime_ns for name, path in blobs.items() if name != label}
    if how == "changed":
        tamper(blobs[label])
    else:
        blobs[label].unlink()
        blobs[label].write_bytes(bytes(1024))
    ended = build(supplied, place, "--force")
    is_the_same(supplied, place, ended)
    assert f"the cached layer of {label} was not what envbuild had written" in ended.err
    assert sha256_of(blobs[label]) == blobs[label].stem
    assert {path: path.stat().st_mtime_ns for path in others} == others


def test_every_layer_in_the_cache(supplied: Supplied, place: Job) -> None:
    """Base, wheels, byte code, environment, system packages: each is told by name, and made anew."""
    is_the_same(supplied, place, build(supplied, place, "--force"))
    found = usage(cache(place))
    assert {piece.label for piece in supplied.image.layers} <= {use.label for use in found}
    for use in found:
        tamper(blob(place, use))
    ended = build(supplied, place, "--force", "--json")
    is_the_same(supplied, place, ended)
    assert ended.cells[CELL]["image"]["id"] == supplied.image.id
    for use in found:
        assert f"the cached layer of {use.label} was not what envbuild had written" in ended.err
        assert sha256_of(blob(place, use)) == blob(place, use).stem
