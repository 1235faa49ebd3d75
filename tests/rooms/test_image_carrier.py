"""Carriers: made once per distinct content, whatever the OS; a change makes those anew that hold it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from builder.errors import CellError, OutsideError
from builder.image import Locked, carrier
from builder.image.carrier import LABEL, Order
from builder.layer.reading import entries
from builder.ports import Ports
from tests.screens.stand_ins import Engine, Store, ports, reports, works_of

MATRIX = """
version: 1
image: team/torch
python: {provider: PROVIDER}
matrix: {os: [debian12], python: ["3.11"], cuda: [cpu], torch: ["2.8.0"]}
"""
WHEELS = {"numpy": "2.3.1", "jinja2": "3.1", "filelock": "3.0"}
LARGE = {"torch": 90_000_000, "numpy": 70_000_000}  # the other two share a carrier


def silent(progress) -> None:
    del progress


def source(folder: Path, **changes: str) -> Store:
    return Store(folder, sources=("torch", "numpy", "jinja2"), newest={**WHEELS, **changes})


def locked(folder: Path, provider: str = "system", *, text: str = MATRIX, **changes: str) -> Locked:
    """What is locked for the only cell, with two wheels that call themselves large."""
    folder.mkdir(exist_ok=True)
    (work,) = works_of(folder, text.replace("PROVIDER", provider), source(folder, **changes))
    assert work.locked
    sized = (replace(pin, size=LARGE.get(pin.name, pin.size)) for pin in work.locked.cell.wheels)
    return replace(work.locked, cell=replace(work.locked.cell, wheels=tuple(sized)))


def order(one: Locked) -> Order:
    return Order(cell=one.cell, ground=one.ground)


def outside(folder: Path, engine: Engine | None = None) -> Ports:
    return ports(folder, engine, source(folder))


def made(one: Locked, where: Ports) -> set[str]:
    """The labels of the carriers that had to be made for this environment."""
    steps: list[str] = []
    carrier.environment(order(one), where, lambda progress: steps.append(progress.step))
    return {step.removeprefix("layer of ") for step in steps if step.startswith("layer of ")}


def labels(one: Locked, where: Ports) -> list[str]:
    return [part.label for part in carrier.environment(order(one), where, silent)]


TORCH = {"torch 2.8.0+cpu", "byte code of torch 2.8.0+cpu"}
NUMPY = {"numpy 2.3.1", "byte code of numpy 2.3.1"}
REST = {"filelock, jinja2", "byte code of filelock, jinja2"}
PYTHON = {"Python 3.11.9", "byte code of Python 3.11.9"}
ALL = TORCH | NUMPY | REST | {"virtual environment"}


def test_carriers_are_in_one_order_each_with_its_byte_code(tmp_path):
    """The large ones by size; of what is empty there is no layer (the stand-in's Python has no library)."""
    assert labels(locked(tmp_path, "standalone"), outside(tmp_path)) == [
        "Python 3.11.9",
        "torch 2.8.0+cpu",
        "byte code of torch 2.8.0+cpu",
        "numpy 2.3.1",
        "byte code of numpy 2.3.1",
        "filelock, jinja2",
        "byte code of filelock, jinja2",
        "virtual environment",
    ]
    assert labels(locked(tmp_path / "system"), outside(tmp_path))[0] == "torch 2.8.0+cpu"


@pytest.mark.parametrize("provider", ["system", "standalone"])
def test_nothing_is_made_twice(tmp_path, provider):
    one = locked(tmp_path, provider)
    assert made(one, outside(tmp_path)) == ALL | (PYTHON if provider == "standalone" else set())
    assert made(one, outside(tmp_path)) == set()


def test_one_package_changed_makes_its_own_two_carriers_anew_and_no_other(tmp_path):
    made(locked(tmp_path), outside(tmp_path))
    assert made(locked(tmp_path, numpy="2.3.2"), outside(tmp_path)) == {
        "numpy 2.3.2",
        "byte code of numpy 2.3.2",
    }
    assert made(locked(tmp_path, jinja2="3.2"), outside(tmp_path)) == REST
    more = {"filelock, jinja2 and 1 more", "byte code of filelock, jinja2 and 1 more"}
    assert made(locked(tmp_path, pillow="1.0"), outside(tmp_path)) == more


@pytest.mark.parametrize(
    "change",
    [
        ("debian12", "debian13"),
        ("image: team/torch", "image: other/name"),
        ("version: 1", "version: 1\nsettings: {OMP_NUM_THREADS: '2'}"),
        ("version: 1", "version: 1\npackages: {system: [git]}"),
        ("version: 1", "version: 1\nuser: {name: me, uid: 1234}"),
    ],
    ids=["os", "name", "settings", "system packages", "user"],
)
def test_a_standalone_environment_is_the_same_on_every_ground(tmp_path, change):
    one = carrier.environment(order(locked(tmp_path, "standalone")), outside(tmp_path), silent)
    changed = locked(tmp_path, "standalone", text=MATRIX.replace(*change))
    assert made(changed, outside(tmp_path)) == set()
    assert carrier.environment(order(changed), outside(tmp_path), silent) == one
    assert order(changed).key == order(locked(tmp_path, "standalone")).key


def test_another_epoch_changes_no_carrier(tmp_path):
    one = locked(tmp_path, "standalone")
    assert order(replace(one, epoch=one.epoch + 1)).key == order(one).key
    made(one, outside(tmp_path))
    assert made(replace(one, epoch=one.epoch + 1), outside(tmp_path)) == set()


def test_a_system_s_python_shares_wheels_and_compiles_on_its_own_ground(tmp_path):
    """Another distribution's Python of that version may write other byte code."""
    made(locked(tmp_path), outside(tmp_path))
    packages = locked(tmp_path, text=MATRIX + "packages: {system: [git]}\n")
    assert made(packages, outside(tmp_path)) == {label for label in ALL if label.startswith("byte code")}


def test_another_python_is_another_environment(tmp_path):
    made(locked(tmp_path, "standalone"), outside(tmp_path))
    newer = made(locked(tmp_path, "standalone", text=MATRIX.replace("3.11", "3.12")), outside(tmp_path))
    assert newer == ALL | {"Python 3.12.9", "byte code of Python 3.12.9"}


def test_a_tampered_carrier_is_made_anew_with_the_same_bytes(tmp_path):
    one = locked(tmp_path)
    before = carrier.environment(order(one), outside(tmp_path), silent)
    before[0].layer.path.write_bytes(b"other" * 200)
    told: list[str] = []
    where = outside(tmp_path)
    where = replace(where, layers=replace(where.layers, on_note=told.append))
    assert made(one, where) == {"torch 2.8.0+cpu"}
    assert "torch 2.8.0+cpu" in told[0]
    assert carrier.environment(order(one), outside(tmp_path), silent) == before


def test_carriers_are_loaded_once_as_one_image_of_theirs(tmp_path):
    where = outside(tmp_path)
    parts = carrier.environment(order(locked(tmp_path)), where, silent)
    (image,) = where.engine.labelled(LABEL)
    assert image.layers == tuple(part.layer.diff_id for part in parts)
    assert image.tags[0].startswith(f"{carrier.REPOSITORY}:")
    carrier.environment(order(locked(tmp_path)), outside(tmp_path, where.engine), silent)
    assert len(where.engine.loads) == 1


def test_large_carriers_are_loaded_while_others_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(carrier, "AHEAD", 1)
    where = outside(tmp_path)
    parts = carrier.environment(order(locked(tmp_path)), where, silent)
    whole = tuple(part.layer for part in parts)
    assert [image.layers for image in where.engine.loads] == [whole[:n] for n in range(1, len(whole) + 1)]
    # Each holds the layers of the one before, so only the last one keeps its name.
    assert [len(image.layers) for image in where.engine.labelled(LABEL) if image.tags] == [len(whole)]


def test_environments_of_several_bases_that_come_out_the_same_are_loaded_once(tmp_path, monkeypatch):
    """Neither takes an image away that the other is about to name."""
    monkeypatch.setattr(carrier, "AHEAD", 1)
    one = locked(tmp_path)
    other = replace(one, epoch=one.epoch + 1)  # another OS layer: its Python may compile otherwise
    assert order(one).key != order(other).key
    where = outside(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda each: carrier.environment(order(each), where, silent), (one, other)))
    assert made[0] == made[1]
    loads = [image.layers for image in where.engine.loads]
    assert len(loads) == len(set(loads))
    assert [len(image.layers) for image in where.engine.labelled(LABEL) if image.tags] == [len(made[0])]


@pytest.mark.parametrize("when", ["load", "tag"])
def test_an_image_that_another_process_takes_away_is_loaded_again(tmp_path, when):
    class Robbed(Engine):
        robbed = False

        def load(self, image, on_progress, cancel):
            found = super().load(image, on_progress, cancel)
            if when == "load":
                self.rob(found)
            return found

        def tag(self, image, reference):
            if when == "tag" and reference.startswith(carrier.REPOSITORY):
                self.rob(image)
            super().tag(image, reference)

        def rob(self, image):
            if self.robbed:
                return
            self.robbed = True
            del self.images[image]
            if when == "load":
                raise OutsideError.of("the engine took it, but has no such image")

    where = outside(tmp_path, Robbed(on_run=reports()))
    carrier.environment(order(locked(tmp_path)), where, silent)
    assert where.engine.robbed
    (image,) = where.engine.labelled(LABEL)
    assert image.tags


def test_nothing_is_loaded_ahead_where_it_would_serve_nobody(tmp_path):
    """In a fresh round, and where the environment lies on top of the base."""
    where = outside(tmp_path)
    carrier.environment(order(locked(tmp_path)), replace(where, fresh="-1"), silent)
    devel = MATRIX.replace("[debian12]", "[ubuntu24.04]").replace("[cpu]", '["12.8"]') + "flavor: devel\n"
    carrier.environment(order(locked(tmp_path, "standalone", text=devel)), where, silent)
    assert where.engine.loads == []


def test_byte_code_is_compiled_where_there_is_no_network_and_nothing_to_write_to(tmp_path):
    class Watched(Engine):
        def run(self, request, on_stdout, cancel):
            asked.append(request)
            return super().run(request, on_stdout, cancel)

    asked = []
    carrier.environment(order(locked(tmp_path)), outside(tmp_path, Watched(on_run=reports())), silent)
    assert {(one.network, one.writable, one.mounts) for one in asked} == {("none", False, ())}


def test_every_path_is_below_opt(tmp_path):
    parts = carrier.environment(order(locked(tmp_path, "standalone")), outside(tmp_path), silent)
    paths = [(entry.path, entry.mtime) for part in parts for entry in entries(part.layer.path)]
    assert {path.split("/")[0] for path, _ in paths} == {"opt"}
    assert {mtime for _, mtime in paths} == {carrier.NO_DATE}


def test_a_python_that_does_not_run_is_the_cell_s_fault(tmp_path):
    class Broken(Engine):
        def run(self, request, on_stdout, cancel):
            end = super().run(request, lambda _: None, cancel)
            return replace(end, exit_code=127, stderr=b"sh: python3.11: not found\n")

    with pytest.raises(CellError, match=r"python3\.11: not found"):
        carrier.environment(order(locked(tmp_path)), outside(tmp_path, Broken(on_run=reports())), silent)
