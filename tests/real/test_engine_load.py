"""Images that were put together here, in real engines: they arrive, run, and come out as they went in."""

import os
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from engine_layers import assembled, layer, tar
from engine_members import request

from builder.engine.api import Assembled, Engine, Progress, RunRequest
from builder.errors import InterruptedByUserError, OutsideError

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
NEVER = threading.Event()
LABELS = {"org.envbuild.cell": f"load-{os.getpid()}"}


@pytest.fixture
def base(either, tiny, tmp_path):
    """The layers of a base that has programs, from the engine itself."""
    (tmp_path / "base").mkdir()
    return either.save(tiny, (), tmp_path / "base")


@pytest.fixture
def own(tmp_path):
    return tuple(layer(tmp_path, tar({f"opt/{name}": os.urandom(50_000)})) for name in "abc")


def load(engine: Engine, image: Assembled) -> tuple[str, int]:
    """The name that the engine knows it by, and how many bytes were to be sent."""
    said: list[Progress] = []
    ident = engine.load(image, said.append, NEVER)
    return ident, max(progress.total or 0 for progress in said if progress.step == "load the image")


def contents(engine: Engine, ident: str, *paths: str) -> bytes:
    end = engine.run(RunRequest(image=ident, command=("/bin/cat", *paths)), lambda piece: None, NEVER)
    assert end.exit_code == 0, end.stderr
    return end.stdout


def lost(engine: Engine, image: Assembled) -> bool:
    return engine.find(image.id) is None and engine.find(image.manifest_id) is None


def test_an_environment_below_the_base_runs(either, base, own):
    ident, sent = load(either, assembled((*own, *base), LABELS))
    assert sent > sum(each.size for each in own)
    assert len(contents(either, ident, "/opt/a", "/opt/b", "/opt/c")) == 150_000
    either.untag(ident)


def test_layers_that_it_has_are_not_sent_and_outlive_their_first_image(either, base, own, tmp_path):
    first, _ = load(either, assembled((*own[:2], *base), LABELS))
    image = assembled((*own[:2], *base, own[2]), LABELS)
    second, sent = load(either, image)
    assert own[2].size < sent < own[2].size + 20_000
    either.untag(first)
    assert len(contents(either, second, "/opt/a", "/opt/c")) == 100_000
    (tmp_path / "again").mkdir()
    out = either.save(second, (own[0].diff_id,), tmp_path / "again")
    wanted = (*own[1:2], *base, own[2])
    assert [each.diff_id for each in out] == [each.diff_id for each in wanted]
    assert [each.path.read_bytes() for each in out] == [each.path.read_bytes() for each in wanted]
    either.untag(second)


def test_a_base_of_its_own_is_a_relative(either, tiny, base, own):
    ident, sent = load(either, assembled((*base, own[0]), LABELS, relatives=(tiny,)))
    assert len(contents(either, ident, "/opt/a")) == 50_000
    if ident == assembled((*base, own[0]), LABELS).id:  # containerd's store may hold it compressed only
        assert sent < own[0].size + 20_000
    either.untag(ident)


def test_layers_that_are_missing_after_all_are_sent(either, tiny, base, own):
    # Another image of ours has the layer, but is gone when it is needed: told by a list that is too old.
    loader = either._loader
    first, _ = load(either, assembled((*own[:2], *base), LABELS))
    known = loader._layers_of(either.find(first))
    either.untag(first)
    marker, _ = load(either, assembled((layer(own[0].path.parent, tar({"x": os.urandom(9)})),), LABELS))
    loader._layers[marker] = known
    ident, sent = load(either, assembled((*own, *base), LABELS))
    assert sent > sum(each.size for each in own)
    assert len(contents(either, ident, "/opt/a")) == 50_000
    for each in (marker, ident):
        either.untag(each)


def test_a_layer_with_other_bytes_than_its_digest_is_refused_and_nothing_stays(either, base, own):
    other = tar({"opt/b": os.urandom(50_000)})
    own[1].path.write_bytes(other)
    image = assembled((*own, *base), LABELS)
    with pytest.raises(OutsideError, match="loading the image"):
        either.load(image, print, NEVER)
    assert lost(either, image)


def test_a_config_that_names_other_layers_is_refused(either, base, own):
    image = replace(assembled((*own, *base), LABELS), layers=(own[1], own[0], own[2], *base))
    with pytest.raises(OutsideError, match="loading the image"):
        either.load(image, print, NEVER)
    assert lost(either, image)


def test_an_interruption_while_it_is_sent(either, tmp_path, base):
    cancel = threading.Event()
    endless = layer(tmp_path, b"x")
    os.truncate(endless.path, 1 << 42)  # sparse: no disk, and years to send
    image = assembled((*base, replace(endless, size=1 << 42)), LABELS)

    def on_progress(progress: Progress) -> None:
        if (progress.current or 0) > 30_000_000:
            cancel.set()

    with pytest.raises(InterruptedByUserError):
        either.load(image, on_progress, cancel)
    assert lost(either, image)


def test_what_a_build_adds_comes_out_and_goes_in_again(either, tiny, base, own, tmp_path):
    built = either.build(
        request(f"FROM {tiny}\nRUN echo built > /made\nRUN echo more > /more\n"), print, NEVER
    )
    (tmp_path / "built").mkdir()
    layers = either.save(built, tuple(each.diff_id for each in base), tmp_path / "built")
    assert 1 <= len(layers) <= 2  # Podman makes one of all steps
    ident, _ = load(either, assembled((*own, *base, *layers), LABELS))
    assert contents(either, ident, "/made", "/more") == b"built\nmore\n"
    for each in (ident, built):
        with suppress(OutsideError):
            either.untag(each)
