"""The bill of materials in CycloneDX: valid, exact, and the same bytes for equal inputs."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from test_papers_parts import DEBIAN, LONG, PINS, ROCKY, SUBJECT

from builder.papers import cyclonedx

IN_ANOTHER_PROCESS = """
import sys
from test_papers_parts import DEBIAN, PINS, SUBJECT
from builder.papers import cyclonedx, spdx
for kind in (cyclonedx, spdx):
    sys.stdout.buffer.write(kind.document(DEBIAN, SUBJECT, set(PINS)))
"""


def body(contents=DEBIAN, subject=SUBJECT, pins=PINS) -> dict:
    found: dict = json.loads(cyclonedx.document(contents, subject, pins))
    return found


def component(name: str, **more) -> dict:
    return next(one for one in body(**more)["components"] if one["name"] == name)


@pytest.mark.parametrize("contents", [DEBIAN, ROCKY], ids=["dpkg", "rpm"])
def test_the_format_s_own_library_finds_it_valid(contents):
    text = cyclonedx.document(contents, SUBJECT, PINS).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_the_library_would_say_what_is_wrong():
    wrong = {**body(), "serialNumber": "1"}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(wrong)) is not None


@pytest.mark.parametrize("contents", [DEBIAN, ROCKY], ids=["dpkg", "rpm"])
def test_the_library_reads_exactly_the_contents(contents):
    read = Bom.from_json(body(contents))
    read.validate()
    told = sorted((one.name, one.version) for one in read.components if one.purl)
    there = (*contents.python, contents.interpreter, *contents.system)
    assert told == sorted((one.spelled, one.version) for one in there)
    (system,) = (one for one in read.components if not one.purl)
    assert (system.name, system.version) == (contents.os.id, contents.os.version)
    assert read.metadata.component.version == SUBJECT.digest


def test_it_is_about_that_image():
    about = body()["metadata"]
    assert about["component"]["name"] == SUBJECT.cell
    assert about["component"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert about["component"]["properties"] == [{"name": "org.envbuild.cell", "value": SUBJECT.cell}]
    assert about["timestamp"] == "2023-11-14T22:13:20Z"


def test_a_pinned_file_is_told_by_address_and_sha256():
    wheel, torch = component("Markup_Safe"), component("torch")
    hashes = [{"alg": "SHA-256", "content": PINS[1].sha256}]
    assert wheel["hashes"] == hashes
    assert wheel["externalReferences"] == [{"type": "distribution", "url": PINS[1].url, "hashes": hashes}]
    assert torch["hashes"][0]["content"] == PINS[2].sha256
    assert "externalReferences" not in torch  # no address for everybody
    assert component("git")["externalReferences"][0]["url"] == PINS[3].url
    assert "hashes" not in component("libc6")


def test_licences_are_told_as_declared():
    declared = {"acknowledgement": "declared"}
    assert component("torch")["licenses"] == [
        {"expression": "BSD-3-Clause AND (MIT OR Apache-2.0)", **declared}
    ]
    assert component("odd")["licenses"] == [{"license": {"name": "MIT License", **declared}}]
    text = {"contentType": "text/plain", "content": LONG}
    assert component("numpy")["licenses"] == [
        {"license": {"name": "Redistribution and use are permitted.", "text": text, **declared}}
    ]
    assert "licenses" not in component("pip")


def test_equal_inputs_are_equal_bytes_in_any_order_and_any_process():
    shuffled = replace(DEBIAN, python=DEBIAN.python[::-1], system=DEBIAN.system[::-1])
    text = cyclonedx.document(DEBIAN, SUBJECT, PINS)
    assert cyclonedx.document(shuffled, SUBJECT, PINS[::-1]) == text
    assert text.endswith(b"}\n")
    outputs = {in_another_process(seed) for seed in ("0", "1", "2")}
    assert len(outputs) == 1
    assert outputs.pop().startswith(text)


def in_another_process(seed: str) -> bytes:
    here = str(Path(__file__).parent)
    path = os.pathsep.join((here, *filter(None, sys.path)))
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path, "TZ": "Asia/Tokyo"}
    words = [sys.executable, "-c", IN_ANOTHER_PROCESS]
    return subprocess.run(words, capture_output=True, check=True, env=env).stdout


def test_the_text_has_one_form():
    """Sorted keys, two spaces, ASCII: the same in every version of envbuild and by every other writer."""
    text = cyclonedx.document(DEBIAN, SUBJECT, PINS).decode()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def test_the_image_depends_on_everything_in_it():
    found = body()
    refs = [one["bom-ref"] for one in found["components"]]
    assert found["dependencies"] == [{"ref": SUBJECT.pinned, "dependsOn": sorted(set(refs))}]
    assert len(refs) == len(set(refs))


def test_whatever_differs_has_another_serial_number():
    changed = [
        body(),
        body(subject=replace(SUBJECT, digest=f"sha256:{'cd' * 32}")),
        body(subject=replace(SUBJECT, epoch=1)),
        body(subject=replace(SUBJECT, cell="other")),
        body(subject=replace(SUBJECT, version="0.2.0")),
        body(pins=()),
        body(contents=replace(DEBIAN, python=DEBIAN.python[1:])),
        body(contents=ROCKY),
    ]
    assert len({one["serialNumber"] for one in changed}) == len(changed)


def test_no_name_of_an_image_breaks_it():
    strange = replace(SUBJECT, name='registry.example.com:5000/a"b\n\u202e/é')
    text = cyclonedx.document(DEBIAN, strange, PINS)
    assert text.isascii()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None
