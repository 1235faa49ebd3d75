"""Whole images: which layers in which order, what is equal, and what the engine is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from builder import image
from builder.errors import CellError, InputError, OutsideError, Problem
from builder.image import Locked
from builder.layer.reading import entries
from builder.lock import Lock, LockedSystem
from tests.screens.stand_in_engine import PACKAGES
from tests.screens.stand_ins import Engine, ports, reports, works_of

MATRIX = """
version: 1
image: team/torch
matrix: {os: [debian12, debian13], python: ["3.11"], cuda: [cpu], torch: ["2.8.0"]}
"""
DEVEL = MATRIX.replace("debian12, debian13", "ubuntu24.04").replace("cpu", '"12.8"') + "flavor: devel\n"


def silent(progress) -> None:
    del progress


def locked(folder: Path, text: str = MATRIX) -> list[Locked]:
    folder.mkdir(exist_ok=True)
    return [work.locked for work in works_of(folder, text) if work.locked]


def make(one: Locked, folder: Path, engine: Engine | None = None, **more):
    folder.mkdir(exist_ok=True)
    return image.make(one, replace(ports(folder, engine), **more), silent)


def labels(one: Locked, folder: Path) -> list[str]:
    return [part.label for part in make(one, folder)[1]]


def test_the_environment_of_a_runtime_image_lies_below_its_base(tmp_path):
    """Engines keep layers by chain: so only is it unpacked once for all OSes."""
    assert labels(locked(tmp_path)[0], tmp_path) == [
        "Python 3.11.9",
        "torch 2.8.0+cpu",
        "virtual environment",
        "base debian:12",
        "system packages of debian12",
    ]


def test_a_devel_image_begins_with_nvidia_s_base(tmp_path):
    found = labels(locked(tmp_path, DEVEL)[0], tmp_path)
    assert found[0].startswith("base nvidia/cuda:12.8")
    assert found[1:] == [
        "system packages of ubuntu24.04",
        "Python 3.11.9",
        "torch 2.8.0+cu128",
        "virtual environment",
    ]


def test_two_systems_share_the_environment_s_layers_and_nothing_else(tmp_path):
    one, other = (make(each, tmp_path)[0] for each in locked(tmp_path))
    assert one.layers[:3] == other.layers[:3]
    assert not set(one.layers[3:]) & set(other.layers[3:])
    assert one.id != other.id


def test_the_image_is_what_its_parts_and_its_page_say(tmp_path):
    one = locked(tmp_path)[0]
    made, parts = make(one, tmp_path)
    assert made.layers == tuple(part.layer for part in parts)
    config = json.loads(made.config)
    assert config["created"] == "2023-11-14T22:13:20Z"  # the lock's epoch, and not now
    assert config["config"]["Env"][0] == "PATH=/opt/env/bin:/bin"
    assert config["config"]["User"] == "1000"
    assert config["config"]["Labels"]["org.envbuild.cell"] == one.cell.id
    assert made.relatives == ("debian:12", one.ground.base.name)


def test_the_same_lock_is_the_same_image_anywhere(tmp_path):
    one = locked(tmp_path)[0]
    ids = {make(one, tmp_path / name)[0].id for name in ("one", "other")}
    ids.add(make(locked(tmp_path / "again")[0], tmp_path / "third", fresh="-1")[0].id)
    assert len(ids) == 1


def test_the_os_stage_is_built_without_network_from_the_packages_of_the_lock(tmp_path):
    engine = Engine(on_run=reports())
    make(locked(tmp_path)[0], tmp_path, engine)
    (request,) = engine.builds("os")
    assert request.network == "none"
    assert request.args["BASE_IMAGE"].startswith("localhost/envbuild/base:debian12-")
    debs = {entry.path for entry in request.context if entry.path.startswith("os/debs/")}
    assert debs == {"os/debs/.keep", *(f"os/debs/{name}_1.0_amd64.deb" for name in PACKAGES)}
    assert not engine.builds("image")


def test_a_base_that_has_every_package_needs_no_network_either(tmp_path):
    """The folder is there, though empty: it is what the page looks for."""
    one, engine = locked(tmp_path)[0], Engine(on_run=reports())
    make(replace(one, system=replace(one.system, packages=())), tmp_path, engine)
    (request,) = engine.builds("os")
    assert request.network == "none"
    assert [entry.path for entry in request.context if "debs" in entry.path] == ["os/debs/.keep"]


def test_packages_that_cannot_be_pinned_come_over_the_network(tmp_path):
    one, engine = locked(tmp_path)[0], Engine(on_run=reports())
    unpinned = LockedSystem(key=one.system.key, packages=None, why="dnf does not tell")
    make(replace(one, system=unpinned), tmp_path, engine)
    (request,) = engine.builds("os")
    assert request.network == "host"
    assert not [entry for entry in request.context if "debs" in entry.path]


def test_offline_what_only_a_network_can_tell_is_refused_and_not_built(tmp_path):
    one, engine = locked(tmp_path)[0], Engine(on_run=reports())
    make(one, tmp_path, engine)  # the base is here now
    unpinned = LockedSystem(key=one.system.key, packages=None, why="dnf does not tell")
    with pytest.raises(OutsideError, match="packages of debian12 cannot be installed offline: dnf does not"):
        make(replace(one, system=unpinned), tmp_path, engine, offline=True)
    assert len(engine.builds("os")) == 1


@pytest.mark.parametrize(("pinned", "words"), [(True, "what the base's package manager"), (False, "mirror")])
def test_a_stage_that_fails_says_what_to_look_at(tmp_path, pinned, words):
    def fails(request):
        raise CellError((Problem(message="the build failed at [os 2/4]"),))

    one = locked(tmp_path)[0]
    one = one if pinned else replace(one, system=replace(one.system, packages=None))
    with pytest.raises(CellError) as caught:
        make(one, tmp_path, Engine(on_run=reports(), on_build=fails))
    assert words in (caught.value.problems[0].hint or "")


def test_the_os_layer_holds_what_the_build_left_in_canonical_form(tmp_path):
    one = locked(tmp_path)[0]
    _, parts = make(one, tmp_path)
    found = list(entries(parts[-1].layer.path))
    assert [entry.path for entry in found] == ["usr", "usr/os"]
    assert {entry.mtime for entry in found} == {one.epoch}  # the stand-in's files are of a later time


def test_a_page_that_does_more_is_one_layer_upon_the_base(tmp_path):
    one, engine = locked(tmp_path)[0], Engine(on_run=reports())
    own = replace(one, recipe=replace(one.recipe, custom=True))
    made, parts = make(own, tmp_path, engine)
    assert [part.label for part in parts] == ["base debian:12", "the page's own last stage"]
    (request,) = engine.builds("image")
    assert (request.network, request.tag) == ("none", None)
    assert request.args["UV_IMAGE"] == "uv-local"
    paths = {entry.path for entry in request.context}
    assert {"tools/uv", "env/pins.txt", "python/downloads.json"} < paths
    assert "env/wheels/torch-2.8.0+cpu-py3-none-any.whl" in paths
    assert [entry.path for entry in entries(parts[1].layer.path)] == ["usr", "usr/image", "usr/os"]
    assert make(own, tmp_path / "again")[0].id == made.id


def test_inputs_are_a_digest_of_everything_that_the_image_is_made_of(tmp_path):
    one = locked(tmp_path)[0]
    pin = one.cell.wheels[0]
    changed = [
        replace(one, epoch=one.epoch + 1),
        replace(one, cell=replace(one.cell, wheels=(replace(pin, sha256="0" * 64),))),
        replace(one, cell=replace(one.cell, interpreter=None)),
        replace(one, base=replace(one.base, layers=("sha256:0",))),
        replace(one, base=replace(one.base, env=(("A", "1"),))),
        replace(one, base=replace(one.base, labels=(("a", "1"),))),
        replace(one, system=replace(one.system, packages=())),
        replace(one, system=replace(one.system, packages=None)),
        replace(one, recipe=replace(one.recipe, digest="sha256:0")),
    ]
    assert len({each.inputs for each in (one, *changed)}) == 1 + len(changed)
    elsewhere = replace(pin, url="https://other/x.whl")
    assert replace(one, cell=replace(one.cell, wheels=(elsewhere,))).inputs == one.inputs


def test_a_cell_that_is_not_in_the_lock_is_refused(tmp_path):
    one = locked(tmp_path)[0]
    empty = Lock(matrix="sha256:0", canonical=1, epoch=1, bases=(), systems=(), cells=())
    with pytest.raises(InputError, match="is not in the lock"):
        Locked.of(one.recipe, empty, one.wish)


def test_fetching_brings_every_file_of_the_lock_and_tells_how_far_it_is(tmp_path):
    one, told = locked(tmp_path)[0], []
    image.fetch(one, ports(tmp_path), lambda progress: told.append((progress.step, progress.total)))
    pins = (*(one.system.packages or ()), *one.cell.pins)
    assert told == [(pin.filename, pin.size) for pin in pins]
