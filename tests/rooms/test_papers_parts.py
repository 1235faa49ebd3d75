"""Packages with their URLs and the lock's files; what other tests of papers are about is here, too."""

import hashlib
from dataclasses import replace

import pytest
from packageurl import PackageURL

from builder.errors import InputError
from builder.papers import Contents, Package, Release, Subject
from builder.papers.parts import parts
from builder.source.api import Pin

LONG = "Redistribution and use are permitted.\n\nThis software is provided as is.\n"


def dist(spelled: str, version: str, **more) -> Package:
    return Package(name=spelled.lower().replace("_", "-"), spelled=spelled, version=version, **more)


def deb(
    name: str, version: str, source: str, architecture: str = "amd64", source_version: str = ""
) -> Package:
    return Package(
        name=name,
        spelled=name,
        version=version,
        architecture=architecture,
        source=source,
        source_version=source_version or version,
    )


def pin(name: str, version: str, filename: str, *, url: bool = True) -> Pin:
    sha256 = hashlib.sha256(filename.encode()).hexdigest()
    address = f"https://files.example.com/{filename.replace('+', '%2B')}" if url else None
    return Pin(name=name, version=version, filename=filename, url=address, sha256=sha256, size=7)


DEBIAN = Contents(
    python=(
        dist("Markup_Safe", "3.0.3", expression="BSD-3-Clause"),
        dist("numpy", "2.3.1", licence=LONG),
        dist("odd", "1.0", licence="MIT License"),
        dist("pip", "26.0"),
        dist("torch", "2.8.0+cpu", expression="BSD-3-Clause AND (MIT OR Apache-2.0)"),
    ),
    interpreter=Package(name="cpython", spelled="cpython", version="3.12.1"),
    system=(
        deb("git", "1:2.39.5-0+deb12u2", "git"),
        deb("libc6", "2.36-9+deb12u10", "glibc"),
        deb("libstdc++6", "12.2.0-14", "gcc-12"),
        deb("tzdata", "2025b-0", "tzdata", "all"),
    ),
    tool="dpkg",
    os=Release(id="debian", version="12", title="Debian GNU/Linux 12 (bookworm)"),
)
ROCKY = replace(
    DEBIAN,
    system=(
        deb("bash", "5.1.8-6.el9", "bash", "x86_64"),
        Package(name="gpg-pubkey", spelled="gpg-pubkey", version="350d275d-6279464b"),
        deb("openssl-libs", "1:3.0.7-27.el9", "openssl", "x86_64", "3.0.7-27.el9"),
    ),
    tool="rpm",
    os=Release(id="rocky", version="9.4", title="Rocky Linux 9.4 (Blue Onyx)"),
)
PINS = (
    pin("cpython", "3.12.1", "cpython-3.12.1+20240107-x86_64-unknown-linux-gnu.tar.gz"),
    pin("markup-safe", "3.0.3", "markup_safe-3.0.3-cp312-cp312-manylinux_2_28_x86_64.whl"),
    pin("torch", "2.8.0+cpu", "torch-2.8.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl", url=False),
    pin("git", "1:2.39.5-0+deb12u2", "git_1%3a2.39.5-0+deb12u2_amd64.deb"),
)
SUBJECT = Subject(
    name="team/torch",
    digest=f"sha256:{'ab' * 32}",
    cell="debian12-py3.12-cpu-torch2.8.0",
    epoch=1_700_000_000,
    version="0.1.0",
)


def pinned(contents: Contents, pins) -> dict[str, str]:
    """Which file each package came from, by its URL."""
    return {part.purl: part.pin.filename for part in parts(contents, pins) if part.pin}


def test_every_package_is_a_part_with_a_url_of_its_own_in_their_order():
    found = parts(DEBIAN, PINS)
    urls = [part.purl for part in found]
    assert urls == sorted(set(urls))
    told = {(part.package.spelled, part.package.version) for part in found}
    there = (*DEBIAN.python, DEBIAN.interpreter, *DEBIAN.system)
    assert told == {(package.spelled, package.version) for package in there}


@pytest.mark.parametrize(
    ("contents", "url"),
    [
        (DEBIAN, "pkg:pypi/markup-safe@3.0.3"),
        (DEBIAN, "pkg:pypi/torch@2.8.0%2Bcpu"),
        (DEBIAN, "pkg:generic/cpython@3.12.1"),
        (DEBIAN, "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12"),
        (DEBIAN, "pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u2?arch=amd64&distro=debian-12"),
        (ROCKY, "pkg:rpm/rocky/bash@5.1.8-6.el9?arch=x86_64&distro=rocky-9.4"),
        (ROCKY, "pkg:rpm/rocky/openssl-libs@3.0.7-27.el9?arch=x86_64&distro=rocky-9.4&epoch=1"),
        (ROCKY, "pkg:rpm/rocky/gpg-pubkey@350d275d-6279464b?distro=rocky-9.4"),
    ],
)
def test_a_url_is_as_the_specification_has_it(contents, url):
    assert url in [part.purl for part in parts(contents, ())]
    assert PackageURL.from_string(url).to_string() == url


def test_a_release_without_a_version_is_named_alone():
    rolling = replace(DEBIAN, os=Release(id="debian", version="", title="Debian GNU/Linux forky/sid"))
    assert "pkg:deb/debian/tzdata@2025b-0?arch=all&distro=debian" in [
        part.purl for part in parts(rolling, ())
    ]


def test_a_package_has_the_file_that_the_lock_pins_for_it():
    assert pinned(DEBIAN, PINS) == {
        "pkg:generic/cpython@3.12.1": PINS[0].filename,
        "pkg:pypi/markup-safe@3.0.3": PINS[1].filename,
        "pkg:pypi/torch@2.8.0%2Bcpu": PINS[2].filename,
        "pkg:deb/debian/git@1:2.39.5-0%2Bdeb12u2?arch=amd64&distro=debian-12": PINS[3].filename,
    }


@pytest.mark.parametrize(
    "other",
    [
        pin("git", "1:2.39.5-0+deb12u1", "git_1%3a2.39.5-0+deb12u1_amd64.deb"),
        pin("git", "1:2.39.5-0+deb12u2", "git_1%3a2.39.5-0+deb12u2_arm64.deb"),
        pin("torch", "2.8.0", "torch-2.8.0-cp312-cp312-manylinux_2_28_x86_64.whl"),
        pin("git", "1:2.39.5-0+deb12u2", "git-1.whl"),
        pin("cpython", "3.12.2", "cpython-3.12.2.tar.gz"),
    ],
    ids=lambda other: other.filename,
)
def test_a_file_of_another_version_kind_or_machine_is_not_its(other):
    assert pinned(DEBIAN, (other,)) == {}


def test_of_two_files_that_it_may_have_come_from_none_is_told():
    other = pin("torch", "2.8.0+cpu", "torch-2.8.0+cpu-cp312-cp312-manylinux_2_28_aarch64.whl")
    assert "pkg:pypi/torch@2.8.0%2Bcpu" not in pinned(DEBIAN, (*PINS, other))
    assert pinned(DEBIAN, (*PINS, *PINS)) == pinned(DEBIAN, PINS)


@pytest.mark.parametrize(
    "digest", ["", "ab" * 32, f"sha256:{'AB' * 32}", "sha512:00", f"sha256:{'ab' * 32}\n"]
)
def test_a_document_is_about_a_digest_and_nothing_else(digest):
    with pytest.raises(InputError, match="is no sha256 digest"):
        replace(SUBJECT, digest=digest)
