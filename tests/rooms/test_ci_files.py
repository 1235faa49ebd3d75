"""What others use in their CI, action, workflows and the guide's examples, is what the systems take."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
GUIDE = (ROOT / "docs" / "ci.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")

pytestmark = pytest.mark.slow


def wrong(kind: str, path: Path) -> str:
    words = ["-m", "check_jsonschema", "--builtin-schema", f"vendor.{kind}", str(path)]
    end = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    return end.stdout if end.returncode else ""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_as_its_schema_says(path, tmp_path):
    assert wrong("github-workflows", path) == ""
    other = tmp_path / "w.yml"
    other.write_text(path.read_text().replace("runs-on:", "run-on:"))
    assert wrong("github-workflows", other)


def test_the_action_is_as_its_schema_says(tmp_path):
    assert wrong("github-actions", ACTION) == ""
    other = tmp_path / "action.yml"
    other.write_text(ACTION.read_text().replace("shell: bash", ""))
    assert wrong("github-actions", other)


def test_zizmor_finds_nothing(tmp_path):
    zizmor = Path(sys.executable).with_name("zizmor")
    if not zizmor.exists():
        pytest.skip("zizmor has no wheel for this machine")

    def found(*paths):
        words = [zizmor, "--offline", "--format", "json", *paths]
        return json.loads(subprocess.run(words, capture_output=True, text=True, check=False).stdout)

    assert found(ACTION, *WORKFLOWS) == []
    other = tmp_path / "w.yml"
    other.write_text(WORKFLOWS[0].read_text().replace("run: ", "run: echo ${{ github.head_ref }} #", 1))
    assert found(other)


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_what_others_wrote_is_pinned_and_no_expression_is_in_a_script(path):
    text = path.read_text()
    assert all(
        PINNED.match(used)
        for used in re.findall(r"uses: (\S+)", text)
        if not used.startswith(("./", "OWNER"))
    )
    document = yaml.safe_load(text)
    jobs = document.get("jobs", {"": {"steps": document.get("runs", {}).get("steps", [])}})
    for job in jobs.values():
        for step in job.get("steps", []):
            assert "${{" not in step.get("run", "") or step["run"] == "sudo scripts/test ${{ matrix.what }}"


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_guide_s_examples_are_what_the_systems_take(number, tmp_path):
    text = EXAMPLES[number]
    path = tmp_path / "example.yml"
    if "trigger:" in text:
        path.write_text(text)
        assert wrong("gitlab-ci", path) == ""
        return
    jobs = (
        text
        if text.startswith("jobs:")
        else f"jobs:\n  plan: {{runs-on: x, steps: [{{run: x}}]}}\n{text}    steps: [{{run: x}}]\n"
    )
    path.write_text(f"on: push\n{jobs}")
    assert wrong("github-workflows", path) == ""


def test_the_guide_s_commands_can_be_typed():
    from builder.cli import COMMANDS

    lines = re.findall(r"^(?: {4}|.*\$\(|.*- )(envbuild [a-z].*?)(?:\)|$)", GUIDE, re.MULTILINE)
    assert len(lines) >= 3
    assert {line.split()[1] for line in lines} <= set(COMMANDS)


def test_inputs_that_the_guide_names_are_there():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "images.yml").read_text())
    known = set(workflow[True]["workflow_call"]["inputs"]) | set(yaml.safe_load(ACTION.read_text())["inputs"])
    for text in EXAMPLES[:2]:
        (job,) = yaml.safe_load(text)["jobs"].values()
        given = job.get("with") or next(step["with"] for step in job["steps"] if "with" in step)
        assert set(given) <= known
