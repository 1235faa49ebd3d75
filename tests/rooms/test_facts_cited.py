"""What is said is cited from the row that says it, and what was concluded is called so."""

from __future__ import annotations

import pytest

from builder import facts
from builder.cell import Reason
from builder.cell.circumstances import Circumstances
from builder.cell.judge import Judge
from builder.facts.finding import find
from builder.machine import Cpu, Machine, findings
from builder.report import facts_rows

FACTS = facts.load()
CONCLUDED = "(concluded from other builds, not measured)"


def reason(rule: str, os: str, python: str, cuda: str, torch: str, *gpus: str) -> Reason:
    found = Judge(FACTS, Circumstances(gpus=gpus)).reasons(os, python, cuda, torch)
    return next(one for one in found if one.rule == rule)


@pytest.mark.parametrize(
    ("torch", "cuda", "source", "concluded"),
    [
        ("2.11.0", "12.8", "S7 inferred", True),
        ("2.15.0", "13.0", "inferred", True),
        ("2.13.0", "12.9", "report", False),
        ("2.14.1", "13.0", "wheel S1", False),
    ],
)
def test_kernels_are_cited_from_their_own_row(torch, cuda, source, concluded) -> None:
    why = reason("gpu_too_old", "ubuntu22.04", "3.12", cuda, torch, "7.0")
    assert (why.source, why.date) == FACTS.cited(source)
    assert why.message.endswith(CONCLUDED) == concluded


@pytest.mark.parametrize(
    ("cuda", "concluded"), [("10.2", False), ("cpu", True), ("11.3", True), ("11.6", True)]
)
def test_the_executable_stack_was_seen_in_the_index_s_own_build_alone(cuda, concluded) -> None:
    why = reason("exec_stack", "debian13", "3.10", cuda, "1.12.1")
    assert why.source == FACTS.cited("inferred execstack S12" if concluded else "wheel execstack S12")[0]
    assert why.message.endswith(CONCLUDED) == concluded


def test_the_level_of_a_cpu_has_its_own_source() -> None:
    (first, *_) = findings(Machine(arch="x86_64", os="debian12", cpu=Cpu(level="x86-64-v2")), FACTS)
    assert (first.check, first.source) == ("cpu", "common knowledge, not looked up")


def test_facts_show_tells_where_kernels_were_read() -> None:
    (row,) = find(FACTS, "torch2.15")
    told = facts_rows.told(FACTS, row, FACTS)
    assert {"wheel", "S1", "inferred"} <= {source.key for source in told.sources}
    text = " ".join(facts_rows.as_text(FACTS, told).split())
    assert "cu130 has kernels for 7.5, 8.0, 8.6, 9.0, 10.0, 12.0 (concluded from other rows)" in text
    (document,) = facts_rows.as_json(FACTS, [told])["rows"]
    assert {tuple(one["variants"]): one["source"] for one in document["kernels"]}[("cu130",)] == "inferred"
