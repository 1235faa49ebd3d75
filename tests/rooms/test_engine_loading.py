"""What is sent to an engine that has some of the layers, and what is made of its answers."""

import io
import json
import shutil
import sys
import tarfile
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from engine_daemon import VERSION, Daemon, Request, lines, refusal, serve

from builder.engine import connect
from builder.errors import OutsideError

sys.path.append(str(Path(__file__).parents[1] / "real"))
from engine_layers import assembled, layer, tar

NEVER = threading.Event()
LOADED = lines({"stream": "Loaded image"})
CONTAINERD = {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
LOST = {"message": "open /d/tmp/docker-import-1/blobs/sha256/00: no such file or directory"}
UNPACKING = "Error unpacking image sha256:1: failed to extract: content digest sha256:00: not found\n"

pytestmark = pytest.mark.timeout(60)


class Store:
    """The images of a scripted daemon; loading adds `arrives` if the answer says nothing else."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon, self.images, self.arrives, self.says = daemon, {}, None, [LOADED]
        daemon.answers.update({"/images/json": self._list, "/images/load": self._load})

    def has(self, ident: str, layers: tuple[str, ...], label: str = "org.envbuild.cell") -> None:
        self.images[ident] = label
        found = {"Id": ident, "RootFS": {"Layers": layers}, "Config": {"Labels": {label: "x"}}}
        self.daemon.answers[f"/images/{ident}/json"] = lambda request: lines(found)
        self.daemon.answers[f"/images/{ident}"] = lambda request: self._remove(ident)

    def sent(self) -> list[set[str]]:
        """The layers of each archive that came."""
        bodies = [request.body for request in self.daemon.to("/images/load")]
        return [set(self._members(body)) for body in bodies]

    def _members(self, body: bytes) -> list[str]:
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            (told,) = json.load(archive.extractfile("manifest.json"))
            return [name for name in archive.getnames() if name in told["Layers"]]

    def _list(self, request: Request):
        (wanted,) = json.loads(request.query["filters"][0])["label"]
        return lines([{"Id": ident} for ident, label in self.images.items() if label == wanted])

    def _load(self, request: Request):
        answer = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if answer is LOADED and self.arrives:
            self.has(*self.arrives)
        return answer

    def _remove(self, ident: str):
        self.daemon.answers[f"/images/{ident}/json"] = refusal(404, "no such image")
        return lines([])


@pytest.fixture
def daemon():
    folder = Path(tempfile.mkdtemp(prefix="envbuild", dir="/tmp"))
    with serve(folder) as found:
        yield found
    shutil.rmtree(folder)


@pytest.fixture
def store(daemon):
    return Store(daemon)


@pytest.fixture
def layers(tmp_path):
    return tuple(layer(tmp_path, tar({name: b"x"})) for name in "abcd")


def names(layers) -> tuple[str, ...]:
    return tuple(each.diff_id for each in layers)


def blobs(layers) -> set[str]:
    return {f"blobs/sha256/{each.diff_id[7:]}" for each in layers}


def load_all(store, images, meet=lambda: None) -> None:
    """All at once, into one engine that keeps what it gets; `meet` is called while an image comes in."""

    def keep(request: Request):
        meet()
        with tarfile.open(fileobj=io.BytesIO(request.body)) as archive:
            (told,) = json.load(archive.extractfile("manifest.json"))
            config = json.load(archive.extractfile(told["Config"]))
        ident = f"sha256:{told['Config'].rpartition('/')[2]}"
        store.has(ident, tuple(config["rootfs"]["diff_ids"]))
        return LOADED

    for image in images:
        store.daemon.answers[f"/images/{image.id}/json"] = refusal(404, "no such image")
    store.daemon.answers["/images/load"] = keep
    engine = connect(store.daemon.address)
    with ThreadPoolExecutor(len(images)) as pool:
        futures = [pool.submit(engine.load, image, lambda progress: None, NEVER) for image in images]
    engine.close()
    assert [future.result() for future in futures] == [image.id for image in images]


def load(store, image, *, by=None) -> str:
    ident = by or image.id
    store.arrives = store.arrives or (ident, names(image.layers))
    engine = connect(store.daemon.address)
    found = engine.load(image, lambda progress: None, NEVER)
    engine.close()
    return found


def test_an_empty_store_gets_everything(store, layers):
    image = assembled(layers, {})
    assert load(store, image) == image.id
    assert store.sent() == [blobs(layers)]


def test_the_longest_common_beginning_is_not_sent(store, layers):
    a, b, c, d = names(layers)
    store.has("sha256:one", (a,))
    store.has("sha256:two", (a, b, d), "org.envbuild.carrier")
    store.has("sha256:three", (c, a, b, d))
    load(store, assembled(layers, {}))
    assert store.sent() == [blobs(layers[2:])]


def test_images_that_share_nothing_new_come_in_at_the_same_time(store, layers):
    a, b, c, _ = layers
    store.has("sha256:one", names([a]), "org.envbuild.carrier")
    both = threading.Barrier(2)
    load_all(store, [assembled([a, b], {}), assembled([a, c], {})], lambda: both.wait(30))
    assert sorted(map(sorted, store.sent())) == sorted(map(sorted, (blobs([b]), blobs([c]))))


def test_what_two_images_lack_first_is_sent_once(store, layers):
    a, b, c, _ = layers
    load_all(store, [assembled([a, b], {}), assembled([a, c], {})])
    first, second = store.sent()
    assert first in (blobs([a, b]), blobs([a, c]))
    assert second == blobs([b, c]) - first


def test_podman_gets_one_image_at_a_time(store, layers):
    store.daemon.answers["/version"] = lines(VERSION | {"Components": [{"Name": "Podman Engine"}]})
    met, both = [], threading.Barrier(2)

    def meet():
        with suppress(threading.BrokenBarrierError):
            met.append(both.wait(0.3))

    load_all(store, [assembled([one], {}) for one in layers[:2]], meet)
    assert not met


def test_a_relative_counts_too(store, layers):
    store.has("debian:12", names(layers)[:1], "of.somebody.else")
    load(store, assembled(layers, {}, relatives=("debian:12", "gone:1")))
    assert store.sent() == [blobs(layers[1:])]


def test_an_image_of_others_is_not_looked_at(store, layers):
    store.has("sha256:other", names(layers)[:1], "of.somebody.else")
    load(store, assembled(layers, {}))
    assert store.sent() == [blobs(layers)]


def test_containerds_store_knows_layers_wherever_they_lie(store, layers):
    store.daemon.answers["/info"] = lines(CONTAINERD)
    store.has("sha256:one", names(layers)[1:3])
    image = assembled(layers, {}, relatives=("debian:12",))
    store.has("debian:12", names(layers)[:1], "of.somebody.else")  # compressed there: of no use
    assert load(store, image, by=image.manifest_id) == image.manifest_id
    assert store.sent() == [blobs((layers[0], layers[3]))]


def test_an_image_that_is_there_is_not_sent_at_all(store, layers):
    image = assembled(layers, {})
    store.has(image.id, names(layers))
    assert load(store, image) == image.id
    assert store.sent() == []


@pytest.mark.parametrize("answer", [lines({"errorDetail": LOST}), refusal(500, LOST["message"])])
def test_a_layer_that_is_missing_after_all_is_sent_with_all_others(store, layers, answer):
    store.has("sha256:one", names(layers)[:2])
    store.says = [answer, LOADED]
    load(store, assembled(layers, {}))
    assert store.sent() == [blobs(layers[2:]), blobs(layers)]


def test_what_containerd_calls_loaded_but_cannot_unpack_is_sent_again(store, layers):
    store.daemon.answers["/info"] = lines(CONTAINERD)
    store.has("sha256:one", names(layers)[:2])
    image = assembled(layers, {})
    store.has(image.manifest_id, ())  # the rest of a load that was broken off
    store.says = [lines({"stream": "Loaded image ID: x\n"}, {"stream": UNPACKING}), LOADED]
    assert load(store, image, by=image.manifest_id) == image.manifest_id
    assert store.sent()[1] == blobs(layers)
    assert [request.method for request in store.daemon.to(f"/images/{image.manifest_id}")] == ["DELETE"]


def test_an_error_within_a_good_answer_fails_and_nothing_is_sent_again(store, layers):
    store.says = [lines({"errorDetail": {"message": "invalid diffID for layer 1: expected x, got y"}})]
    with pytest.raises(OutsideError, match=r"loading the image failed .*invalid diffID"):
        load(store, assembled(layers, {}))
    store.says = [lines({"errorDetail": LOST})]
    with pytest.raises(OutsideError, match="no such file"):
        load(store, assembled(layers, {}))
    assert len(store.sent()) == 2


def test_another_image_than_was_sent_is_a_failure(store, layers):
    image = assembled(layers, {})
    store.arrives = ("sha256:other", names(layers))
    with pytest.raises(OutsideError, match="no such image"):
        load(store, image)
    store.arrives = (image.id, names(layers)[:1])
    with pytest.raises(OutsideError, match="no such image"):
        load(store, image)


def test_images_with_a_label_are_listed_by_one_question(daemon):
    listed = {"Id": "1" * 64, "RepoTags": ["<none>:<none>"], "Labels": {"l": "1"}, "Created": 7, "Size": 9}
    daemon.answers["/images/json"] = lines([listed, {"Id": "sha256:2", "RepoTags": ["localhost/a:1"]}])
    engine = connect(daemon.address)
    first, second = engine.labelled("l=1")
    engine.close()
    assert (first.id, first.tags, first.labels) == (f"sha256:{'1' * 64}", (), (("l", "1"),))
    assert (first.created, first.size, second.tags) == (7, 9, ("a:1",))
    (asked,) = daemon.to("/images/json")
    assert json.loads(asked.query["filters"][0]) == {"label": ["l=1"]}
