"""A tag of several cells is put when all of them are in the registry, and not before."""

import dataclasses
import json
from types import SimpleNamespace

import pytest
from registry_server import Fault, client, error, serve, sha256

from builder.cell import Aim
from builder.errors import OutsideError
from builder.registry.api import INDEX, MANIFEST
from builder.release import Other, Outside, Present, point, pointer, there
from builder.release.manifests import INPUTS

PATH = "team/torch"
AIM = Aim(tag="latest", means=("b",), cells=("a", "b"))
BOTH = Aim(tag="latest", means=("a", "b"), cells=("a", "b"), index=True)


def body(name):
    return json.dumps({"mediaType": MANIFEST, "annotations": {INPUTS: name}}).encode()


PRESENT = {
    "a": Present(platform="linux/amd64", body=body("a")),
    "b": Present(platform="linux/arm64", body=body("b")),
}


@pytest.fixture
def server():
    with serve() as running:
        yield running


@pytest.fixture
def outside(server):
    return Outside(registry=client(server), packing=None, ports=SimpleNamespace(go_on=lambda: None))


def keep(server, name, tag="latest"):
    """The tag names that image."""
    server.manifests.setdefault(PATH, {}).update(
        dict.fromkeys((tag, sha256(body(name))), (body(name), MANIFEST))
    )


def named(server):
    found = server.manifests.get(PATH, {}).get("latest")
    return found and found[0]


def planned(outside, aim=AIM, present=PRESENT, *, fixed=False):
    return pointer(aim, present, PATH, outside, fixed=fixed)


def test_an_alias_names_its_image_when_all_are_there(server, outside):
    found = planned(outside)
    assert (found.tagging.step, found.left, found.done) == ("new", "", False)
    assert named(server) is None
    done = point(found, {"a", "b"}, PATH, outside)
    assert (done.done, done.left, done.exit_code) == (True, "", 0)
    assert named(server) == body("b")


def test_it_moves_from_an_older_image_and_then_stays(server, outside):
    keep(server, "old")
    found = planned(outside)
    assert (found.tagging.step, found.tagging.before) == ("moves", sha256(body("old")))
    point(found, {"a", "b"}, PATH, outside)
    again = planned(outside, fixed=True)
    assert (again.tagging.step, again.left) == ("same", "")
    puts = len(server.seen("PUT"))
    assert point(again, {"a", "b"}, PATH, outside).done
    assert len(server.seen("PUT")) == puts


def test_an_index_has_an_image_for_each_platform(server, outside):
    for name in ("a", "b"):
        keep(server, name, name)
    assert point(planned(outside, BOTH), {"a", "b"}, PATH, outside).done
    content, kind = server.manifests[PATH]["latest"]
    index = json.loads(content)
    assert kind == index["mediaType"] == INDEX
    assert index["manifests"] == [
        {
            "mediaType": MANIFEST,
            "digest": sha256(body(name)),
            "size": len(body(name)),
            "platform": {"architecture": architecture, "os": "linux"},
        }
        for name, architecture in (("a", "amd64"), ("b", "arm64"))
    ]


@pytest.mark.parametrize("aim", [AIM, BOTH])
def test_a_cell_that_may_not_be_published_leaves_it_where_it_is(server, outside, aim):
    keep(server, "old")
    found = planned(outside, aim, {"b": PRESENT["b"]})
    assert found.left == "not all of its cells are published: a"
    done = point(found, {"b"}, PATH, outside)
    assert (done.done, done.exit_code, named(server)) == (False, 0, body("old"))


@pytest.mark.parametrize("aim", [AIM, BOTH])
def test_a_cell_whose_publishing_failed_leaves_it_where_it_is(server, outside, aim):
    done = point(planned(outside, aim), {"b"}, PATH, outside)
    assert (done.done, done.left) == (False, "not all of its cells are published: a")
    assert named(server) is None


def test_how_many_are_missing_is_told(outside):
    wide = dataclasses.replace(AIM, cells=("a", "b", "c", "d"))
    assert planned(outside, wide).left == "not all of its cells are published: c and 1 more"


def test_one_that_must_not_move_does_not(server, outside):
    keep(server, "old")
    found = planned(outside, fixed=True)
    assert "must not move" in found.left
    assert "--force latest" in found.left
    done = point(found, {"a", "b"}, PATH, outside)
    assert (done.done, done.exit_code, named(server)) == (False, 1, body("old"))


def test_a_registry_that_fails_is_raised(server, outside):
    found = planned(outside)
    server.faults.append(Fault("PUT", "/manifests/latest", error(403, "DENIED"), times=99))
    with pytest.raises(OutsideError, match="denied"):
        point(found, {"a", "b"}, PATH, outside)


def test_another_run_s_image_counts_if_it_is_of_the_same_inputs(server, outside):
    keep(server, "a", "cell-a")
    wanted = Other(platform="linux/amd64", tag="cell-a", inputs="a")
    assert there(wanted, PATH, outside) == PRESENT["a"]
    assert there(dataclasses.replace(wanted, inputs="x"), PATH, outside) is None
    assert there(dataclasses.replace(wanted, tag="gone"), PATH, outside) is None


@pytest.mark.parametrize(
    "content", [b"{}", b'{"annotations": 3}', json.dumps({"mediaType": INDEX, "annotations": {INPUTS: "a"}})]
)
def test_what_is_no_image_of_ours_does_not_count(server, outside, content):
    content = content.encode() if isinstance(content, str) else content
    server.manifests[PATH] = {"cell-a": (content, MANIFEST)}
    if b"mediaType" in content:
        server.manifests[PATH]["cell-a"] = (content, INDEX)
    assert there(Other(platform="linux/amd64", tag="cell-a", inputs="a"), PATH, outside) is None
