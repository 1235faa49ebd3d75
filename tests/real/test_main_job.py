"""The main job by the real command line on a real engine: from a matrix to proven images."""

import json
import re
import shutil
from typing import Any

import jsonschema
import pytest
from interpreter import mirror, version_of, with_its_own_prefix
from main_job import CELL, ROOT, Ended, Job, Passed, checks

pytest_plugins = ("main_job_fixtures",)
pytestmark = pytest.mark.real


def schema(name: str) -> dict[str, Any]:
    """A published schema."""
    text = (ROOT / "docs" / f"{name}.schema.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def row(ended: Ended, cell: str) -> dict[str, str]:
    """The cell's line of the table, by the words at the head of the columns."""
    head, *rows = ended.out.splitlines()
    figures = next(re.split(r"  +", line) for line in rows if line.startswith(cell))
    return dict(zip(head.split(), figures, strict=True))


def losses_of(cell: dict[str, Any]) -> list[float]:
    """The mean loss of each epoch."""
    return next(c["values"]["losses"] for c in cell["verification"]["checks"] if c["id"] == "train.curve")


def layers_of(cell: dict[str, Any]) -> dict[str, str]:
    """What the layers hold, and their diff_ids."""
    return {layer["label"]: layer["diff_id"] for layer in cell["image"]["layers"]}


def test_one_cell_is_built_and_proven(passed: Passed) -> None:
    ended = passed.ended
    assert ended.code == 0
    assert not ended.traceback
    told = row(ended, CELL)
    assert told["VERDICT"] == "passed"
    losses = losses_of({"verification": passed.record("verification")})
    assert (told["LOSS"], len(losses)) == (f"{losses[-1]:.4f}", 10)
    assert losses == sorted(losses, reverse=True)
    assert 20 < int(re.fullmatch(r"to (\d+)%", told["QUANTIZED"])[1]) < 35  # type: ignore[index]
    assert re.fullmatch(r"\d+ MB", told["SIZE"])
    assert told["BUILD"].endswith(" s")
    assert told["VERIFY"].endswith(" s")
    assert "1 cell: 1 passed" in ended.out
    assert f"image: {passed.tag}" in ended.out


def test_progress_goes_to_standard_error_step_by_step(passed: Passed) -> None:
    told = passed.ended.err
    made = ("layer of torch 2.13.0+cpu", "layer of byte code of torch", "layer of virtual environment")
    for words in ("lock: resolve torch==2.13.0+cpu", *made, "canonical layer", "load the image"):
        assert words in told
    ends = [told.index(words) for words in ("lock: ", "fetch done", "build done", "verify passed")]
    assert ends == sorted(ends)
    assert "fetch" not in passed.ended.out


def test_its_tag_is_in_the_engine(passed: Passed) -> None:
    found = passed.job.client.images.get(passed.tag)
    image = passed.record("image")
    assert found.id == image["stored"]
    assert found.attrs["RootFS"]["Layers"] == [layer["diff_id"] for layer in image["layers"]]
    assert passed.job.tags("quickstart") == [passed.tag]


def test_its_lock_is_beside_the_matrix(passed: Passed) -> None:
    """As published, of this matrix, and with every file that is in the image."""
    place = passed.matrix.with_name("quickstart.lock.json")
    jsonschema.validate(json.loads(place.read_text()), schema("lock"))
    assert passed.job.run("lock", passed.matrix, "--check").code == 0
    (cell,) = passed.lock.cells
    wheels = {pin.name: pin.version for pin in cell.wheels}
    assert dict(passed.record("image")["packages"]) == wheels
    assert wheels["torch"] == "2.13.0+cpu"
    assert cell.interpreter is None
    assert "python3" in {pin.name for system in passed.lock.systems for pin in system.packages or ()}


def test_its_layers_tell_what_they_hold(passed: Passed) -> None:
    """The environment from the lowest on, then the base as it was, then the system's packages."""
    labels = [layer["label"] for layer in passed.record("image")["layers"]]
    base = labels.index("base debian:12")
    assert labels[:2] == ["torch 2.13.0+cpu", "byte code of torch 2.13.0+cpu"]
    assert labels[base - 1] == "virtual environment"
    assert labels[-1] == "system packages of debian12"
    diff_ids = [layer["diff_id"] for layer in passed.record("image")["layers"]]
    assert tuple(diff_ids[base:-1]) == passed.lock.bases[0].layers
    history = passed.job.client.api.history(passed.tag)
    assert [row["CreatedBy"] for row in reversed(history)] == [f"envbuild: {label}" for label in labels]


@pytest.mark.parametrize("kind", ["recipe", "image", "verification"])
def test_its_records_are_as_published(passed: Passed, kind: str) -> None:
    body = json.loads((passed.folder / f"{kind}.json").read_text())
    jsonschema.validate(body, schema("records"))
    assert body["kind"] == kind
    parents = {
        "recipe": None,
        "image": passed.record("image")["inputs"],
        "verification": passed.record("image")["id"],
    }
    assert body["parent"] == parents[kind]


def test_the_verdict_rests_on_what_was_seen_inside(passed: Passed) -> None:
    proof = passed.record("verification")
    assert proof["status"] == "passed"
    assert proof["environment"]["os"] == "debian12"
    assert proof["environment"]["python"].startswith("3.11.")
    assert proof["environment"]["torch"] == "2.13.0+cpu"
    assert proof["fingerprint"]
    done = {check["id"] for check in proof["checks"] if check["status"] == "pass"}
    assert done >= {
        *("os.release", "python.version", "torch.version", "torch.cuda", "cpu.pure", "packages.versions"),
        *("train.curve", "train.accuracy", "save.load", "quantize.dynamic", "parallel.ddp", "loader.workers"),
        *("numpy.bridge", "uid.other"),
    }


def test_the_rendered_folder_and_the_log_are_kept(passed: Passed) -> None:
    assert (passed.folder / "recipe" / "Dockerfile").is_file()
    log = (passed.folder / "build.log").read_text()
    for words in ("== fetch", "== build", "-- canonical layer", "== verify", "pass  train.curve", "passed: "):
        assert words in log


def test_a_second_run_keeps_image_and_verdict(passed: Passed) -> None:
    """Nothing changed: nothing is built, loaded or verified."""
    before = {path: path.stat().st_mtime_ns for path in passed.folder.glob("*.*")}
    ended = passed.job.run("up", passed.matrix, "--out", passed.out)
    assert ended.code == 0, ended.err
    assert row(ended, CELL)["VERDICT"] == "passed"
    assert re.findall(r": (\w+ \w+) in ", ended.err) == ["build kept", "verify kept"]
    records = {
        path: before[path] for path in before if path.name != "recipe.json"
    }  # as `envbuild render` would
    assert {path: path.stat().st_mtime_ns for path in records} == records


def test_a_run_elsewhere_finds_what_the_first_one_made(passed: Passed) -> None:
    """Its records are not here; its layers are, and the engine has the image."""
    before = passed.job.kept()
    ended = passed.job.run(
        "up", passed.matrix, "--out", passed.out.with_name("again"), "--level", "static", "--json"
    )
    assert ended.code == 0, ended.err
    results = json.loads(ended.out)
    jsonschema.validate(results, schema("results"))
    (cell,) = results["cells"]
    assert (cell["outcome"], cell["exit_code"]) == ("passed", 0)
    assert cell["image"]["id"] == passed.record("image")["id"]
    # Nothing new; a part of an environment that a failed build left may go: the whole one holds its layers.
    assert passed.job.kept().items() <= before.items()
    log = (passed.out.with_name("again") / CELL / "build.log").read_text()
    assert "-- load the image" in log
    for words in ("[os ", "-- layer of", "-- canonical layer"):
        assert words not in log


def test_verify_proves_the_images_of_a_matrix_again(passed: Passed) -> None:
    """In a copy of the first run's records: theirs is the verdict that other tests publish."""
    out = shutil.copytree(passed.out, passed.out.with_name("proven"))
    image = (out / CELL / "image.json").read_bytes()
    ended = passed.job.run("verify", passed.matrix, "--out", out, "--level", "static", "--json")
    assert ended.code == 0, ended.err
    assert ended.cells[CELL]["outcome"] == "passed"
    assert "build" not in ended.err
    assert (out / CELL / "image.json").read_bytes() == image


def test_verify_before_build_says_what_to_do(passed: Passed) -> None:
    ended = passed.job.run("verify", passed.matrix, "--out", passed.job.folder / "nothing")
    assert ended.code == 1
    assert "this cell is not built yet" in ended.out
    assert "hint: run `envbuild build` first" in ended.out
    assert not ended.traceback


def test_verify_proves_any_image_by_its_name(passed: Passed) -> None:
    ended = passed.job.run("verify", passed.tag, "--json")
    assert ended.code == 0, ended.err
    jsonschema.validate(json.loads(ended.out), schema("results"))
    cell = ended.cells[passed.tag]
    assert cell["outcome"] == "passed"
    assert checks(cell, "skip")["python.version"] == "nothing is claimed about Python"
    assert "train.curve" in checks(cell, "pass")
    assert "verify: train.curve" in ended.err


def test_verify_of_an_image_without_python_is_an_error_in_plain_words(passed: Passed) -> None:
    bare = passed.base
    ended = passed.job.run("verify", bare)
    assert ended.code == 1
    assert row(ended, bare)["VERDICT"] == "error"
    assert "there is no Python 3.6 or newer in this image" in ended.out
    assert not ended.traceback
    assert passed.job.containers(bare) == []


def test_two_debians_with_two_pythons(job: Job, passed: Passed) -> None:
    """Debian 12's own Python and a standalone one on Debian 13: torch is the same layer in both.

    The stand-in for a published interpreter (see interpreter.py) needs a newer C library than Debian 11's, so
    that the matrix's third cell is planned and rendered by other tests, and not built.
    """
    python = with_its_own_prefix("3.11")
    folder = job.folder / "mirror"
    folder.mkdir()
    matrix = job.folder / "debian.yaml"
    matrix.write_text(
        (ROOT / "matrices" / "debian.yaml").read_text().replace("envbuild/debian", f"{job.name}/debian")
    )
    ended = job.run(
        *("up", matrix, "--only", "debian12*", "--only", "debian13*", "-j", 2, "--json", "-v"),
        *("--out", job.folder / "debian"),
        env={"UV_PYTHON_DOWNLOADS_JSON_URL": str(mirror(folder, python))},
    )
    assert ended.code == 0, ended.err
    cells = ended.cells
    assert sorted(cells) == ["debian12-py3.11-cpu-torch2.13.0", "debian13-py3.11-cpu-torch2.13.0"]
    twelve, thirteen = (cells[f"debian{number}-py3.11-cpu-torch2.13.0"] for number in (12, 13))
    assert [cell["outcome"] for cell in (twelve, thirteen)] == ["passed", "passed"]
    assert (twelve["image"]["base"], thirteen["image"]["base"]) == ("debian:12", "debian:13")
    found = [cell["verification"]["environment"] for cell in (twelve, thirteen)]
    assert [one["os"] for one in found] == ["debian12", "debian13"]
    assert found[0]["python"] == passed.record("verification")["environment"]["python"]
    assert found[1]["python"] == version_of(python)
    assert sorted(job.tags("debian")) == sorted(
        tag for cell in (twelve, thirteen) for tag in cell["image"]["tags"]
    )
    assert losses_of(twelve) == pytest.approx(losses_of(thirteen), abs=1e-5)
    torch = {layers_of(cell)["torch 2.13.0+cpu"] for cell in (twelve, thirteen)}
    assert torch == {layers_of({"image": passed.record("image")})["torch 2.13.0+cpu"]}
