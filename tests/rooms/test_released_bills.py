"""Bills of materials that say nothing, or nonsense, are no good papers."""

import pytest
from test_released import PURLS, problems, publish, server

__all__ = ["server"]  # the fixture


@pytest.mark.parametrize(
    ("bill", "change", "told"),
    [
        ("sbom.cdx.json", {"components": []}, "sbom.cdx.json: it lists no packages"),
        (
            "sbom.cdx.json",
            {"components": [{"purl": PURLS[0], "name": "n", "version": 7}]},
            "sbom.cdx.json: its version is not",
        ),
        ("sbom.spdx.json", {"packages": None}, "sbom.spdx.json: it lists no packages"),
    ],
)
def test_a_bill_that_lists_nothing_or_nonsense_is_told(server, bill, change, told):
    def changed(name, document):
        if name != bill:
            return document
        return document | ({"packages": document["packages"][:1]} if "packages" in change else change)

    publish(server, change=changed)
    assert any(told in one for one in problems(server)), problems(server)
