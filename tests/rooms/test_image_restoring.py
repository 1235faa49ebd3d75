"""The base that was locked, from wherever this very content can be had; refused where it has moved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from builder.base import Wish
from builder.engine.dry import DryEngine
from builder.errors import OutsideError
from builder.facts import load
from builder.image import restoring
from builder.image.restoring import Wanted
from builder.lock import LockedBase
from builder.source.api import GoOn, Rootfs, always
from tests.screens.stand_in_engine import CREATED, tar
from tests.screens.stand_ins import Engine, Store, ports, reports

DEBIAN = tar({"etc/os-release": b"debian:12"})  # as the stand-in's registry has it
LAYER = f"sha256:{hashlib.sha256(DEBIAN).hexdigest()}"


def silent(progress) -> None:
    del progress


def wanted(**changes) -> Wanted:
    locked = LockedBase(
        reference="debian:12",
        digest=f"sha256:{hashlib.sha256(b'debian:12').hexdigest()}",
        platform="linux/amd64",
        layers=(LAYER,),
        env=(("PATH", "/bin"),),
        labels=(),
        origin="registry",
        created=CREATED,
    )
    wish = Wish(os=load().os["debian12"], policy="auto", platform="linux/amd64")
    return Wanted(locked=replace(locked, **changes), wish=wish)


class Unreachable(Engine):
    """No registry answers."""

    def pull(self, reference, platform, on_progress):
        raise OutsideError.of(f"pulling {reference} failed")


@dataclass(frozen=True)
class Mirror(Store):
    """A mirror folder that has a base's layers, and a distribution's mirror."""

    content: bytes = DEBIAN
    has: bool = True

    def base_layers(self, diff_ids):
        return (self._file("layer.tar", self.content),) if self.has else None

    def bootstrap(self, os: str, codename: str, go_on: GoOn = always, arch: str = "") -> Path:
        return self._file("bootstrapped.tar", self.content)

    def rootfs(self, tar: Path) -> Rootfs:
        return Rootfs(path=tar, sha256=hashlib.sha256(tar.read_bytes()).hexdigest(), date=CREATED)


def offline(folder: Path, **more):
    return ports(folder, Unreachable(on_run=reports()), Mirror(folder, **more))


def contents(layers) -> list[bytes]:
    return [layer.path.read_bytes() for layer in layers]


def test_a_base_that_the_engine_has_is_named_and_not_pulled(tmp_path):
    outside = ports(tmp_path)
    outside.engine.pull("debian:12", "linux/amd64", silent)
    assert restoring.in_engine(wanted(), outside, silent) == "debian:12"
    assert outside.engine.pulled == ["debian:12"]


def test_the_engine_s_own_of_that_name_counts_for_nothing_if_it_has_other_layers(tmp_path):
    outside = ports(tmp_path)
    other = outside.engine.pull("debian:12", "linux/amd64", silent)
    name = restoring.in_engine(wanted(), outside, silent)
    assert outside.engine.find(name).layers == (LAYER,)
    assert outside.engine.find("debian:12").id == other.id  # the user's own is left alone


def test_what_is_missing_is_pulled_by_its_digest_once_for_all(tmp_path):
    outside = ports(tmp_path)
    names = {restoring.in_engine(wanted(), outside, silent) for _ in range(3)}
    assert names == {wanted().name}
    assert outside.engine.pulled == [f"debian@{wanted().locked.digest}"]


def test_a_pull_that_brings_something_else_is_refused(tmp_path):
    outside = ports(tmp_path)
    base = wanted(layers=(f"sha256:{'0' * 64}",))
    with pytest.raises(OutsideError, match="debian:12 cannot be had as it was locked") as caught:
        restoring.in_engine(base, outside, silent)
    assert "--upgrade" in caught.value.problems[0].hint
    assert outside.engine.find(base.name) is None


def test_a_base_that_no_registry_has_and_the_engine_has_no_more_is_refused(tmp_path):
    with pytest.raises(OutsideError, match="this engine has it no more"):
        restoring.in_engine(wanted(digest=None, origin="engine"), ports(tmp_path), silent)


def test_layers_are_saved_from_the_engine_once_and_then_of_the_cache(tmp_path):
    outside = ports(tmp_path)
    assert contents(restoring.layers(wanted(), outside, silent)) == [DEBIAN]
    later = ports(tmp_path, Unreachable(on_run=reports()))
    assert contents(restoring.layers(wanted(), later, silent)) == [DEBIAN]
    # … from which the engine gets it as well, under a name of ours
    name = restoring.in_engine(wanted(), later, silent)
    assert name == wanted().name
    assert later.engine.find(name).layers == (LAYER,)
    assert dict(later.engine.find(name).labels) == {}


def test_a_layer_of_the_cache_that_was_changed_is_not_used(tmp_path):
    (before,) = restoring.layers(wanted(), ports(tmp_path), silent)
    before.path.write_bytes(before.path.read_bytes().replace(b"debian", b"doctor"))
    assert contents(restoring.layers(wanted(), ports(tmp_path), silent)) == [DEBIAN]
    before.path.write_bytes(b"")
    with pytest.raises(OutsideError, match="pulling"):
        restoring.layers(wanted(), ports(tmp_path, Unreachable(on_run=reports())), silent)


def test_a_mirror_folder_serves_without_any_registry(tmp_path):
    outside = offline(tmp_path)
    assert contents(restoring.layers(wanted(), outside, silent)) == [DEBIAN]
    assert outside.engine.find(restoring.in_engine(wanted(), outside, silent)).layers == (LAYER,)


def test_a_mirror_folder_with_another_layer_is_refused(tmp_path):
    with pytest.raises(OutsideError, match=r"its layer sha256:\w+ is not what it was"):
        restoring.layers(wanted(), offline(tmp_path, content=b"other"), silent)


def bootstrapped(content: bytes = DEBIAN) -> Wanted:
    layer = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return wanted(digest=None, origin="bootstrap", layers=(layer,), env=())


def test_a_bootstrapped_base_is_made_again(tmp_path):
    outside = offline(tmp_path, has=False)
    assert contents(restoring.layers(bootstrapped(), outside, silent)) == [DEBIAN]
    assert outside.engine.find(restoring.in_engine(bootstrapped(), outside, silent)).layers == (LAYER,)


def test_a_bootstrapped_base_whose_mirror_has_moved_on_is_refused(tmp_path):
    outside = offline(tmp_path, has=False, content=b"newer")
    with pytest.raises(OutsideError, match="the distribution's mirror gives newer packages by now"):
        restoring.layers(bootstrapped(), outside, silent)
    with pytest.raises(OutsideError, match="newer packages"):
        restoring.in_engine(bootstrapped(), outside, silent)


def test_two_contents_of_one_reference_have_two_names():
    assert wanted().name != wanted(layers=(f"sha256:{'0' * 64}",)).name
    assert wanted().name.startswith("localhost/envbuild/base:debian12-")


def test_an_engine_without_layers_to_tell_is_not_believed(tmp_path):
    """As Docker tells of an image of which only a part is there."""
    engine = DryEngine()
    engine.pull("debian:12", "linux/amd64", silent)
    with pytest.raises(OutsideError, match="has other layers on this platform"):
        restoring.in_engine(wanted(), ports(tmp_path, engine), silent)
