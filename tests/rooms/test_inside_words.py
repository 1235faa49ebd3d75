"""The small languages of the verifier: versions, requirements, markers, GPU names, systems."""

import importlib
import itertools
import os
import sys

import pytest
from inside_faults.harness import run as _  # noqa: F401 - makes sure that the harness imports without torch
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from builder.bundle import bundle

VERSIONS = (
    "0.9", "1", "1.0", "1.0.0", "1.0.dev1", "1.0a1", "1.0a1.dev2", "1.0b2", "1.0rc1", "1.0.post1",
    "1.0.post1.dev3", "1.0+cpu", "1.0+cu126", "1.0.1", "1.1", "1.10", "1.10.2+cu102",
    "2.0", "2!1.0", "1.0-1", "1.0.rev2",
    "v1.0", "1.0c1", "12.6.85", "2023.10.3", "1.0+ubuntu.1", "1.0+10", "1.0+9",
)  # fmt: skip
RANGES = (
    "==1.0", "==1.0+cpu", "==1.*", "==1.0.*", "!=1.0", "!=1.0.*", "<1.0", "<=1.0", ">1.0", ">=1.0", "~=1.0",
    "~=1.0.0", "<1.0.post1", ">1.0a1", ">=1.0,<2", ">=1.0.dev1", "==1.0a1", "===1.0", "<2!1.0", ">1.0.post1",
    "~=1.0.post1", "!=1.0+cpu", "<1.0rc1", "", ">=1,!=1.0.1",
)  # fmt: skip
MARKERS = (
    "python_version < '3.7'", "python_version >= '3.6' and sys_platform == 'linux'", "extra == 'fast'",
    "platform_machine == 'x86_64' or platform_machine == 'aarch64'", "sys_platform != 'win32'",
    "(python_version < '3' or os_name == 'posix') and platform_system == 'Linux'", "'linux' in sys_platform",
    "platform_python_implementation == 'PyPy'", "python_full_version >= '3.10.1'",
    "sys_platform not in 'win32 darwin'",
    "implementation_name == \"cpython\" and extra == \"slow\"", "python_version == '3.*'",
    "platform_python_implementation != 'PyPy' and python_version ~= '3.6'", "extra != 'fast'",
)  # fmt: skip


@pytest.fixture(scope="module")
def inside(tmp_path_factory):
    """Gives the verifier's modules by name, imported from the packed file as in an image."""
    path = tmp_path_factory.mktemp("packed") / "verify.pyz"
    path.write_bytes(bundle())
    sys.path.insert(0, str(path))
    yield lambda name: importlib.import_module(f"inside.{name}")
    sys.path.remove(str(path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "inside"]:
        del sys.modules[name]


def test_versions_are_ordered_as_packaging_does(inside):
    versions = inside("versions")
    for one, other in itertools.product(VERSIONS, repeat=2):
        mine = (
            versions.Version(one).key > versions.Version(other).key,
            versions.Version(one).key == versions.Version(other).key,
        )
        assert mine == (Version(one) > Version(other), Version(one) == Version(other)), (one, other)


def test_ranges_match_as_packaging_does(inside):
    versions = inside("versions")
    for text, ranges in itertools.product(VERSIONS, RANGES):
        known = SpecifierSet(ranges).contains(text, prereleases=True)
        assert versions.matches(text, ranges) == known, (text, ranges)


@pytest.mark.parametrize("text", ["", "one", "1.0+", "1..0", "1.0-", "1.0 2.0"])
def test_what_is_no_version_is_refused(inside, text):
    with pytest.raises(ValueError, match="not a version"):
        inside("versions").Version(text)


def test_markers_hold_as_in_packaging(inside):
    requirement = inside("requirement")
    for marker, extra in itertools.product(MARKERS, ("", "fast", "slow")):
        wish = requirement.parsed(f"a-tool; {marker}")
        assert requirement.applies(wish, extra) == Marker(marker).evaluate({"extra": extra}), (marker, extra)


def test_the_surroundings_are_those_of_packaging(inside):
    from packaging.markers import default_environment

    mine = inside("requirement").surroundings()
    assert {name: mine[name] for name in default_environment()} == dict(default_environment())


@pytest.mark.parametrize(
    "marker", ["python_version <", "no_such == '1'", "(os_name == 'posix'", "os_name ! 'a'", "'a' 'b'"]
)
def test_a_marker_that_is_none_is_refused(inside, marker):
    requirement = inside("requirement")
    with pytest.raises(ValueError, match=r"marker|parenthesis|compared"):
        requirement.applies(requirement.parsed(f"a-tool; {marker}"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("numpy", ("numpy", [], "", "")),
        ("Typing_Extensions (>=4.0)", ("typing-extensions", [], ">=4.0", "")),
        (
            "cuda-toolkit[cudart, cublas]==13.0 ; sys_platform == 'linux'",
            ("cuda-toolkit", ["cublas", "cudart"], "==13.0", "sys_platform == 'linux'"),
        ),
        ("tool @ https://example.org/tool.whl ; os_name == 'nt'", ("tool", [], "", "os_name == 'nt'")),
        ("tool>=1,<2;extra=='x'", ("tool", [], ">=1,<2", "extra=='x'")),
    ],
)
def test_requirements_are_read(inside, text, wanted):
    wish = inside("requirement").parsed(text)
    assert (wish.name, sorted(wish.extras), wish.ranges, wish.marker) == wanted


def test_the_requirements_of_old_eggs_are_read(inside, tmp_path):
    (tmp_path / "PKG-INFO").write_text("Name: Old_Tool\nVersion: 1.0\n\n")
    (tmp_path / "requires.txt").write_text("six>=1\n\n[fast]\nnumpy\n\n[:python_version<'3']\nfutures\n")
    egg = tmp_path.rename(tmp_path.with_suffix(".egg-info"))
    one = inside("installed").read(str(egg))
    assert (one.name, one.version) == ("old-tool", "1.0")
    assert one.requires == ["six>=1", "numpy ; extra == 'fast'", "futures ; (python_version<'3')"]


@pytest.mark.parametrize(
    ("name", "device", "covered"),
    [
        ("sm_80", (8, 6), True),
        ("sm_86", (8, 0), False),
        ("sm_70", (8, 0), False),
        ("sm_90a", (9, 0), True),
        ("sm_90a", (9, 1), False),
        ("sm_100f", (10, 3), True),
        ("sm_100", (10, 0), True),
        ("sm_120", (10, 0), False),
        ("compute_90", (12, 0), True),
        ("compute_90", (8, 6), False),
        ("gfx90a", (9, 0), False),
    ],
)
def test_which_gpus_a_kernel_runs_on(inside, name, device, covered):
    assert inside("architectures").covers(name, device) is covered


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ({"ID": "ubuntu", "VERSION_ID": "22.04"}, "ubuntu22.04"),
        ({"ID": "debian", "VERSION_ID": "12"}, "debian12"),
        ({"ID": "debian", "VERSION_CODENAME": "forky"}, "debianforky"),
        ({"ID": "centos", "VERSION_ID": "7", "NAME": "CentOS Linux"}, "centos7"),
        ({"ID": "centos", "VERSION_ID": "8", "NAME": "CentOS Linux"}, "centos8"),
        ({"ID": "centos", "VERSION_ID": "8", "NAME": "CentOS Stream"}, "centos-stream8"),
        ({"ID": "rocky", "VERSION_ID": "9.4"}, "rocky9"),
        ({"ID": "almalinux", "VERSION_ID": "8.10"}, "alma8"),
        ({"ID": "rhel", "VERSION_ID": "9.2"}, "ubi9"),
        ({}, ""),
    ],
)
def test_systems_have_the_names_of_the_tables(inside, words, name):
    assert inside("system").os_name(words) == name


@pytest.mark.parametrize(
    ("driver", "built", "enough"),
    [
        ((12, 2), "12.8", True),
        ((11, 4), "12.1", False),
        ((13, 0), "12.8", True),
        ((10, 1), "10.2", False),
        ((10, 2), "10.2", True),
    ],
)
def test_which_driver_is_new_enough(inside, driver, built, enough):
    assert inside("driver").enough(driver, built) is enough


@pytest.mark.parametrize(
    ("found", "claimed", "agrees"),
    [
        ("3.11.7", "3.11", True),
        ("3.11.7", "3.1", False),
        ("3.11.7", "3.11.7", True),
        ("3.13.1t", "3.13t", True),
        ("3.13.1t", "3.13", False),
        ("3.13.1", "3.13t", False),
    ],
)
def test_which_python_was_meant(inside, found, claimed, agrees):
    assert inside("interpreter").agrees(found, claimed) is agrees


def test_who_may_write_into_a_folder(inside, tmp_path, monkeypatch):
    accounts = inside("accounts")
    tmp_path.chmod(0o755)
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 12345)
    monkeypatch.setattr(os, "getegid", lambda: 54321)
    monkeypatch.setattr(os, "getgroups", list)
    assert not accounts.may_write(str(tmp_path))
    assert "may not write" in accounts.folder_problem("home", str(tmp_path))
    tmp_path.chmod(0o757)
    assert accounts.may_write(str(tmp_path))
    tmp_path.chmod(0o775)
    monkeypatch.setattr(os, "getgroups", lambda: [tmp_path.stat().st_gid])
    assert accounts.may_write(str(tmp_path))


def test_the_first_of_two_places_counts(inside, tmp_path, monkeypatch):
    for folder, version in (("first", "1.0"), ("second", "2.0")):
        place = tmp_path / folder / f"a_tool-{version}.dist-info"
        place.mkdir(parents=True)
        (place / "METADATA").write_text(f"Name: a.tool\nVersion: {version}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second")])
    found, complaints = inside("installed").everything()
    assert (found["a-tool"].version, complaints) == ("1.0", [])


def test_numbers_that_json_cannot_hold_are_written_as_words(inside):
    plain = inside("record").plain
    assert plain({"a": float("nan"), "b": [float("-inf")], "c": {"x"}, "d": "\x1b[31mred\x1b[0m"}) == {
        "a": "nan", "b": ["-inf"], "c": ["x"], "d": "red",
    }  # fmt: skip
    assert len(plain("x" * 10**6)) < 3000
    assert len(plain(list(range(10**5)))) < 1000
