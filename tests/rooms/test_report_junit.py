"""JUnit XML: what readers of it see, whatever the results hold."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tarfile
from xml.etree import ElementTree

import pytest
import xmlschema
from ci_results import ALL, BROKEN, CANCELLED, FAILED, PASSED, UNPROVEN, WAITING, logged

from builder.report.junit import as_xml

JENKINS = "testing/example_scripts/junit-10.xsd"


@pytest.fixture(scope="module")
def jenkins(tmp_path_factory) -> xmlschema.XMLSchema:
    """Jenkins' own schema, which the source distribution of pytest has."""
    folder = tmp_path_factory.mktemp("pytest")
    words = ["download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder), "pytest"]
    end = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    found = list(folder.glob("pytest-*.tar.gz"))
    if not found:
        pytest.skip(f"the package index does not give pytest's sources: {end.stderr.strip()[-200:]}")
    with tarfile.open(found[0]) as archive:
        name = next(name for name in archive.getnames() if name.endswith(JENKINS))
        file = archive.extractfile(name)
        assert file
        return xmlschema.XMLSchema(file.read().decode())


def parsed(content: bytes | str) -> ElementTree.Element:
    return ElementTree.fromstring(content)  # noqa: S314  it was made here


def suites(*results) -> dict[str, ElementTree.Element]:
    root = parsed(as_xml(results))
    assert root.tag == "testsuites"
    return {suite.get("name", ""): suite for suite in root}


def ends(suite: ElementTree.Element) -> dict[str, str]:
    """How each case ended: `pass`, or what stands in it."""
    return {
        case.get("name", ""): next((child.tag for child in case if child.tag != "system-out"), "pass")
        for case in suite
    }


@pytest.mark.slow
def test_it_is_as_jenkins_schema_says(jenkins, tmp_path) -> None:
    many = logged(tmp_path, "x" * 200_000, BROKEN)
    for results in (ALL, (), (PASSED,), (many, PASSED)):
        jenkins.validate(ElementTree.ElementTree(parsed(as_xml(results))))
    with pytest.raises(xmlschema.XMLSchemaException):
        jenkins.validate(ElementTree.ElementTree(parsed("<testsuites><testcase/></testsuites>")))


def test_every_cell_is_a_suite_and_every_check_a_case() -> None:
    found = suites(*ALL)
    assert list(found) == [result.cell for result in ALL]
    assert ends(found["good"]) == {
        "build": "pass", "train.curve": "pass", "numpy.bridge": "pass", "settings.env": "skipped",
        "shm.size": "pass",
    }  # fmt: skip
    assert {case.get("classname") for case in found["good"]} == {"envbuild.good"}


def test_failures_errors_and_skips_are_told_apart() -> None:
    found = suites(*ALL)
    assert ends(found["bad"]) == {
        "build": "pass", "torch.import": "pass", "save.load": "failure", "quantize.dynamic": "error",
    }  # fmt: skip
    assert ends(found["unbuilt"]) == {"build": "error"}
    assert ends(found["killed"])["verifier"] == "error"
    assert ends(found["late"]) == {"build": "skipped"}


def test_what_was_not_tried_is_no_pass() -> None:
    """Red where it fails the run; where that was allowed by name, skipped."""
    assert ends(suites(WAITING)["gpu"]) == {"gpu.train": "error"}
    allowed = dataclasses.replace(WAITING, exit_code=0)
    assert ends(suites(allowed)["gpu"]) == {"gpu.train": "skipped"}


def test_the_numbers_add_up() -> None:
    root = parsed(as_xml(ALL))
    for suite in root:
        cases = list(suite)
        assert int(suite.get("tests", "")) == len(cases)
        for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name, "")) == sum(case.find(kind) is not None for case in cases)
        assert float(suite.get("time", "")) == pytest.approx(
            sum(float(case.get("time", "")) for case in cases)
        )
    assert int(root.get("failures", "")) == 1
    assert int(root.get("errors", "")) == sum(int(suite.get("errors", "")) for suite in root) > 3


def test_what_is_known_of_a_check_goes_along() -> None:
    case = suites(PASSED)["good"].find("testcase[@name='train.curve']")
    assert case is not None
    text = case.findtext("system-out") or ""
    assert "losses: [2.3, 0.5]" in text
    assert 'allowed last: "<0.6"' in text
    bridge = suites(PASSED)["good"].findtext("testcase[@name='numpy.bridge']/system-out") or ""
    assert "reason: an old bridge" in bridge
    assert "warning: careful" in bridge


def test_the_end_of_the_log_goes_along_where_the_build_failed(tmp_path) -> None:
    found = suites(logged(tmp_path, "a" * 100_000 + "the last words", BROKEN))
    text = found["unbuilt"].findtext("testcase/system-out") or ""
    assert text.endswith("the last words")
    assert len(text) == 64 * 1024


@pytest.mark.parametrize("result", [FAILED, BROKEN, UNPROVEN, CANCELLED], ids=lambda result: result.cell)
def test_hostile_text_is_text(result) -> None:
    content = as_xml([result])
    assert b"\x1b" not in content
    assert b"\x00" not in content
    told = "".join(parsed(content).itertext())
    assert "<b>&amp; | ``` ]]>" in told or result in (UNPROVEN, CANCELLED)


def test_a_reason_of_many_lines_is_a_message_of_one() -> None:
    failure = suites(FAILED)["bad"].find("testcase/failure")
    assert failure is not None
    assert "\n" not in failure.get("message", "\n")
    assert "second ::error::line" in (failure.text or "")


def test_the_same_results_are_the_same_bytes() -> None:
    assert as_xml(ALL) == as_xml(ALL)


def test_an_image_whose_proof_was_interrupted_is_not_passed() -> None:
    stopped = dataclasses.replace(PASSED, outcome="cancelled", verification=None, exit_code=130)
    assert ends(suites(stopped)["good"]) == {"build": "pass", "verify": "error"}
    built = dataclasses.replace(stopped, outcome="done", exit_code=0)
    assert ends(suites(built)["good"]) == {"build": "pass"}
