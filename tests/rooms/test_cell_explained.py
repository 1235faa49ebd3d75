"""Every rule is explained by its name, and a cell by the facts that let it be."""

import re
from pathlib import Path

import pytest

from builder.cell import RULES, grounds
from builder.facts import load
from builder.facts.finding import SHOWN
from tests.golden.cells import cell

ROOM = Path(__file__).resolve().parents[2] / "builder" / "cell"
TOLD = re.compile(
    r'(?:facts, |rule=)f?"([a-z_{}]+)", (?:weight=)?"(?:impossible|unknown|warning|excluded)"', re.DOTALL
)


def named() -> set[str]:
    """The rules that the code gives reasons by."""
    text = "\n".join(path.read_text() for path in ROOM.glob("*.py") if path.name != "catalogue.py")
    found = set(TOLD.findall(re.sub(r"\s+", " ", text))) - {"no_{package}"}
    return found | {f"no_{name}" for name in ("torchvision", "torchaudio", "torchao")}


def test_every_rule_is_in_the_catalogue_and_no_other():
    computed = {"gpu_too_old", "gpu_too_new"}  # chosen where the reason is made
    assert len(named()) > 20
    assert named() | computed == set(RULES)


def test_every_row_is_whole():
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.meaning.endswith(".")
        assert rule.remedy
        assert rule.table in (*SHOWN, "")


def test_every_ground_has_its_source():
    found = grounds(
        cell(os="debian12", python="3.11", cuda="12.8", torch="2.8.0", provider="standalone"), load()
    )
    assert {ground.about for ground in found} == {"python", "wheel", "build", "glibc"}
    assert all(ground.source and ground.date for ground in found)


@pytest.mark.parametrize(
    ("provider", "about"), [("system", "debian12 packages Python 3.11"), ("conda", "conda")]
)
def test_who_gives_the_interpreter(provider, about):
    (found,) = [
        ground.message
        for ground in grounds(cell(provider=provider), load())
        if ground.about == "python" and "supported until" not in ground.message
    ]
    assert about in found
