"""The tables against an index: the same is the same, what is new is found, what is suspicious is refused."""

from __future__ import annotations

import pytest
from facts_index import ROWS, TODAY, Index, add_torch, asked, changes, like_the_tables, pytorch_page
from source_server import Server

from builder.errors import InputError
from builder.facts import tables
from builder.facts.upkeep import differing
from builder.facts.upkeep.differing import Difference, differences, known
from builder.facts.upkeep.observing import Observed, observe
from builder.report import facts_checked

pytestmark = pytest.mark.slow

READ = ("released", "python", "glibc", "default_cuda", "cudnn", "nccl", "triton", "torchvision", "torchaudio")


@pytest.fixture
def index():
    with Server() as server:
        yield like_the_tables(server)


def found(index: Index, today: str = TODAY) -> list[Difference]:
    return list(differences(known(None), asked(index), today))


def told(index: Index) -> dict[str, str | None]:
    return {one.name: one.suspicious for one in found(index)}


def test_an_index_that_says_the_same_reproduces_every_row(index) -> None:
    observed = asked(index)
    assert set(observed.rows) == set(ROWS)
    for release, row in ROWS.items():
        shipped = {name: row[name] for name in READ if name in row}
        assert {name: observed.rows[release].get(name) for name in shipped} == shipped, release
    assert observed.hashes == tables.wheels()
    assert differences(known(None), observed, TODAY) == ()


def test_what_nobody_answers_is_unknown_and_no_difference(index) -> None:
    observed = asked(index)
    assert [one.what for one in observed.unknown] == ["PyTorch's release matrix", "builds on PyTorch's index"]
    assert all("404" in one.reason for one in observed.unknown)
    assert observed.pytorch is None


def test_a_wheel_is_never_read_whole(index) -> None:
    asked(index)
    wheels = [headers for path, headers in index.server.asked if path.startswith("/files/")]
    assert wheels
    assert all("range" in headers for headers in wheels)


def test_a_server_without_ranges_leaves_it_open_what_wheels_ask_for(index) -> None:
    index.ranges = False
    observed = asked(index)
    assert "torch 2.8.0 for x86_64" in {one.what for one in observed.unknown}
    assert {one.field for one in differences(known(None), observed, TODAY)} == set()


def test_metadata_comes_from_its_own_file_where_the_index_has_one(index) -> None:
    name = "torch-2.8.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    index.pages["torch"][name]["core-metadata"] = {"sha256": "0" * 64}
    index.server.routes[f"/files/{name}.metadata"] = b"Metadata-Version: 2.1\nRequires-Dist: triton==9.9\n"
    index.server.routes[f"/files/{name}"] = index.server.routes[
        "/files/torch-1.7.0-cp36-cp36m-manylinux1_x86_64.whl"
    ]
    assert asked(index).rows["2.8.0"]["triton"] == "9.9"


def test_a_scrape_that_gives_old_releases_a_python_is_refused(index) -> None:
    """cog's table of July 2025 had Python 3.13 for 55 old releases."""
    old = [release for release, row in ROWS.items() if row["released"] < "2024-10"]
    for release in old:
        tag = "manylinux1_x86_64"
        add_torch(
            index, release, f"cp313-cp313-{tag}", "2025-07-01", cuda=ROWS[release]["default_cuda"]["x86_64"]
        )
    wrong = [one for one in found(index) if one.field == "python"]
    assert len(old) == 26
    assert {one.release for one in wrong} == set(old)
    assert all(one.suspicious and "gets Python 3.13 now" in one.suspicious for one in wrong)
    assert {one.name for one in differing.refused(found(index), ())} >= {f"torch{one}:python" for one in old}


def test_one_is_taken_by_its_name_and_no_other(index) -> None:
    for release in ("2.4.0", "2.4.1"):
        add_torch(index, release, "cp313-cp313-manylinux1_x86_64", "2025-07-01", cuda="12.1")
    suspicious = found(index)
    left = differing.refused(suspicious, ("torch2.4.1:python",))
    assert {one.release for one in left} == {"2.4.0"}
    with pytest.raises(InputError, match=r"torch2\.4\.1:pythn") as caught:
        differing.refused(suspicious, ("torch2.4.1:pythn",))
    assert caught.value.problems[0].hint == "did you mean torch2.4.1:python?"


def test_a_young_release_may_still_get_wheels(index) -> None:
    add_torch(index, "2.15.0", "cp316-cp316-manylinux_2_28_x86_64", "2026-11-25", cuda="13.2")
    assert told(index) == {"torch2.15.0:python": None, "torch2.15.0:wheels": None}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (r"^torch-1\.7\.1-", {"torch1.7.1:release": "it was on the index, and is not any more"}),
        (
            r"^torch-2\.8\.0-cp39-",
            {
                "torch2.8.0:python": "wheels for Python 3.9 are gone",
                "torch2.8.0:wheels": "gone: "
                "cp39-cp39-manylinux_2_28_aarch64, cp39-cp39-manylinux_2_28_x86_64",
            },
        ),
        (r"^torch-2\.10\.0-3-cp310-", {"torch2.10.0:wheels": "gone: 3-cp310-cp310-manylinux_2_28_x86_64"}),
    ],
)
def test_what_vanishes_is_suspicious(index, pattern: str, names: dict[str, str]) -> None:
    index.without("torch", pattern)
    assert told(index) == names


def test_a_yanked_wheel_counts_as_gone(index) -> None:
    for name, row in index.pages["torch"].items():
        row["yanked"] = "broken" if name.startswith("torch-1.7.1-") else False
    assert set(told(index)) == {"torch1.7.1:release"}


def test_other_bytes_under_an_old_name_are_suspicious(index) -> None:
    name = "torch-2.8.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    index.pages["torch"][name]["hashes"]["sha256"] = "0" * 64
    why = "not the bytes that were there before: cp311-cp311-manylinux_2_28_x86_64"
    assert told(index) == {"torch2.8.0:wheels": why}


def test_a_wheel_that_asks_for_something_else_is_suspicious(index) -> None:
    name = "torch-2.8.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    index.server.routes[f"/files/{name}"] = index.server.routes[
        "/files/torch-2.7.1-cp311-cp311-manylinux_2_28_x86_64.whl"
    ]
    assert {one.field for one in found(index) if one.suspicious} == {
        "default_cuda",
        "cudnn",
        "nccl",
        "triton",
    }


def test_a_new_companion_is_news_and_no_suspicion(index) -> None:
    name = "torchvision-0.29.3-py3-none-any.whl"
    index.add("torchvision", name, "2026-11-20", asks=("torch>=2.15.0",))
    assert told(index) == {"torch2.15.0:torchvision": None}


def with_builds(index: Index, builds: dict[str, list[str]]) -> Observed:
    index.server.routes["/whl/torch/"] = pytorch_page(builds)
    return asked(index)


def test_a_build_that_appears_on_a_release_of_years_ago_is_suspicious(index) -> None:
    builds = {"2.1.2": ["cpu", "cu118", "cu121", "cu130"], "2.15.0": ["cpu", "cu130", "cu132", "cu134"]}
    named = {one.name: one.suspicious for one in differences(known(None), with_builds(index, builds), TODAY)}
    assert named["torch2.1.2:variants"] == "it is 1078 days old, and gets cu130 now"
    assert named["torch2.15.0:variants"] is None


def test_a_build_that_is_gone_is_suspicious(index) -> None:
    named = {
        one.name: one.suspicious
        for one in differences(known(None), with_builds(index, {"2.8.0": ["cpu", "cu126", "cu128"]}), TODAY)
    }
    assert named["torch2.8.0:variants"] == "builds cu129 are gone"


def test_a_release_that_should_have_been_there_before_is_suspicious(index) -> None:
    add_torch(index, "2.7.2", "cp312-cp312-manylinux_2_28_x86_64", "2025-07-01", cuda="12.6")
    assert told(index) == {"torch2.7.2:release": "it is of 2025-07-01, and was not there on 2026-11-23"}


def test_an_index_that_tells_no_days_leaves_it_open_what_hangs_on_them(index) -> None:
    opened = index.open()
    rows = "".join(
        f'<a href="{row["url"]}#sha256={row["hashes"]["sha256"]}">{name}</a>\n'
        for name, row in index.pages["torch"].items()
    )
    index.server.routes["/simple/torch/"] = f"<html>{rows}</html>".encode()
    observed = observe(opened, pytorch=f"{index.server.url}/x", matrix=f"{index.server.url}/x")
    assert observed.hashes == tables.wheels()
    assert {one.field for one in differences(known(None), observed, TODAY)} == set()


def test_what_came_and_what_went_is_told_in_few_words(index) -> None:
    add_torch(index, "2.4.1", "cp313-cp313-manylinux1_x86_64", "2025-07-01", cuda="12.1")
    index.without("torch", r"^torch-2\.8\.0-cp39-.*aarch64")
    observed = asked(index)
    lines = facts_checked.as_text(observed, changes(observed)).splitlines()
    assert "torch2.4.1:python  x86_64 +3.13" in lines
    assert "torch2.8.0:python  aarch64 -3.9" in lines
    assert "torch2.8.0:wheels  gone: 1 of 12 wheels" in lines
    assert "    suspicious: it is 813 days old, and gets Python 3.13 now" in lines
