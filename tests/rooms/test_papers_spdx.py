"""The bill of materials in SPDX: valid, exact, and the same bytes for equal inputs."""

import json
from dataclasses import replace

import pytest
from spdx_tools.spdx.model import Document, RelationshipType
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from test_papers_cyclonedx import in_another_process
from test_papers_parts import DEBIAN, LONG, PINS, ROCKY, SUBJECT

from builder.papers import spdx


def body(contents=DEBIAN, subject=SUBJECT, pins=PINS) -> dict:
    found: dict = json.loads(spdx.document(contents, subject, pins))
    return found


def read(told: dict) -> Document:
    return JsonLikeDictParser().parse(told)


def package(name: str, **more) -> dict:
    return next(one for one in body(**more)["packages"] if one["name"] == name)


def complaints(told: dict) -> list[str]:
    return [one.validation_message for one in validate_full_spdx_document(read(told))]


@pytest.mark.parametrize("contents", [DEBIAN, ROCKY], ids=["dpkg", "rpm"])
def test_the_format_s_own_library_finds_it_valid(contents):
    assert complaints(body(contents)) == []


def test_the_library_would_say_what_is_wrong():
    told = body()
    told["packages"][2]["licenseDeclared"] = "LicenseRef-of-nobody"
    assert any("Unrecognized license reference" in one for one in complaints(told))


@pytest.mark.parametrize("contents", [DEBIAN, ROCKY], ids=["dpkg", "rpm"])
def test_the_library_reads_exactly_the_contents(contents):
    found = read(body(contents))
    listed = [one for one in found.packages if one.external_references]
    there = (*contents.python, contents.interpreter, *contents.system)
    assert sorted((one.name, one.version) for one in listed) == sorted(
        (one.spelled, one.version) for one in there
    )
    contained = {
        one.related_spdx_element_id
        for one in found.relationships
        if one.relationship_type is RelationshipType.CONTAINS and one.spdx_element_id == "SPDXRef-image"
    }
    assert contained == {one.spdx_id for one in found.packages} - {"SPDXRef-image"}


def test_it_is_about_that_image():
    image = package(SUBJECT.cell)
    assert image["versionInfo"] == SUBJECT.digest
    assert image["checksums"] == [{"algorithm": "SHA256", "checksumValue": "ab" * 32}]
    assert SUBJECT.cell in image["comment"]
    assert body()["creationInfo"] == {"created": "2023-11-14T22:13:20Z", "creators": ["Tool: envbuild-0.1.0"]}
    assert body()["relationships"][0]["relatedSpdxElement"] == image["SPDXID"]


def test_a_pinned_file_is_told_by_address_and_sha256():
    wheel, torch, system = package("Markup_Safe"), package("torch"), package("libc6")
    assert wheel["checksums"] == [{"algorithm": "SHA256", "checksumValue": PINS[1].sha256}]
    assert (wheel["downloadLocation"], wheel["packageFileName"]) == (PINS[1].url, PINS[1].filename)
    assert (torch["downloadLocation"], torch["packageFileName"]) == ("NOASSERTION", PINS[2].filename)
    assert (system["downloadLocation"], "checksums" in system) == ("NOASSERTION", False)
    assert system["sourceInfo"] == "built from source package glibc 2.36-9+deb12u10"


def test_a_licence_in_words_has_a_name_that_the_document_explains():
    assert package("torch")["licenseDeclared"] == "BSD-3-Clause AND (MIT OR Apache-2.0)"
    assert package("pip")["licenseDeclared"] == "NOASSERTION"
    texts = {one["licenseId"]: one["extractedText"] for one in body()["hasExtractedLicensingInfos"]}
    named = [package(name)["licenseDeclared"] for name in ("numpy", "odd")]
    assert [texts[name] for name in named] == [LONG, "MIT License"]
    many = tuple(replace(DEBIAN.python[1], name=f"p{n}", licence=f"words {n}") for n in range(20))
    idents = [one["licenseId"] for one in body(replace(DEBIAN, python=many))["hasExtractedLicensingInfos"]]
    assert idents == sorted(idents)
    assert len(idents) == 20
    twice = replace(DEBIAN, python=(*DEBIAN.python, replace(DEBIAN.python[1], name="other", spelled="other")))
    assert len(body(twice)["hasExtractedLicensingInfos"]) == 2


def test_licences_that_the_tool_lets_through_are_known_to_the_library():
    """Those of an older list, with an exception, and with `or later` among them."""
    told = (
        "GPL-2.0",
        "GPL-2.0+",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
        "LGPL-3.0-only",
        "0BSD",
        "MPL-2.0",
    )
    some = tuple(replace(DEBIAN.python[0], name=f"p{n}", expression=one) for n, one in enumerate(told))
    assert complaints(body(replace(DEBIAN, python=some))) == []


def test_equal_inputs_are_equal_bytes_in_any_order_and_any_process():
    shuffled = replace(DEBIAN, python=DEBIAN.python[::-1], system=DEBIAN.system[::-1])
    text = spdx.document(DEBIAN, SUBJECT, PINS)
    assert spdx.document(shuffled, SUBJECT, PINS[::-1]) == text
    assert text.endswith(b"}\n")
    assert all(in_another_process(seed).endswith(text) for seed in ("1", "2"))


def test_whatever_differs_has_another_namespace():
    changed = [
        body(),
        body(subject=replace(SUBJECT, digest=f"sha256:{'cd' * 32}")),
        body(subject=replace(SUBJECT, epoch=1)),
        body(subject=replace(SUBJECT, cell="other")),
        body(pins=()),
        body(contents=replace(DEBIAN, python=DEBIAN.python[1:])),
        body(contents=ROCKY),
    ]
    assert len({one["documentNamespace"] for one in changed}) == len(changed)
