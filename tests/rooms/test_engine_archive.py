"""The archive that every engine takes."""

import hashlib
import io
import json
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from builder.engine import archive
from builder.errors import InterruptedByUserError, OutsideError

sys.path.append(str(Path(__file__).parents[1] / "real"))
from engine_layers import assembled, layer, tar

NEVER = threading.Event()


@pytest.fixture
def layers(tmp_path):
    return tuple(layer(tmp_path, tar({name: name.encode() * 1000})) for name in ("a", "b"))


def members(image, without=()) -> dict[str, bytes]:
    written = b"".join(archive.stream(image, without, lambda progress: None, NEVER))
    with tarfile.open(fileobj=io.BytesIO(written)) as found:
        return {member.name: found.extractfile(member).read() for member in found if member.isreg()}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_docker_finds_config_and_layers_by_their_names(layers):
    image = assembled(layers, {})
    found = members(image)
    (told,) = json.loads(found["manifest.json"])
    assert told["RepoTags"] is None
    assert found[told["Config"]] == image.config
    assert image.id == f"sha256:{digest(image.config)}"
    assert [digest(found[name]) for name in told["Layers"]] == [each.diff_id[7:] for each in layers]


def test_an_oci_reader_finds_the_same_by_digest(layers):
    image = assembled(layers, {})
    found = members(image)
    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (listed,) = json.loads(found["index.json"])["manifests"]
    assert listed["digest"] == image.manifest_id
    manifest = found[f"blobs/sha256/{image.manifest_id[7:]}"]
    assert (digest(manifest), len(manifest)) == (image.manifest_id[7:], listed["size"])
    for told in (json.loads(manifest)["config"], *json.loads(manifest)["layers"]):
        blob = found[f"blobs/sha256/{told['digest'][7:]}"]
        assert (digest(blob), len(blob)) == (told["digest"][7:], told["size"])
    assert not [key for key in listed if key == "annotations"], "a name would be put on the image"


def test_layers_that_are_there_are_named_and_not_sent(layers):
    image = assembled(layers, {})
    found = members(image, {layers[0].diff_id})
    assert f"blobs/sha256/{layers[0].diff_id[7:]}" not in found
    assert f"blobs/sha256/{layers[1].diff_id[7:]}" in found
    assert len(json.loads(found["manifest.json"])[0]["Layers"]) == 2


def test_a_layer_that_comes_twice_is_sent_once(layers):
    image = assembled((*layers, layers[0]), {})
    assert archive.missing(image, ()) == layers
    assert len(json.loads(members(image)["manifest.json"])[0]["Layers"]) == 3


def test_progress_counts_to_the_end(layers):
    said = []
    list(archive.stream(assembled(layers, {}), (), said.append, NEVER))
    counted = [progress.current for progress in said]
    assert counted == sorted(counted)
    assert counted[0] == 0
    assert {progress.total for progress in said} == {counted[-1]}
    assert counted[-1] > sum(each.size for each in layers)


def test_a_layer_that_is_gone_or_another_is_told_before_anything_is_sent(layers):
    image = assembled(layers, {})
    layers[1].path.write_bytes(b"short")
    with pytest.raises(OutsideError, match="has 5 bytes"):
        next(archive.stream(image, (), lambda progress: None, NEVER))
    layers[1].path.unlink()
    with pytest.raises(OutsideError, match="cannot be read"):
        next(archive.stream(image, (), lambda progress: None, NEVER))
    assert next(archive.stream(image, {layers[1].diff_id}, lambda progress: None, NEVER))


def test_an_interruption_ends_it(layers):
    cancel = threading.Event()
    pieces = archive.stream(assembled(layers, {}), (), lambda progress: None, cancel)
    next(pieces)
    cancel.set()
    with pytest.raises(InterruptedByUserError):
        list(pieces)
