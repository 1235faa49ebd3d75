"""A lock on disk: the same text for the same lock, read back as it was, or refused with the way out."""

import json
from pathlib import Path

import jsonschema
import pytest
from lock_outside import DEBIAN12, body, pin, resealed, small_lock

from builder import lock
from builder.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "m.lock.json"
    path.write_text(text)
    return path


def refusal(tmp_path: Path, text: str) -> tuple[str, str, str]:
    with pytest.raises(InputError) as caught:
        lock.read(write(tmp_path, text))
    (problem,) = caught.value.problems
    return str(problem.place), problem.message, problem.hint


def test_a_lock_is_read_as_it_was_written(tmp_path):
    made = small_lock()
    assert lock.write(made, tmp_path / "m.lock.json")
    assert lock.read(tmp_path / "m.lock.json") == made
    assert not lock.write(made, tmp_path / "m.lock.json")
    assert [path.name for path in tmp_path.iterdir()] == ["m.lock.json"]


def test_there_may_be_no_lock(tmp_path):
    assert lock.read(tmp_path / "m.lock.json") is None
    assert lock.path_for(Path("matrices/x.yaml")) == Path("matrices/x.lock.json")


def test_the_text_is_canonical():
    text = lock.dumps(small_lock())
    assert text == json.dumps(json.loads(text), sort_keys=True, indent=2) + "\n"
    assert text.isascii()
    assert body(text)["schema"] == "envbuild.lock/1"


def test_what_cells_share_stands_once():
    found = body(lock.dumps(small_lock()))
    assert len(found["environments"]) == 1
    assert len({cell["environment"] for cell in found["cells"].values()}) == 1
    assert lock.dumps(small_lock()).count(pin("numpy", "2.3.1").filename) == 2  # its name, and in its address


def test_the_published_schema_holds_it():
    schema = json.loads((ROOT / "docs/lock.schema.json").read_text())
    jsonschema.validate(body(lock.dumps(small_lock())), schema)


def test_bad_json_is_told_with_its_place(tmp_path):
    place, message, hint = refusal(tmp_path, '{\n  "schema": "envbuild.lock/1",\n  oops\n}')
    assert place == f"{tmp_path / 'm.lock.json'}:3:3"
    assert "no JSON" in message
    assert hint == f"`envbuild lock {tmp_path / 'm.yaml'}` makes it anew"


def changed(path: str, value: object) -> str:
    """A good lock with one value changed and a seal that holds; `-` takes the value away."""
    found = body(lock.dumps(small_lock()))
    *way, last = path.split("/")
    at = found
    for step in way:
        at = at[next(iter(at)) if step == "*" else step]
    last = next(iter(at)) if last == "*" else last
    if value == "-":
        del at[last]
    else:
        at[last] = value
    return resealed(found)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("schema", "envbuild.lock/2", "schema is not envbuild.lock/1"),
        ("epoch", "1", "epoch is text, not a whole number"),
        ("epoch", True, "epoch is a truth value"),
        ("epoch", 0, "epoch is not a date"),
        ("matrix", None, "matrix is null, not text"),
        ("matrix", "-", "matrix is missing"),
        ("more", 1, "more is not known"),
        ("cells", [], "cells is an array, not an object"),
        ("cells/*/base", "debian:11", "debian:11, which is not in bases"),
        ("cells/*/system", "sha256:0", "sha256:0, which is not in systems"),
        ("cells/*/environment", "gone", "gone, which is not there"),
        ("environments/*/wheels", ["0" * 64], f"{'0' * 64}, which is not there"),
        ("environments/*/wheels", "x", "wheels is text, not an array"),
        ("systems/*/packages", [1], r"packages[0] is a number, not text"),
        ("bases/*/env", [["PATH"]], "env[0] is an array, not an array of 2"),
        ("files/*/filename", "../../etc/passwd", "is not the name of a file"),
        ("files/*/url", "file:///srv/x.whl", "not a plain http address"),
        ("files/*/url", "https://me:secret@x/y", "not a plain http address"),
        ("files/*/url", "http://[::1/x.whl", "not a plain http address"),
        ("files/*/url", "http://a:99999/x.whl", "not a plain http address"),
        ("epoch", 10**30, "epoch is not a date"),
        ("bases/*/created", 10**30, "created is not a date"),
        ("files/*/size", -1, "size is below nothing"),
        ("files/*/size", None, "size is null, not a whole number"),
        ("bases/*/platform", "plan9/mips", "platform 'plan9/mips' is none of linux/amd64"),
        ("bases/*/origin", "a friend", "origin 'a friend' is none of registry"),
        ("bases/*/layers", [], "layers are not digests of layers"),
        ("bases/*/layers", ["../../etc/passwd"], "layers are not digests of layers"),
        ("bases/*/digest", "sha256:zz", "digest is not a digest"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, path, value, told):
    _, message, hint = refusal(tmp_path, changed(path, value))
    assert told in message
    assert "envbuild lock" in hint


def numpy_gone(found):
    (row,) = found["environments"].values()
    row["wheels"] = row["wheels"][1:]


def another_value(table, **values):
    def edit(found):
        next(iter(found[table].values())).update(values)

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        numpy_gone,
        another_value("systems", packages=[]),
        another_value("bases", platform="linux/arm64"),
        another_value("bases", origin="bootstrap"),
        another_value("files", size=8),
        another_value("files", size=None),
        lambda found: found.update(epoch=1),
        lambda found: found.update(seal="sha256:" + "0" * 64),
        lambda found: found.pop("seal"),
        lambda found: found.update(seal=None),
    ],
)
def test_an_edit_by_hand_is_refused_whatever_it_is(tmp_path, edit):
    found = body(lock.dumps(small_lock()))
    edit(found)
    place, message, hint = refusal(tmp_path, json.dumps(found, indent=2, sort_keys=True) + "\n")
    told = "cannot be used: it is not what envbuild wrote, but was edited or merged from two"
    assert (place, message) == ("None", f"{tmp_path / 'm.lock.json'} {told}")
    assert (
        hint == f"`envbuild lock {tmp_path / 'm.yaml'}` makes it anew, and keeps the versions of its wheels"
    )


def test_the_order_of_keys_and_the_layout_do_not_count(tmp_path):
    made = small_lock()
    text = json.dumps(dict(reversed(body(lock.dumps(made)).items())), indent=8).replace("\n", "\r\n")
    assert lock.read(write(tmp_path, text)) == made


def test_of_an_edited_lock_nothing_but_versions_serves(tmp_path):
    found = body(lock.dumps(small_lock()))
    numpy_gone(found)
    edited = lock.read(write(tmp_path, json.dumps(found)), edited=True)
    assert [wheel.name for wheel in edited.cell(DEBIAN12).wheels] == ["torch"]
    kept = lock.versions(edited)
    assert (kept.bases, kept.systems, {cell.recipe for cell in kept.cells}) == ((), (), {""})
    assert [one.name for one in kept.files] == ["torch"]


@pytest.mark.parametrize(
    ("field", "value"), [("version", "9.9"), ("name", "pillow"), ("filename", "numpy_2.3.1_amd64.deb")]
)
def test_a_wheel_that_is_another_than_its_row_says_is_named(tmp_path, field, value):
    found = body(lock.dumps(small_lock()))
    row = next(row for row in found["files"].values() if row["name"] == "numpy")
    row[field] = value
    assert "which is no wheel of" in refusal(tmp_path, resealed(found))[1]


@pytest.mark.parametrize("text", ["[]", "null", '{"a": 1, "a": 2}', "NaN", "[" * 100_000, "\xff"])
def test_no_text_is_too_strange(tmp_path, text):
    path = tmp_path / "m.lock.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="cannot be used"):
        lock.read(path)


def test_no_text_is_too_deep(tmp_path):
    for depth in range(1100):  # somewhere there, what can be read cannot be written any more
        text = '{"schema": "envbuild.lock/1", "epoch": ' + "[" * depth + "]" * depth + "}"
        with pytest.raises(InputError, match="cannot be used"):
            lock.loads(text, tmp_path / "m.lock.json")


def test_a_lock_answers_by_key():
    made = small_lock()
    cell = made.cell(DEBIAN12)
    assert made.base(cell.base, cell.platform).reference == "debian:12"
    assert [one.name for one in made.system(cell.system).packages] == ["git", "libc6"]
    assert made.cell("other") is None
    assert [one.name for one in made.files] == ["cpython", "git", "libc6", "numpy", "torch"]
