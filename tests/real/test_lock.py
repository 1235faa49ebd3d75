"""A lock on a real engine: packages pinned by a real apt, fetched here, installed without a network."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from builder import lock
from builder.base import Wish, own_name
from builder.cli import selection
from builder.engine.api import BuildRequest, Engine, Entry, RunRequest
from builder.lock import Asked, Lock
from builder.ports import Ports
from builder.recipe import Recipe
from builder.source import open_source
from builder.source.debian_mirror import PUBLIC, PUBLIC_SECURITY

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
SHOW = "dpkg-query -W -f '${Package} ${Version}\\n'; echo; find /usr -name '*.pyc' | sort | xargs sha256sum"


@pytest.fixture(scope="module")
def made(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lock, Recipe, Ports, Asked]:
    """The quickstart's lock, with a base that is bootstrapped here, and what it was made of."""
    folder = tmp_path_factory.mktemp("lock")
    matrix = folder / "quickstart.yaml"
    matrix.write_text(
        (ROOT / "matrices/quickstart.yaml").read_text().replace("base: auto", "base: bootstrap")
    )
    chosen = selection.select(matrix)
    (recipe,) = chosen.recipes()
    store = os.environ.get("ENVBUILD_STORE")
    outside = Ports(
        engine=engine, source=open_source(Path(store) if store else folder / "store"), layers=None
    )  # type: ignore[arg-type]
    row = chosen.facts.os[recipe.cell.os]
    wish = Wish(os=row, policy="bootstrap", platform="linux/amd64")
    asked = Asked(
        matrix=chosen.matrix,
        recipes=(recipe,),
        wishes={recipe.cell.id: wish},
        chosen=frozenset({recipe.cell.id}),
    )
    return lock.make(asked, None, outside, lambda step: None), recipe, outside, asked


def test_everything_is_pinned_by_content(made: tuple[Lock, Recipe, Ports, Asked]) -> None:
    locked, recipe, _, asked = made
    (system,) = locked.systems
    packages = {pin.name: pin for pin in system.packages or ()}
    assert {"ca-certificates", "python3", "python3.11", "python3-distutils"} <= set(packages)
    assert all(pin.url and pin.url.startswith((PUBLIC, PUBLIC_SECURITY)) for pin in packages.values())
    assert {pin.name for pin in locked.cells[0].wheels} >= {"torch", "numpy", "pip"}
    assert locked.epoch == max(system.date, locked.bases[0].created) > 1_600_000_000
    assert "file:" not in lock.dumps(locked)
    assert lock.stale(locked, asked.matrix, (recipe,)) == ()
    assert lock.settled(asked, locked) == locked


def test_the_base_is_what_the_engine_has(made: tuple[Lock, Recipe, Ports, Asked]) -> None:
    locked, _, outside, _ = made
    found = outside.engine.find(own_name("debian12", locked.bases[0].layers))
    assert found is not None
    assert found.layers == locked.bases[0].layers


def test_pinned_packages_install_without_a_network(made: tuple[Lock, Recipe, Ports, Asked]) -> None:
    """Two builds of the stage, neither from a cache: exactly the pinned packages, and the same byte code."""
    locked, recipe, outside, _ = made
    pins = locked.systems[0].packages or ()
    entries = [Entry(path=path, content=content) for path, content in recipe.files]
    entries += [
        Entry(path=f"os/debs/{pin.filename}", content=outside.source.fetch(pin, lambda *_: None))
        for pin in pins
    ]
    request = BuildRequest(
        context=tuple(entries),
        target="os",
        args={"BASE_IMAGE": own_name("debian12", locked.bases[0].layers)},
        labels={},
        network="none",
        tag=None,
        no_cache=True,
    )
    told = []
    for _ in range(2):
        built = outside.engine.build(request, lambda _: None, threading.Event())
        run = RunRequest(image=built, command=("/bin/sh", "-c", SHOW))
        told.append(outside.engine.run(run, lambda _: None, threading.Event()).stdout.decode())
        outside.engine.untag(built)
    installed = dict(line.split() for line in told[0].partition("\n\n")[0].splitlines())
    assert {pin.name: pin.version for pin in pins}.items() <= installed.items()
    assert told[0].count(".pyc") > 500
    assert told[0] == told[1]
