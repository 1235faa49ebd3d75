"""One shape, three engines: the same cases against the dry one, Docker and Podman."""

import os
import sys
import threading
from pathlib import Path

import pytest

from builder.engine.api import Engine, Entry, Progress, RunRequest
from builder.engine.dry import DryEngine
from builder.errors import InputError, InterruptedByUserError, OutsideError

sys.path.append(str(Path(__file__).parents[1] / "real"))
import engine_members
from engine_layers import assembled, layer, tar

NEVER = threading.Event()
SET = threading.Event()
SET.set()
RUN = f"shapes-{os.getpid()}"
BASE, BUILT, OTHER = (
    f"envbuild-test/engine-shape-{name}-{os.getpid()}:1" for name in ("base", "built", "other")
)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(
    scope="module",
    params=[
        "dry",
        pytest.param("docker", marks=pytest.mark.real),
        pytest.param("podman", marks=pytest.mark.real),
    ],
)
def engine(request, tmp_path_factory):
    found: Engine = DryEngine() if request.param == "dry" else engine_members.member(request.param)
    rootfs = engine_members.tiny_rootfs(tmp_path_factory.mktemp("tiny"))
    engine_members.brought(found, rootfs, BASE, {"org.envbuild.test": "base"})
    yield found
    engine_members.remove_made(found)
    for name in (OTHER, BUILT, BASE):
        found.untag(name)
    found.close()


@pytest.fixture
def built(engine):
    yield engine.build(
        engine_members.request(f"FROM {BASE}\nRUN true\n", tag=BUILT, labels={"l": "1"}), print, NEVER
    )
    engine.untag(BUILT)


def test_about_says_who_answers(engine, request):
    about = engine.about()
    assert about.kind == request.node.callspec.params["engine"]
    assert about.version
    assert about.buildkit == (about.kind != "podman")
    assert about.arch in {"x86_64", "aarch64"}


def test_an_unknown_image_is_none(engine):
    assert engine.find("envbuild-test/nowhere:1") is None
    assert engine.find("sha256:" + "0" * 64) is None


def test_an_imported_image_is_found_by_name_and_id(engine):
    by_name = engine.find(BASE)
    assert by_name is not None
    assert by_name == engine.find(by_name.id)
    assert by_name.id.startswith("sha256:")
    assert BASE in by_name.tags
    assert ("org.envbuild.test", "base") in by_name.labels


def test_a_built_image_has_name_and_labels(engine, built):
    found = engine.find(BUILT)
    assert found is not None
    assert found.id == built
    assert BUILT in found.tags
    assert ("l", "1") in found.labels


def test_a_build_without_a_name_is_found_by_id(engine):
    image = engine.build(engine_members.request(f"FROM {BASE}\nENV A=b\n"), print, NEVER)
    found = engine.find(image)
    assert found is not None
    assert found.tags == ()
    engine.untag(image)


def test_steps_are_told_from_their_start_to_their_end(engine):
    said: list[Progress] = []
    image = engine.build(engine_members.request(f"FROM {BASE}\nRUN true || false\n"), said.append, NEVER)
    steps = [progress for progress in said if "RUN true || false" in progress.step]
    assert steps
    assert [progress.done for progress in steps] == sorted(progress.done for progress in steps)
    assert steps[-1].done
    engine.untag(image)


def test_a_context_needs_a_dockerfile(engine):
    with pytest.raises(InputError, match="Dockerfile"):
        engine.build(engine_members.request("", context=(Entry(path="x", content=b""),)), print, NEVER)


def test_a_build_that_is_interrupted_before_it_starts(engine):
    with pytest.raises(InterruptedByUserError):
        engine.build(engine_members.request(f"FROM {BASE}\n", tag=OTHER), print, SET)
    assert engine.find(OTHER) is None


def test_names_come_and_go(engine, built):
    engine.tag(built, OTHER)
    assert {BUILT, OTHER} <= set(engine.find(built).tags)
    engine.untag(OTHER)
    assert engine.find(OTHER) is None
    assert engine.find(built) is not None
    engine.untag(OTHER)


def test_a_name_moves_to_the_image_that_gets_it_last(engine, built):
    base = engine.find(BASE).id
    engine.tag(built, OTHER)
    engine.tag(base, OTHER)
    assert engine.find(OTHER).id == base
    assert OTHER not in engine.find(built).tags
    engine.untag(OTHER)


def test_the_last_name_takes_the_image_with_it(engine):
    dockerfile = f"FROM {BASE}\nLABEL only={os.urandom(8).hex()}\n"
    image = engine.build(engine_members.request(dockerfile, tag=OTHER), print, NEVER)
    engine.untag(OTHER)
    assert engine.find(image) is None


def test_an_unknown_image_cannot_be_named_run_or_read(engine):
    with pytest.raises(OutsideError, match="nowhere"):
        engine.tag("envbuild-test/nowhere:1", OTHER)
    with pytest.raises(OutsideError, match="nowhere"):
        engine.run(RunRequest(image="envbuild-test/nowhere:1", command=("true",)), print, NEVER)
    with pytest.raises(OutsideError, match="nowhere"):
        list(engine.read_layers("envbuild-test/nowhere:1"))


@pytest.fixture
def put_together(tmp_path):
    layers = tuple(layer(tmp_path, tar({name: os.urandom(99)})) for name in ("opt/a", "b"))
    return assembled(layers, {"org.envbuild.cell": RUN})


def test_an_image_that_was_put_together_is_found_by_what_load_returns(engine, put_together):
    ident = engine.load(put_together, print, NEVER)
    found = engine.find(ident)
    assert found.id == ident
    assert found.tags == ()
    assert found.layers == tuple(each.diff_id for each in put_together.layers)
    assert ident in (put_together.id, put_together.manifest_id)
    engine.tag(ident, OTHER)
    assert engine.find(OTHER).id == ident
    engine.untag(OTHER)
    assert engine.find(ident) is None


def test_loading_once_more_changes_nothing(engine, put_together):
    said: list[Progress] = []
    ident = engine.load(put_together, print, NEVER)
    assert engine.load(put_together, said.append, NEVER) == ident
    assert [(progress.done, progress.cached) for progress in said] == [(True, True)]
    engine.untag(ident)


def test_a_load_that_is_interrupted_before_it_starts(engine, put_together):
    with pytest.raises(InterruptedByUserError):
        engine.load(put_together, print, SET)
    assert engine.find(put_together.id) is None
    assert engine.find(put_together.manifest_id) is None


def test_images_are_listed_by_their_label(engine, put_together):
    ident = engine.load(put_together, print, NEVER)
    engine.tag(ident, OTHER)
    (found,) = engine.labelled(f"org.envbuild.cell={RUN}")
    assert (found.id, found.tags) == (ident, (OTHER,))
    assert ("org.envbuild.cell", RUN) in found.labels
    assert ident in {each.id for each in engine.labelled("org.envbuild.cell")}
    assert engine.labelled("org.envbuild.cell=nowhere") == ()
    engine.untag(OTHER)


def test_an_unknown_image_has_no_layers(engine, tmp_path):
    with pytest.raises(OutsideError, match="nowhere"):
        engine.save("envbuild-test/nowhere:1", (), tmp_path)


def test_a_container_ends(engine):
    end = engine.run(RunRequest(image=BASE, command=("true",)), print, NEVER)
    assert (end.exit_code, end.stdout, end.stderr) == (0, b"", b"")
    assert not end.timed_out


def test_a_container_that_is_interrupted_before_it_starts(engine):
    with pytest.raises(InterruptedByUserError):
        engine.run(RunRequest(image=BASE, command=("true",)), print, SET)


def test_this_process_leaves_nothing_to_sweep(engine):
    engine.run(RunRequest(image=BASE, command=("true",)), print, NEVER)
    engine.sweep()
    assert engine.sweep() == 0


@pytest.mark.real
@pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)
def test_layers_are_a_tar_with_the_base_in_it(engine):
    saved = b"".join(engine.read_layers(BASE))
    assert b"manifest.json" in saved
    assert len(saved) > 1_000_000


def test_what_is_not_there_is_not_pushed(engine):
    with pytest.raises(OutsideError, match="envbuild-test/nowhere"):
        engine.push("127.0.0.1:9/envbuild-test/nowhere:1", {}, print, NEVER)


def test_a_push_that_is_interrupted_before_it_starts(engine):
    engine.tag(BASE, name := f"127.0.0.1:9/{OTHER}")
    with pytest.raises(InterruptedByUserError):
        engine.push(name, {}, print, SET)
    engine.untag(name)
