"""A machine's description: what `doctor --json` wrote, or a file by hand; mistakes speak of a description."""

from __future__ import annotations

import json

import pytest

from builder.advice import advise
from builder.errors import InputError
from builder.facts import load
from builder.machine import Gpu, Machine
from builder.machine import load as described
from builder.report import doctor

FACTS = load()
MACHINE = Machine(os="debian12", driver="535", gpus=(Gpu(name="RTX 3090"),), engines=())


def test_the_document_of_doctor_is_a_description(tmp_path):
    document = doctor.as_json(MACHINE, (), advise(MACHINE, FACTS), FACTS)
    (tmp_path / "m.json").write_text(json.dumps(document))
    assert described(tmp_path / "m.json") == MACHINE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("null", "the file has no value"),
        ("[]", "a machine's description must be a mapping, not a list"),
        ("#" * 3_000_000, "the file is larger than 1 MiB"),
        ("torch: [2.8]", "unknown key 'torch'"),
        ("packages: {}", "unknown key 'packages'"),
        ('{"schema": "envbuild.plan/1"}', "a document of envbuild.plan/1 describes no machine"),
        ('{"schema": "envbuild.doctor/1"}', "a document of envbuild.doctor/1 describes no machine"),
        ('{"schema": "envbuild.doctor/1", "machine": []}', "a machine's description must be a mapping"),
        ('{"schema": [], "machine": {}}', "schema must be text, not a list"),
        (None, "does not exist"),
    ],
)
def test_a_mistake_speaks_of_a_machine_and_of_no_matrix(tmp_path, text, message):
    path = tmp_path / "machine.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError) as refused:
        described(path)
    told = [f"{problem.message} → {problem.hint}" for problem in refused.value.problems]
    assert message in told[0]
    assert not any(word in line for line in told for word in ("matrix", "matrices", "version: 1"))
