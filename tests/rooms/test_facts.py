"""The tables: whole, consistent with themselves, each row with its sources; and what they answer."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

import pytest

from builder import facts
from builder.names import cuda_version, matches, variant, version_key

FACTS = facts.load()
SYSTEMS = {
    *(f"ubuntu{release}" for release in ("18.04", "20.04", "22.04", "24.04", "26.04")),
    *(f"debian{release}" for release in (11, 12, 13)),
    *(f"centos{release}" for release in ("7", "8", "-stream8", "-stream9", "-stream10")),
    *(f"{family}{release}" for family in ("rocky", "alma") for release in (8, 9, 10)),
}


def test_all_releases_and_systems_are_there() -> None:
    assert len(FACTS.torch) == 42
    assert (next(iter(FACTS.torch)), FACTS.newest_torch) == ("1.7.0", "2.15.0")
    assert set(FACTS.os) == SYSTEMS
    assert FACTS.date == "2026-11-23"


def test_every_row_names_sources_that_exist_with_a_date() -> None:
    rows = [
        *FACTS.os.values(),
        *FACTS.torch.values(),
        *FACTS.cuda.values(),
        *FACTS.python.values(),
        *FACTS.providers.values(),
        *FACTS.gaps,
        *FACTS.traps,
        *FACTS.architectures,
    ]
    for keys in [row.source for row in rows] + [row.variants_source for row in FACTS.torch.values()]:
        title, seen = FACTS.cited(keys)
        assert title
        assert date.fromisoformat(seen) <= datetime.now(tz=timezone.utc).date()


@pytest.mark.parametrize(("table", "days"), [("torch", 60), ("cuda", 180), ("os", 180), ("python", 180)])
def test_a_table_is_stale_so_many_days_after_it_was_verified(table: str, days: int) -> None:
    row = FACTS.tables[table]
    assert date.fromisoformat(row.stale_after) - date.fromisoformat(row.verified) == timedelta(days)
    assert row not in FACTS.stale(row.stale_after)
    assert row in FACTS.stale("2099-01-01")


def test_what_the_index_s_wheel_brings_is_told() -> None:
    row = FACTS.torch["2.8.0"]
    assert (row.cudnn, row.nccl, row.triton) == ("9.10.2.21", "2.27.3", "3.4.0")
    assert all(row.nccl for row in FACTS.torch.values() if row.triton)
    assert FACTS.torch["1.13.1"].nccl is None
    assert FACTS.cuda["12.8"].archs == ("5.0", "12.0")
    assert (FACTS.cuda["12.8"].toolkit_driver, FACTS.cuda["12.8"].last_driver) == ("570.26", "570.124.06")
    assert FACTS.cuda["13.0"].gcc_below == 16


def test_rows_are_in_the_order_of_versions() -> None:
    for table in (FACTS.torch, FACTS.cuda, FACTS.python):
        assert list(table) == sorted(table, key=version_key)


@pytest.mark.parametrize("version", list(FACTS.torch))
def test_a_torch_row_agrees_with_itself_and_with_the_other_tables(version: str) -> None:
    row = FACTS.torch[version]
    assert date.fromisoformat(row.released) < date.fromisoformat(FACTS.date)
    assert row.variants[0] == "cpu"
    assert not set(row.variants) & set(row.variants_unconfirmed)
    assert all(
        cuda_version(name) in FACTS.cuda for name in row.variants + row.variants_unconfirmed if name != "cpu"
    )
    assert set(row.python) == set(row.glibc) == set(row.default_cuda)
    for arch, default in row.default_cuda.items():
        assert variant(default or "cpu") in row.builds(arch)
    assert len(row.torchvision) >= 1
    assert len(row.torchaudio) >= 1


def test_no_old_release_grew_a_python() -> None:
    """A table that was scraped wrongly once gave 55 old rows Python 3.13."""
    newest = [max(row.python["x86_64"], key=version_key).rstrip("t") for row in FACTS.torch.values()]
    assert newest == sorted(newest, key=version_key)
    since = {
        "3.9": "1.7.1",
        "3.10": "1.11.0",
        "3.11": "1.13.0",
        "3.12": "2.2.0",
        "3.13": "2.5.0",
        "3.14": "2.9.0",
    }
    for minor, first in since.items():
        having = [release for release, row in FACTS.torch.items() if minor in row.python["x86_64"]]
        assert having[0] == first


@pytest.mark.parametrize(
    ("asked", "release"),
    [
        ("2.8", "2.8.0"),
        ("2.7", "2.7.1"),
        ("2.7.0", "2.7.0"),
        ("1.13", "1.13.1"),
        ("9.9", None),
        ("2.8.9", None),
        ("*", None),
    ],
)
def test_a_minor_means_its_newest_patch(asked: str, release: str | None) -> None:
    assert FACTS.torch_release(asked) == release


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ubuntu22.04", "ubuntu22.04"),
        ("Ubuntu:22.04", "ubuntu22.04"),
        ("ubuntu-22.04", "ubuntu22.04"),
        ("debian:bookworm", "debian12"),
        ("centos:7", "centos7"),
        ("centos-stream-9", "centos-stream9"),
        ("centos:stream9", "centos-stream9"),
        ("rockylinux:9", "rocky9"),
        ("almalinux8", "alma8"),
        ("ubuntu22", None),
        ("", None),
        ("centos", None),
    ],
)
def test_systems_are_known_as_people_spell_them(written: str, name: str | None) -> None:
    assert FACTS.os_name(written) == name


def test_images_are_tags_that_were_seen_and_none_is_made_up() -> None:
    """Others compose tags that never existed: cudnn8 after CUDA 12.2.2, images for Debian or Alma."""
    for cuda, row in FACTS.cuda.items():
        for os, image in row.devel_images.items():
            assert re.fullmatch(r"nvidia/cuda:[\d.]+-(cudnn[789]?-)?devel-[a-z]+[\d.]+", image)
            assert image.startswith(f"nvidia/cuda:{cuda}")
            assert os in FACTS.os
            assert not os.startswith(("debian", "centos-stream", "alma"))
            if version_key(cuda) >= version_key("12.4"):
                assert not re.search(r"cudnn\d", image)
    assert FACTS.devel_image("ubuntu22.04", "12.6") == "nvidia/cuda:12.6.3-cudnn-devel-ubuntu22.04"
    assert FACTS.devel_image("centos7", "12.4") == "nvidia/cuda:12.4.0-devel-centos7"
    assert FACTS.devel_image("rocky8", "11.8") == "nvidia/cuda:11.8.0-cudnn8-devel-rockylinux8"


@pytest.mark.parametrize(
    ("os", "cuda"),
    [
        ("debian12", "12.6"),
        ("ubuntu24.04", "12.4"),
        ("ubuntu20.04", "13.0"),
        ("ubuntu18.04", "12.1"),
        ("centos8", "11.7"),
        ("ubuntu22.04", "12.7"),
        ("ubuntu22.04", "cpu"),
        ("ubuntu26.04", "12.9"),
    ],
)
def test_where_no_image_was_seen_there_is_none(os: str, cuda: str) -> None:
    assert FACTS.devel_image(os, cuda) is None


@pytest.mark.parametrize(
    ("package", "torch", "python", "release"),
    [
        ("torchvision", "2.8.0", "3.11", "0.23.0"),
        ("torchvision", "2.14.0", "3.11", "0.29.0"),
        ("torchvision", "2.14.1", "3.11", "0.29.1"),
        ("torchvision", "2.15.0", "3.15", "0.29.2"),
        ("torchvision", "1.7.0", "3.8", "0.8.1"),
        ("torchaudio", "2.0.1", "3.10", "2.0.2"),
        ("torchao", "2.8.0", "3.11", "0.14.0"),
        ("torchao", "2.8.0", "3.9", "0.13.0"),
        ("torchvision", "1.13.1", "3.11", None),
        ("torchaudio", "2.5.1", "3.13", None),
        ("torchaudio", "2.15.0", "3.15", None),
        ("torchao", "2.4.1", "3.11", None),
        ("numpy", "2.8.0", "3.11", None),
        ("torchvision", "9.9", "3.11", None),
    ],
)
def test_companions_fit(package: str, torch: str, python: str, release: str | None) -> None:
    assert FACTS.companion(package, torch, python) == release


@pytest.mark.parametrize(
    ("torch", "python", "glibc", "bounds"),
    [
        ("1.13.1", "3.10", "2.35", ["numpy<2", "setuptools<70"]),
        ("2.2.2", "3.10", "2.35", ["numpy<2"]),
        ("2.3.0", "3.10", "2.35", []),
        ("2.6.0", "3.10", "2.17", ["numpy<=2.2.6"]),
        ("1.7.1", "3.9", "2.17", ["numpy<2", "numpy<=2.2.6"]),
        ("2.8.0", "3.12", "2.39", []),
    ],
)
def test_traps_bound_what_is_installed(torch: str, python: str, glibc: str, bounds: list[str]) -> None:
    assert [bound.requirement for bound in FACTS.constraints(torch, python, glibc)] == bounds


def test_torch_without_distutils_gets_setuptools() -> None:
    assert [r.requirement for r in FACTS.requirements("2.3.1", "3.12", "2.36")] == ["setuptools"]
    assert FACTS.requirements("2.3.1", "3.11", "2.36") == ()
    assert FACTS.requirements("2.4.0", "3.12", "2.36") == ()


def test_every_trap_that_acts_says_with_what() -> None:
    for trap in FACTS.traps:
        assert (trap.requirement is not None) == (trap.level in ("constraint", "requirement"))
        assert trap.level != "warning" or trap.glibc is None, "cells do not ask warnings for their glibc"


@pytest.mark.parametrize(
    ("torch", "cuda", "arch", "archs"),
    [
        ("2.7.1", "12.8", "x86_64", ("7.5", "8.0", "8.6", "9.0", "10.0", "12.0+PTX")),
        ("2.8.0", "12.8", "x86_64", ("7.0", "7.5", "8.0", "8.6", "9.0", "10.0", "12.0")),
        ("1.12.1", "10.2", "x86_64", ("3.7", "5.0", "6.0", "7.0")),
        ("2.15.0", "13.2", "aarch64", ("8.0", "9.0", "10.0", "11.0", "12.0")),
        ("2.8.0", "cpu", "x86_64", ()),
        ("1.7.1", "9.2", "x86_64", ()),
    ],
)
def test_kernels_of_a_build(torch: str, cuda: str, arch: str, archs: tuple[str, ...]) -> None:
    assert FACTS.archs(torch, cuda, arch) == archs


def test_no_build_has_kernels_in_two_rows() -> None:
    for torch, row in FACTS.torch.items():
        for name in row.variants:
            rows = [
                a
                for a in FACTS.architectures
                if a.arch == "x86_64" and name in a.variants and matches(a.torch, torch)
            ]
            assert len(rows) <= 1


def test_which_build_the_package_index_has() -> None:
    assert FACTS.index_has_build("2.6.0", "12.4", "x86_64")
    assert not FACTS.index_has_build("2.6.0", "12.6", "x86_64")
    assert not FACTS.index_has_build("2.6.0", "cpu", "x86_64")
    assert FACTS.index_has_build("2.6.0", "cpu", "aarch64")
    assert not FACTS.index_has_build("1.7.1", "cpu", "aarch64"), "there is no wheel for aarch64 at all"
    assert FACTS.index_has_build("2.15.0", "13.2", "aarch64")
    assert not FACTS.index_has_build("9.9", "cpu", "x86_64")
    assert FACTS.pytorch_index("cu126") == "https://download.pytorch.org/whl/cu126"
