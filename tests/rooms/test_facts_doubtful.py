"""An index that tells what can hardly be, or too little: the first is refused, the second left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from facts_index import ROWS, TODAY, add_torch, asked, changes, like_the_tables, pytorch_page
from source_server import Server

from builder.errors import OutsideError
from builder.facts import overlay
from builder.facts.upkeep import differing, writing
from builder.facts.upkeep.differing import differences, known
from builder.facts.upkeep.observing import observe

pytestmark = pytest.mark.slow


@pytest.fixture
def index():
    with Server() as server:
        yield like_the_tables(server)


def told(index) -> dict[str, str | None]:
    return {one.name: one.suspicious for one in changes(asked(index))}


def test_a_release_matrix_gives_old_releases_no_builds_either(index) -> None:
    index.server.routes["/whl/RELEASE.md"] = b"| 1.7 | 3.8 | C++14 | CUDA 13.0 | - | - |\n"
    wrong = told(index)
    assert wrong["torch1.7.0:unconfirmed"] == "it is 2221 days old, and gets cu130 now"
    assert set(wrong) == {"torch1.7.0:unconfirmed", "torch1.7.1:unconfirmed"}


@pytest.mark.parametrize(
    ("build", "cuda"), [("cu999", "99.9"), ("cu12", "12"), ("cu9999", "99.99"), ("cu127", "12.7")]
)
def test_a_build_for_a_cuda_that_cannot_be_is_suspicious(index, build, cuda) -> None:
    everything = {release: row["variants"] for release, row in ROWS.items()}
    builds = {**everything, "2.15.0": [*ROWS["2.15.0"]["variants"], build]}
    index.server.routes["/whl/torch/"] = pytorch_page(builds)
    assert told(index)["torch2.15.0:variants"] == f"there is no CUDA {cuda}"


@pytest.mark.parametrize("release", ["2.15.0", "2.16.0"])
def test_the_release_matrix_can_name_no_such_cuda_either(index, release) -> None:
    if release not in ROWS:
        add_torch(index, release, "cp312-cp312-manylinux_2_28_x86_64", TODAY, cuda="13.2")
    page = f"| {release.removesuffix('.0')} | 3.12 | C++20 | CUDA 13.2 | CUDA 99.9 | - |\n"
    index.server.routes["/whl/RELEASE.md"] = page.encode()
    assert set(told(index).values()) == {"there is no CUDA 99.9"}


@pytest.mark.parametrize("cuda", ["13.5", "13.6", "14.0"])
def test_the_next_cuda_is_news(index, cuda) -> None:
    stem = "cp312-cp312-manylinux_2_28_x86_64"
    add_torch(index, "2.16.0", stem, TODAY, cuda=cuda)
    assert told(index) == {"torch2.16.0:release": None}


@pytest.mark.parametrize(
    ("stem", "why"),
    [
        ("cp32-cp32m-manylinux_2_28_x86_64", "there is no Python 3.2"),
        ("cp399-cp399-manylinux_2_28_x86_64", "there is no Python 3.99"),
        ("cp312-cp312-manylinux_2_99_x86_64", "it needs glibc 2.99, and no system has more than 2.43"),
    ],
)
def test_a_wheel_for_what_cannot_be_is_suspicious(index, stem, why) -> None:
    add_torch(index, "2.16.0", stem, TODAY, cuda="13.2")
    assert told(index) == {"torch2.16.0:release": why}


def test_a_python_that_cannot_be_is_suspicious_for_a_young_release_as_well(index) -> None:
    add_torch(index, "2.15.0", "cp399-cp399-manylinux_2_28_x86_64", "2026-11-25", cuda="13.2")
    assert told(index)["torch2.15.0:python"] == "there is no Python 3.99"


def test_a_companion_that_claims_to_go_with_everything_is_suspicious(index) -> None:
    index.add("torchvision", "torchvision-0.30.0-py3-none-any.whl", "2026-11-20", asks=("torch>=1.0",))
    wrong = told(index)
    assert len(wrong) == len(ROWS)
    assert (
        wrong["torch1.7.0:torchvision"] == "it is 2221 days old, and torchvision 0.30.0 claims to go with it"
    )
    assert wrong["torch2.15.0:torchvision"] is None


@pytest.mark.parametrize(
    ("stem", "more", "lacking"),
    [
        ("py3-none-any", {}, "it has no wheel for Linux and CPython"),
        ("cp312-cp312-manylinux_2_28_x86_64", {"upload-time": "yesterday"}, "on which day it was uploaded"),
        ("cp312-cp312-linux_x86_64", {}, "do not tell which glibc they need"),
        (
            "cp312-cp312-manylinux_2_28_x86_64",
            {"url": "/files/nothing"},
            "do not tell for which CUDA they are",
        ),
    ],
)
def test_a_new_release_of_which_too_little_is_told_is_left_out(index, stem, more, lacking) -> None:
    add_torch(index, "2.16.0", stem, TODAY, cuda="13.2")
    index.pages["torch"][f"torch-2.16.0-{stem}.whl"].update(more)
    observed = asked(index)
    assert differences(known(None), observed, TODAY) == ()
    (left,) = differing.left_out(known(None), observed)
    assert (left.what, left.reason.startswith("left out: "), lacking in left.reason) == (
        "torch 2.16.0",
        True,
        True,
    )


@pytest.mark.parametrize("hashes", [{}, {"sha256": ""}, {"sha256": "abc"}])
def test_a_new_release_without_hashes_is_taken_and_they_are_unknown(index, hashes) -> None:
    stem = "cp312-cp312-manylinux_2_28_x86_64"
    add_torch(index, "2.16.0", stem, TODAY, cuda="13.2")
    index.pages["torch"][f"torch-2.16.0-{stem}.whl"]["hashes"] = hashes
    observed = asked(index)
    assert [one.reason for one in observed.unknown if "hashes" in one.what] == [
        "the index does not tell those of 2.16.0"
    ]
    found = differences(known(None), observed, TODAY)
    text = writing.text(writing.overlaid({}, found, observed, TODAY))
    assert "wheels" not in overlay.parse(text, Path("facts.yaml")).parts


@pytest.mark.parametrize("page", [b"<html><body>Log in</body></html>", b"<html></html>"])
def test_a_page_that_is_none_about_torch_is_no_answer(index, page) -> None:
    opened = index.open()
    index.server.routes["/simple/torch/"] = page
    with pytest.raises(OutsideError, match="/simple/torch/ names no wheel of torch"):
        observe(opened)
