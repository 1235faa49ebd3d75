"""Images for another platform, on a real engine and a real registry.

They say that they are for arm64, but have this machine's programs, so that they run without emulation.
"""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import engine_members
import pytest
import registry

from builder.cell import Aim
from builder.engine.api import Assembled, Engine, LayerFile
from builder.registry import connect
from builder.registry.api import Blob
from builder.registry.api import Registry as Client
from builder.release import Outside, Present, point, pointer

pytestmark = pytest.mark.real
NEVER = threading.Event()
PATH = "team/both"
PLATFORMS = {"a": "linux/amd64", "b": "linux/arm64"}
AIM = Aim(tag="both", means=("a", "b"), cells=("a", "b"), index=True)


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> LayerFile:
    tar = engine_members.tiny_rootfs(tmp_path_factory.mktemp("platforms"))
    content = tar.read_bytes()
    return LayerFile(diff_id=f"sha256:{hashlib.sha256(content).hexdigest()}", size=len(content), path=tar)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[registry.Registry]:
    with registry.running(tmp_path / "registry") as found:
        yield found


@pytest.fixture
def images(rootfs: LayerFile, request: pytest.FixtureRequest) -> dict[str, Assembled]:
    """One per platform, that no engine had before."""
    labels = {"org.envbuild.test": request.node.name}
    return {name: Assembled.of_rootfs(rootfs, platform, labels) for name, platform in PLATFORMS.items()}


def test_a_base_for_another_platform_is_built_upon(either: Engine, rootfs: LayerFile) -> None:
    name = "envbuild-test/platform:1"
    either.tag(
        either.load(Assembled.of_rootfs(rootfs, "linux/arm64", {}), lambda progress: None, NEVER), name
    )
    try:
        base = either.find(name)
        assert base is not None
        assert base.platform == "linux/arm64"
        asked = engine_members.request(f"FROM {name}\nRUN true > /made\n", platform="linux/arm64")
        image = either.find(either.build(asked, lambda progress: None, NEVER))
        assert image is not None
        assert image.platform == "linux/arm64"
        assert image.layers[: len(base.layers)] == base.layers
    finally:
        engine_members.remove_made(either)
        either.untag(name)


def test_an_engine_gets_its_platform_s_image_by_the_tag_of_both(
    engine: Engine, images: dict[str, Assembled], place: registry.Registry
) -> None:
    reference = f"{place.address}/{PATH}:both"
    with closing(connect(place.address, environ={"HOME": "/nowhere"})) as client:
        outside = Outside(registry=client, packing=None, ports=SimpleNamespace(go_on=lambda: None))  # type: ignore[arg-type]
        present: dict[str, Present] = {}
        for name, image in images.items():
            half = pointer(AIM, present, PATH, outside, fixed=False)
            assert point(half, present, PATH, outside).left.startswith("not all of its cells are published")
            assert client.manifest(PATH, "both") is None  # no tag on a part
            send(client, image)
            present[name] = Present(platform=PLATFORMS[name], body=image.manifest)
        made = point(pointer(AIM, present, PATH, outside, fixed=False), present, PATH, outside)
        assert made.done
        found = client.manifest(PATH, "both")
        assert found is not None
        told = json.loads(found.body)["manifests"]
        assert [one["platform"]["architecture"] for one in told] == ["amd64", "arm64"]
    try:
        for name, platform in PLATFORMS.items():
            pulled = engine.pull(reference, platform, lambda progress: None)
            assert (pulled.id, pulled.platform) == (images[name].id, platform)
            engine.untag(reference)
    finally:
        for image in images.values():
            engine.untag(image.id)


def send(client: Client, image: Assembled) -> None:
    """An image with its layer as it is."""
    (layer,) = image.layers
    config = Blob(digest=image.id, size=len(image.config), open=lambda: io.BytesIO(image.config))
    content = Blob(digest=layer.diff_id, size=layer.size, open=lambda: layer.path.open("rb"))
    for blob in (config, content):
        client.send(PATH, blob, lambda *_: None)
    client.put(PATH, image.manifest, registry.OCI)
