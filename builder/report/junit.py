"""The results as JUnit XML, which every CI system reads: a suite per cell, a case per check.

There is no one standard of it; this is what Jenkins' schema has. GitLab shows `classname`, and neither the
suite's name nor a failure's type: so the cell is in both, and all facts are in the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from builder.check import Check
from builder.pipeline import Result
from builder.report import problems
from builder.report.look import PLAIN
from builder.report.problems import brief

TAIL = 64 * 1024  # bytes of a cell's log that go along where it did not come through
COUNTED = ("tests", "failures", "errors", "skipped")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# XML 1.0 has no way to write these, not even escaped.
_ILLEGAL = re.compile("[^\\t\\n\\r\\u0020-\\uD7FF\\uE000-\\uFFFD\\U00010000-\\U0010FFFF]")


def as_xml(results: Sequence[Result]) -> bytes:
    """All results as one document, in the order of the cells."""
    suites = ElementTree.Element("testsuites", name="envbuild")
    for result in results:
        suites.append(_suite(result))
    totals = {name: str(sum(int(suite.get(name, 0)) for suite in suites)) for name in COUNTED}
    suites.attrib.update({name: totals[name] for name in COUNTED if name != "skipped"})
    suites.set("time", f"{sum(float(suite.get('time', 0)) for suite in suites):.3f}")
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(result: Result) -> ElementTree.Element:
    cases = [*_build(result), *_checks(result)]
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counts = {name: sum(case.find(kind) is not None for case in cases) for name, kind in kinds.items()}
    spent = sum(float(case.get("time", 0)) for case in cases)
    suite = ElementTree.Element(
        "testsuite", name=_legal(result.cell), tests=str(len(cases)), time=f"{spent:.3f}"
    )
    suite.attrib.update({name: str(number) for name, number in counts.items()})
    suite.extend(cases)
    return suite


def _build(result: Result) -> Iterator[ElementTree.Element]:
    """The case of everything before the checks: the image was made, or why not."""
    image = result.image
    if image is None and not result.problems and result.verification is not None:
        return  # an image that was not made here
    case = _case(result, "build", image.seconds if image and "build" not in result.kept else 0.0)
    if result.problems:
        text = "\n".join(line for one in result.problems for line in problems.lines(one, PLAIN))
        kind = "skipped" if result.outcome in ("skipped", "cancelled") else "error"
        _said(case, kind, result.problems[0].message, text)
        _out(case, _tail(result.log))
    elif image is None:
        _said(case, "skipped", result.outcome, result.outcome)
    else:
        _out(case, f"{image.id}\n" + "\n".join(image.tags))
    yield case
    if image is not None and result.verification is None and result.exit_code and not result.problems:
        case = _case(result, "verify", 0.0)
        _said(case, "error", f"{result.outcome}: nothing was proven", result.outcome)
        yield case


def _checks(result: Result) -> Iterator[ElementTree.Element]:
    proof = result.verification
    if proof is None:
        return
    for check in proof.checks:
        case = _case(result, check.id, check.seconds)
        kind = _kind(check, allowed=not result.exit_code)
        if kind:
            _said(case, kind, check.reason or check.title, _told(check))
        _out(case, _told(check))
        yield case
    if proof.status == "error" and proof.reason:
        case = _case(result, "verifier", 0.0)
        _said(case, "error", proof.reason, proof.reason)
        _out(case, _tail(result.log))
        yield case


def _kind(check: Check, *, allowed: bool) -> str | None:
    """What a reader of JUnit makes of a status: there is no warning, and what was not tried is not a pass."""
    if check.status == "skip":
        return "error" if check.required and not allowed else "skipped"
    if not check.required or check.status in ("pass", "warn"):
        return None
    return "failure" if check.status == "fail" else "error"


def _told(check: Check) -> str:
    """Everything that is known of a check, one fact a line."""
    lines = [f"{check.title}: {check.status}{'' if check.required else ' (not required)'}"]
    lines += [f"reason: {check.reason}"] if check.reason else []
    lines += [f"hint: {check.hint}"] if check.hint else []
    lines += [f"{name}: {json.dumps(value)}" for name, value in check.values.items()]
    lines += [f"allowed {name}: {json.dumps(value)}" for name, value in check.limits.items()]
    return "\n".join([*lines, *(f"warning: {text}" for text in check.warnings)])


def _case(result: Result, name: str, seconds: float) -> ElementTree.Element:
    where = f"envbuild.{_legal(result.cell)}"
    return ElementTree.Element("testcase", classname=where, name=_legal(name), time=f"{seconds:.3f}")


def _said(case: ElementTree.Element, kind: str, message: str, text: str) -> None:
    first = next(iter(_legal(brief(message)).splitlines()), "")
    ElementTree.SubElement(case, kind, message=first, type=kind).text = _legal(text)


def _out(case: ElementTree.Element, text: str) -> None:
    if text:
        ElementTree.SubElement(case, "system-out").text = _legal(text)


def _tail(log: Path | None) -> str:
    """The end of a cell's log, if it has one."""
    try:
        content = log.read_bytes() if log else b""
    except OSError:
        return ""
    return content[-TAIL:].decode(errors="replace")


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", _ANSI.sub("", text))
