"""The config that is written here: an allow-list, one order, and the image's ID."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from builder.engine.api import LayerFile
from builder.image.assembly import Part, assemble
from builder.recipe import Configured

EPOCH = 1_700_000_000
PARTS = tuple(
    Part(label=label, layer=LayerFile(diff_id=f"sha256:{sign * 64}", size=1024, path=Path(sign)))
    for label, sign in (("torch 2.8.0", "a"), ("base debian:12", "b"))
)
EMPTY = Configured(env=(), labels=())
WHOLE = Configured(
    env=(("PATH", "/opt/env/bin"), ("A", "ä")),
    labels=(("b", "2"), ("a", "1")),
    user="1000",
    work_dir="/home/app",
    entrypoint=("/bin/entry",),
    command=("python", "-q"),
    ports=("80", "53/udp"),
    volumes=("/data",),
    stop_signal="SIGINT",
)


def body(configured: Configured = WHOLE, arch: str = "x86_64", epoch: int = EPOCH) -> dict:
    found: dict = json.loads(assemble(PARTS, configured, arch, epoch).config)
    return found


def test_the_id_is_the_sha256_of_the_config():
    image = assemble(PARTS, WHOLE, "x86_64", EPOCH)
    assert image.id == f"sha256:{hashlib.sha256(image.config).hexdigest()}"
    assert image.layers == tuple(part.layer for part in PARTS)


def test_the_config_has_what_is_known_to_be_harmless_and_nothing_else():
    when = "2023-11-14T22:13:20Z"
    assert body() == {
        "architecture": "amd64",
        "config": {
            "Cmd": ["python", "-q"],
            "Entrypoint": ["/bin/entry"],
            "Env": ["PATH=/opt/env/bin", "A=ä"],
            "ExposedPorts": {"53/udp": {}, "80/tcp": {}},
            "Labels": {"a": "1", "b": "2"},
            "StopSignal": "SIGINT",
            "User": "1000",
            "Volumes": {"/data": {}},
            "WorkingDir": "/home/app",
        },
        "created": when,
        "history": [
            {"created": when, "created_by": "envbuild: torch 2.8.0"},
            {"created": when, "created_by": "envbuild: base debian:12"},
        ],
        "os": "linux",
        "rootfs": {"diff_ids": [f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"], "type": "layers"},
    }


def test_the_config_s_bytes_are_one_form_of_ascii():
    text = assemble(PARTS, WHOLE, "x86_64", EPOCH).config
    assert text.isascii()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode()


def test_what_is_empty_is_left_out():
    assert body(EMPTY)["config"] == {}


def test_other_architectures_have_images_names():
    assert body(arch="aarch64")["architecture"] == "arm64"
    with pytest.raises(KeyError):
        body(arch="mips")


@pytest.mark.parametrize("name", [field.name for field in fields(Configured)])
def test_everything_configured_counts(name):
    other = replace(WHOLE, **{name: getattr(EMPTY, name)})
    assert assemble(PARTS, other, "x86_64", EPOCH).id != assemble(PARTS, WHOLE, "x86_64", EPOCH).id


def test_order_counts_where_it_means_something():
    """Of the environment and the layers it does, of labels it does not."""

    def ident(parts=PARTS, **changes):
        return assemble(parts, replace(WHOLE, **changes), "x86_64", EPOCH).id

    assert ident(labels=WHOLE.labels[::-1]) == ident()
    assert ident(env=WHOLE.env[::-1]) != ident()
    assert ident(parts=PARTS[::-1]) != ident()


def test_the_epoch_and_the_labels_of_layers_count():
    one, other = assemble(PARTS, WHOLE, "x86_64", EPOCH), assemble(PARTS, WHOLE, "x86_64", EPOCH + 1)
    named = assemble((replace(PARTS[0], label="x"), PARTS[1]), WHOLE, "x86_64", EPOCH)
    assert len({one.id, other.id, named.id}) == 3


def test_where_the_layers_lie_does_not_count():
    moved = tuple(replace(part, layer=replace(part.layer, path=Path("elsewhere"))) for part in PARTS)
    assert assemble(moved, WHOLE, "x86_64", EPOCH).id == assemble(PARTS, WHOLE, "x86_64", EPOCH).id
