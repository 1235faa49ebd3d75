"""Debian from this machine's own mirror: what apt is configured with, and what stands in the way."""

import shutil
from pathlib import Path

import pytest

from builder.errors import OutsideError
from builder.source import debian_base, debian_mirror, open_source

DEB822 = """\
Types: deb
# a comment inside
URIs: http://mirror.example.com/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://security.example.com/debian-security
Suites: bookworm-security
Components: main
"""
REFUSED = """\
#!/bin/sh
echo "Err:1 $2"
echo "E: Failed to fetch $2  Could not connect to 127.0.0.1:9"
exit 100
"""
OTHERS = "deb https://packages.example.org/apt cloud-sdk-bookworm main\n"


@pytest.fixture
def apt(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def configured(apt, env=None):
    mirror = debian_mirror.configured(env or {}, apt)
    return mirror.archive, mirror.security


def test_paragraphs_are_read(apt):
    (apt / "sources.list.d" / "a-cloud.list").write_text(OTHERS)
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert configured(apt) == (
        "http://mirror.example.com/debian",
        "http://security.example.com/debian-security",
    )


def test_one_line_sources_are_read(apt):
    (apt / "sources.list").write_text(
        "# deb http://old.example.com/debian bullseye main\n"
        "deb-src http://src.example.com/debian bookworm main\n"
        "deb cdrom:[Debian]/ bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] https://m.example.com/debian/ stable main non-free # ours\n"
        "deb https://m.example.com/security stable-security main\n" + OTHERS
    )
    assert configured(apt) == ("https://m.example.com/debian", "https://m.example.com/security")


def test_a_source_that_is_switched_off_is_not_used(apt):
    (apt / "sources.list.d" / "a.sources").write_text("Enabled: no\n" + DEB822.replace("mirror.", "off."))
    (apt / "sources.list.d" / "b.sources").write_text(DEB822)
    assert configured(apt)[0] == "http://mirror.example.com/debian"


def test_without_debian_sources_it_is_debian_s_public_mirror(apt):
    (apt / "sources.list.d" / "cloud.list").write_text(OTHERS)
    (apt / "sources.list.d" / "ubuntu.sources").write_text(DEB822.replace("bookworm", "noble"))
    assert configured(apt) == (debian_mirror.PUBLIC, debian_mirror.PUBLIC_SECURITY)


def test_a_mirror_that_is_named_goes_first(apt):
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    env = {"ENVBUILD_DEBIAN_MIRROR": "https://m.example.com/debian/"}
    assert configured(apt, env) == ("https://m.example.com/debian", "https://m.example.com/debian-security")


def test_other_systems_cannot_be_bootstrapped(tmp_path):
    with pytest.raises(OutsideError, match="only Debian's can") as caught:
        open_source(tmp_path).bootstrap("ubuntu22.04", "jammy")
    assert "docker load" in caught.value.problems[0].hint


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(OutsideError, match="mmdebstrap is not installed") as caught:
        open_source(tmp_path).bootstrap("debian12", "bookworm")
    assert "apt-get install mmdebstrap" in caught.value.problems[0].hint


def test_root_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(debian_base, "_tools_missing", lambda: False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(OutsideError, match="needs root"):
        open_source(tmp_path).bootstrap("debian12", "bookworm")


@pytest.fixture(params=[False, True] if Path(debian_base.APT_HELPER).is_file() else [False])
def helper(request, tmp_path, monkeypatch):
    """One that fails as apt's does, and apt's own where there is one."""
    if not request.param:
        program = tmp_path / "apt-helper"
        program.write_text(REFUSED)
        program.chmod(0o755)
        monkeypatch.setattr(debian_base, "APT_HELPER", str(program))


@pytest.mark.slow
@pytest.mark.usefixtures("helper")
def test_a_mirror_that_does_not_answer_is_named_without_its_login(tmp_path, monkeypatch):
    monkeypatch.setattr(debian_base, "_tools_missing", lambda: False)  # mmdebstrap is not reached
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("ENVBUILD_DEBIAN_MIRROR", "http://user:s3kret@127.0.0.1:9/debian")
    with pytest.raises(OutsideError, match=r"127\.0\.0\.1:9/debian/dists/bookworm/InRelease") as caught:
        open_source(tmp_path).bootstrap("debian12", "bookworm")
    assert "s3kret" not in repr(caught.value.problems)
    assert "onnect" in str(caught.value)


def test_opening_a_source_costs_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ENVBUILD_STORE", str(tmp_path / "elsewhere"))
    source = open_source()
    assert source.root == tmp_path / "elsewhere"
    assert not source.root.exists()
