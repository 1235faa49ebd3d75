"""The documents that go with a real image say exactly what its own programs say."""

from __future__ import annotations

import json
import threading

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from main_job import SITE, Passed
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from builder.cli import selection
from builder.engine.api import RunRequest
from builder.errors import CellError
from builder.papers import Contents, Subject, contents, cyclonedx, provenance, spdx
from builder.ports import Ports
from builder.source.api import Pin

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real
PIP = ("/opt/env/bin/python", "-m", "pip", "list", "--format", "json", "--disable-pip-version-check")
DPKG = ("dpkg-query", "-W", "-f", r"${Package} ${Version} ${Architecture}\n")


def said(passed: Passed, command: tuple[str, ...]) -> str:
    """What a program of the image says, as the image's own user."""
    request = RunRequest(image=passed.tag, command=command, work_dir="/")
    end = passed.job.engine.run(request, lambda _: None, threading.Event())
    assert end.exit_code == 0, end.stderr.decode()
    return end.stdout.decode()


def ports(passed: Passed) -> Ports:
    return Ports(engine=passed.job.engine, source=None, layers=None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found(passed: Passed) -> Contents:
    return contents(passed.tag, ports(passed))


@pytest.fixture(scope="module")
def subject(passed: Passed) -> Subject:
    (cell,) = passed.lock.cells
    return Subject(
        name=passed.job.name,
        digest=passed.record("image")["id"],
        cell=cell.id,
        epoch=passed.lock.epoch,
        version="0",
    )


@pytest.fixture(scope="module")
def pins(passed: Passed) -> tuple[Pin, ...]:
    (cell,), (system,) = passed.lock.cells, passed.lock.systems
    return (*cell.pins, *(system.packages or ()))


def test_the_distributions_are_those_of_pip_list(passed: Passed, found: Contents) -> None:
    listed = [(one["name"], one["version"]) for one in json.loads(said(passed, PIP))]
    assert {"torch", "numpy", "pip"} <= {name for name, _ in listed}
    assert sorted((one.spelled, one.version) for one in found.python) == sorted(listed)
    version = said(passed, ("/opt/env/bin/python", "-V")).split()[1]
    assert (found.interpreter.name, found.interpreter.version) == ("cpython", version)


def test_the_packages_are_those_of_dpkg(passed: Passed, found: Contents) -> None:
    listed = said(passed, DPKG).splitlines()
    assert len(listed) > 50
    assert sorted(f"{one.name} {one.version} {one.architecture}" for one in found.system) == sorted(listed)
    assert (found.os.id, found.os.version) == ("debian", "12")


def test_everything_that_the_lock_pins_is_in_the_image(
    found: Contents, subject: Subject, pins: tuple[Pin, ...]
) -> None:
    told = json.loads(cyclonedx.document(found, subject, pins))["components"]
    hashes = {each["content"] for one in told for each in one.get("hashes", ())}
    assert hashes == {pin.sha256 for pin in pins}


def test_the_documents_are_valid_and_the_same_again(
    passed: Passed, found: Contents, subject: Subject, pins: tuple[Pin, ...]
) -> None:
    again = contents(subject.digest, ports(passed))
    for kind in (cyclonedx, spdx):
        assert kind.document(found, subject, pins) == kind.document(again, subject, reversed(pins))
    bom = cyclonedx.document(found, subject, pins).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bom) is None
    Bom.from_json(json.loads(bom)).validate()
    document = JsonLikeDictParser().parse(json.loads(spdx.document(found, subject, pins)))
    assert validate_full_spdx_document(document) == []


def test_the_provenance_names_everything_that_went_in(
    passed: Passed, subject: Subject, pins: tuple[Pin, ...]
) -> None:
    (recipe,) = selection.select(passed.matrix).recipes()
    told = json.loads(provenance.statement(subject, recipe.cell, passed.lock))
    digests = {
        one["digest"]["sha256"] for one in told["predicate"]["buildDefinition"]["resolvedDependencies"]
    }
    layers = {layer.removeprefix("sha256:") for base in passed.lock.bases for layer in base.layers}
    assert {pin.sha256 for pin in pins} | layers <= digests


@pytest.mark.parametrize(
    "line",
    [
        f"RUN rm {SITE}/numpy-*.dist-info/METADATA",
        f"RUN echo 'import sys; sys.stdout.write(\"{{}}\")' > {SITE}/noise.pth",
        "RUN echo damaged >> /var/lib/dpkg/status",
        "RUN rm /usr/bin/dpkg-query",
    ],
    ids=["no-metadata", "noise", "damaged-status", "no-dpkg"],
)
def test_an_image_that_cannot_be_listed_whole_is_refused(passed: Passed, line: str) -> None:
    image = passed.job.derive(passed.tag, line)
    with pytest.raises(CellError, match="cannot be listed"):
        contents(image, ports(passed))
