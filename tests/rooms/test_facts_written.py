"""What a refresh writes: whole rows for new releases, what differs of others, what was there before."""

from __future__ import annotations

import pytest
from facts_index import ROWS, TODAY, Index, add_torch, asked, changes, like_the_tables, pytorch_page
from source_server import Server

from builder import facts
from builder.facts import overlay
from builder.facts.upkeep import writing
from builder.facts.upkeep.differing import differences, known
from builder.facts.upkeep.observing import observe
from builder.report import facts_checked

pytestmark = pytest.mark.slow


@pytest.fixture
def index():
    with Server() as server:
        yield like_the_tables(server)


def test_a_new_release_becomes_a_whole_row(index, tmp_path) -> None:
    for tag in ("cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_28_aarch64"):
        add_torch(index, "2.16.0", tag, TODAY, cuda="13.2")
    row = refreshed(index, tmp_path).torch["2.16.0"]
    assert (row.released, row.python["x86_64"], row.floor("aarch64", "cu132")) == (TODAY, ("3.12",), "2.28")
    assert (row.variants, row.variants_unconfirmed) == (("cu132",), ("cpu", "cu130"))
    assert (row.torchaudio, row.torchao) == (("2.11.0",), ("0.18.0", "0.17.0"))
    assert row.default_cuda == {"x86_64": "13.2", "aarch64": "13.2"}


def test_its_builds_are_those_of_pytorch_s_index_where_that_answers(index, tmp_path) -> None:
    add_torch(index, "2.16.0", "cp312-cp312-manylinux_2_28_x86_64", TODAY, cuda="13.2")
    everything = {release: row["variants"] for release, row in ROWS.items()}
    index.server.routes["/whl/torch/"] = pytorch_page({**everything, "2.16.0": ["cpu", "cu130", "cu136"]})
    found = asked(index)
    text = writing.text(
        writing.overlaid({}, [one for one in changes(found) if not one.suspicious], found, TODAY)
    )
    row = overlay.merged(overlay.parse(text, tmp_path / "x"))["torch"]["releases"]["2.16.0"]
    assert row["variants"] == ["cpu", "cu130", "cu136"]
    assert "unconfirmed" not in row


def test_builds_that_the_release_matrix_names_are_not_confirmed(index, tmp_path) -> None:
    add_torch(index, "2.16.0", "cp312-cp312-manylinux_2_28_x86_64", TODAY, cuda="13.2")
    index.server.routes["/whl/RELEASE.md"] = (
        b"| PyTorch version | Python | C++ | Stable CUDA | Experimental CUDA | ROCm |\n"
        b"| --- | --- | --- | --- | --- | --- |\n"
        b"| 2.16 | >=3.12 | C++20 | CUDA 13.2 (CUDNN 9.26.0.51) (NCCL 2.30.7) | CUDA 13.5 | ROCm 7.2 |\n"
        b"| 2.8 | >=3.9, <=3.13 | C++17 | CUDA 12.6 (CUDNN 9.10.2.21), CUDA 12.8 | CUDA 12.9 | ROCm 6.4 |\n"
    )
    found = asked(index)
    assert found.matrix == {"2.16": ("cu132", "cu135"), "2.8": ("cu126", "cu128", "cu129")}
    row = refreshed(index, tmp_path).torch["2.16.0"]
    assert (row.variants, row.variants_unconfirmed) == (("cu132",), ("cpu", "cu135"))


def test_builds_that_the_matrix_names_for_a_known_release_are_not_confirmed_either(index, tmp_path) -> None:
    index.server.routes["/whl/RELEASE.md"] = (
        b"| 2.15 | >=3.11 | C++20 | CUDA 13.0, CUDA 13.2 | CUDA 13.5 | - |\n"
    )
    assert [(one.name, one.suspicious) for one in changes(asked(index))] == [
        ("torch2.15.0:unconfirmed", None)
    ]
    fresh = refreshed(index, tmp_path)
    assert fresh.torch["2.15.0"].variants_unconfirmed == ("cu134", "cu135")
    assert "refreshed_matrix" in fresh.torch["2.15.0"].variants_source


def refreshed(index: Index, tmp_path, before: str = "") -> facts.Facts:
    path = tmp_path / "facts.yaml"
    parts = overlay.parse(before, path).parts if before else {}
    observed = asked(index)
    path.write_text(writing.text(writing.overlaid(parts, changes(observed), observed, TODAY)))
    return facts.load_with(path)


def test_where_nothing_differs_only_the_day_is_written(index, tmp_path) -> None:
    index.server.routes["/whl/torch/"] = pytorch_page({name: row["variants"] for name, row in ROWS.items()})
    observed = asked(index)
    text = writing.text(writing.overlaid({}, (), observed, TODAY))
    (tmp_path / "facts.yaml").write_text(text)
    fresh = facts.load_with(tmp_path / "facts.yaml")
    for name in ("torch", "builds"):
        assert fresh.tables[name].verified == TODAY
        assert fresh.tables[name].stale_after == "2027-01-25"
    assert fresh.overlaid == {}
    assert fresh.torch == facts.load().torch


def test_what_was_not_read_keeps_its_day(index, tmp_path) -> None:
    fresh = refreshed(index, tmp_path)
    assert fresh.tables["torch"].verified == TODAY
    assert fresh.tables["builds"] == facts.load().tables["builds"], "PyTorch's index did not answer"


def test_a_page_alone_is_not_enough_to_call_torch_verified(index, tmp_path) -> None:
    wheels = [path for path in index.server.routes if path.startswith("/files/")]
    index.publish()
    opened = index.open()
    for path in wheels:
        del index.server.routes[path]
    observed = observe(opened, pytorch=f"{index.server.url}/x", matrix=f"{index.server.url}/x")
    assert observed.read == ()
    assert {one.field for one in changes(observed)} == set()
    told = list(facts_checked.not_verified(observed, facts.load()))
    assert told[0] == (
        "note: torch: not all could be read on the package index; its day of verification stays 2026-11-23"
    )


def test_rows_of_the_user_s_own_stay(index, tmp_path) -> None:
    own = "os: {debian12: {image: 'registry.example.com/debian:12'}}\n"
    own += "torch: {2.8.0: {note: mine, nccl: 2.27.3}}\n"
    fresh = refreshed(index, tmp_path, own)
    assert fresh.os["debian12"].image == "registry.example.com/debian:12"
    assert fresh.torch["2.8.0"].note == "mine"
    assert fresh.overlaid["torch", "2.8.0"] == ("note",), (
        "what says the same as the shipped table is left out"
    )


def test_after_a_refresh_nothing_differs_any_more(index, tmp_path) -> None:
    add_torch(index, "2.16.0", "cp312-cp312-manylinux_2_28_x86_64", TODAY, cuda="13.2")
    index.add("torchvision", "torchvision-0.30.0-py3-none-any.whl", TODAY, asks=("torch==2.16.0",))
    refreshed(index, tmp_path)
    kept = overlay.read(tmp_path / "facts.yaml")
    assert differences(known(kept), asked(index), "2026-12-24") == ()
