"""An alias moves when its whole group is in the registry, and not before."""

import dataclasses
from types import SimpleNamespace

import pytest
from registry_server import Fault, client, error, serve, sha256

from builder.cell import Group
from builder.engine.api import MANIFEST
from builder.errors import OutsideError, Place
from builder.release import Outside, Plan, Target, point, pointer

HERE = Place(file="m.yaml", line=1, column=1)
GROUP = Group(tag="latest", newest="b", cells=("a", "b"), place=HERE)
BODIES = {name: f'{{"schemaVersion": 2, "name": "{name}"}}'.encode() for name in ("a", "b", "old")}


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture
def outside(server):
    return Outside(registry=client(server), packing=None, ports=SimpleNamespace(go_on=lambda: None))


def plan(cell):
    target = Target(path="team/torch", tags=(cell,))
    rest = dict.fromkeys(("verified", "packed", "held", "papers", "attached", "tags"))
    return Plan(target=target, body=BODIES[cell], there=False, **rest)


def keep(server, name):
    """`latest` names that image."""
    server.manifests["team/torch"] = dict.fromkeys(("latest", sha256(BODIES[name])), (BODIES[name], MANIFEST))


def named(server):
    found = server.manifests.get("team/torch", {}).get("latest")
    return found and found[0]


PLANS = {cell: plan(cell) for cell in GROUP.cells}


def test_it_names_the_newest_when_all_are_there(server, outside):
    found = pointer(GROUP, PLANS, outside, fixed=False)
    assert (found.tagging.step, found.left, found.done) == ("new", "", False)
    assert named(server) is None
    done = point(found, PLANS, {"a", "b"}, outside)
    assert (done.done, done.left, done.exit_code) == (True, "", 0)
    assert named(server) == BODIES["b"]


def test_it_moves_from_an_older_image_and_then_stays(server, outside):
    keep(server, "old")
    found = pointer(GROUP, PLANS, outside, fixed=False)
    assert (found.tagging.step, found.tagging.before) == ("moves", sha256(BODIES["old"]))
    point(found, PLANS, {"a", "b"}, outside)
    again = pointer(GROUP, PLANS, outside, fixed=True)
    assert (again.tagging.step, again.left) == ("same", "")
    puts = len(server.seen("PUT"))
    assert point(again, PLANS, {"a", "b"}, outside).done
    assert len(server.seen("PUT")) == puts


def test_a_cell_that_may_not_be_published_leaves_it_where_it_is(server, outside):
    keep(server, "old")
    found = pointer(GROUP, {"b": PLANS["b"]}, outside, fixed=False)
    assert found.left == "not all of its cells are published: a"
    done = point(found, PLANS, {"b"}, outside)
    assert (done.done, done.exit_code, named(server)) == (False, 0, BODIES["old"])


def test_a_cell_whose_publishing_failed_leaves_it_where_it_is(server, outside):
    found = pointer(GROUP, PLANS, outside, fixed=False)
    done = point(found, PLANS, {"b"}, outside)
    assert (done.done, done.left) == (False, "not all of its cells are published: a")
    assert named(server) is None


def test_how_many_are_missing_is_told():
    wide = dataclasses.replace(GROUP, cells=("a", "b", "c", "d"))
    assert pointer(wide, PLANS, None, fixed=False).left == "not all of its cells are published: c and 1 more"


def test_one_that_must_not_move_does_not(server, outside):
    keep(server, "old")
    found = pointer(GROUP, PLANS, outside, fixed=True)
    assert "must not move" in found.left
    assert "--force latest" in found.left
    done = point(found, PLANS, {"a", "b"}, outside)
    assert (done.done, done.exit_code, named(server)) == (False, 1, BODIES["old"])


def test_a_registry_that_fails_is_raised(server, outside):
    found = pointer(GROUP, PLANS, outside, fixed=False)
    server.faults.append(Fault("PUT", "/manifests/latest", error(403, "DENIED"), times=99))
    with pytest.raises(OutsideError, match="denied"):
        point(found, PLANS, {"a", "b"}, outside)
