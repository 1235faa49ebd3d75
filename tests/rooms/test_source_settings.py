"""This machine's own settings, as pip, uv and the environment tell them."""

import os
import shutil
import subprocess
import sys

import pytest

from builder.source import debian_mirror, installer, pip_settings, surroundings, uv_settings
from builder.source.scrub import bare, scrub, secrets_of, shown
from builder.source.settings import Settings

LISTING = """\
:env:.cert='/etc/ssl/env.pem'
:env:.find-links='/srv/wheels'
download.index-url='https://download.example.com/simple'
global.cert='/etc/ssl/global.pem'
global.extra-index-url='\\nfile:///srv/index/simple\\nhttps://a.example.com/simple https://b.example.com/simple'
global.find-links='/somewhere/else'
global.index-url='https://user:secret@index.example.com/simple'
global.proxy='user:pw@proxy.example.com:3128'
global.timeout='180'
global.trusted-host='index.example.com other.example.com:8443'
install.no-index='yes'
list.format='columns'
"""


def test_pip_s_listing_is_read_with_pip_s_precedence():
    found = pip_settings.parse(LISTING)
    assert found.cert == "/etc/ssl/env.pem"
    assert found.find_links == ("file:///srv/wheels",)
    assert found.index == "https://download.example.com/simple"
    assert found.extra_indexes == (
        "file:///srv/index/simple",
        "https://a.example.com/simple",
        "https://b.example.com/simple",
    )
    assert found.no_index is True
    assert found.proxy == "http://user:pw@proxy.example.com:3128"
    assert found.trusted == ("index.example.com", "other.example.com:8443")
    assert found.timeout == 180


def test_an_empty_listing_is_pip_s_defaults():
    assert pip_settings.parse("") == Settings()


def test_pip_itself_is_asked(tmp_path):
    configured = tmp_path / "pip.conf"
    configured.write_text(
        "[global]\nindex-url = https://token@index.example.com/simple\nno-index = false\n"
        "find-links =\n    wheels,of the team\n    https://links.example.com/torch.html\n"
        "[install]\ncert = ~/ca.pem\n"
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_CONFIG_FILE": str(configured)}
    found = pip_settings.read(env | {"PIP_EXTRA_INDEX_URL": "https://env.example.com/simple"})
    assert found.index == "https://token@index.example.com/simple"
    assert found.extra_indexes == ("https://env.example.com/simple",)
    assert found.find_links[-1] == "https://links.example.com/torch.html"
    assert found.find_links[0].endswith("/wheels%2Cof")
    assert found.cert == os.path.expanduser("~/ca.pem")  # noqa: PTH111
    assert found.no_index is False


def test_another_pip_is_asked_where_this_python_has_none(tmp_path, monkeypatch):
    """A virtual environment that uv made has no pip of its own."""
    subprocess.run(
        [installer.find(), "venv", "-q", "--python", sys.executable, tmp_path / "bare"], check=True
    )
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    assert shutil.which("pip")
    env = {
        "PATH": os.environ["PATH"],
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": "https://i.example.com/s",
    }
    assert pip_settings.read(env).index == "https://i.example.com/s"


def test_no_pip_anywhere_is_no_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pip_settings.read({}) == Settings()


def test_uv_s_variables_go_before_pip_s():
    pip = Settings(
        index="https://pip.example.com/s", extra_indexes=("https://e.example.com/s",), cert="/pip.pem"
    )
    env = {
        "UV_DEFAULT_INDEX": "https://uv.example.com/s",
        "UV_INDEX": "team=https://team.example.com/s https://two.example.com/s",
        "UV_INDEX_TEAM_USERNAME": "reader",
        "UV_INDEX_TEAM_PASSWORD": "p/w",
        "UV_FIND_LINKS": "https://links.example.com,/srv/wheels",
        "SSL_CERT_FILE": "/env.pem",
    }
    found = uv_settings.merged(pip, env)
    assert found.index == "https://uv.example.com/s"
    assert found.extra_indexes == (
        "https://reader:p%2Fw@team.example.com/s",
        "https://two.example.com/s",
        "https://e.example.com/s",
    )
    assert found.find_links == ("https://links.example.com", "/srv/wheels")
    assert found.cert == "/pip.pem"
    assert uv_settings.merged(Settings(), env).cert == "/env.pem"


def test_what_changes_a_resolution_does_not_reach_uv():
    env = {
        "PATH": "/bin",
        "UV_TORCH_BACKEND": "cu126",
        "UV_OVERRIDE": "x",
        "UV_PRERELEASE": "allow",
    }
    kept = {"PATH": "/bin", "UV_CACHE_DIR": "/c", "UV_EXCLUDE_NEWER": "2026-01-01"}  # a team's own guard
    assert uv_settings.environment(Settings(), env | kept) == kept


def test_settings_in_uv_s_words(tmp_path):
    settings = Settings(
        index="https://u:p@i.example.com/s",
        find_links=("file:///a,b",),
        cert=str(tmp_path),
        proxy="http://proxy:1",
        trusted=("h",),
        timeout=30,
    )
    told = uv_settings.environment(settings, {"SSL_CERT_FILE": "/old.pem", "https_proxy": "http://old:1"})
    assert told["UV_DEFAULT_INDEX"] == "https://u:p@i.example.com/s"
    assert told["UV_FIND_LINKS"] == "file:///a%2Cb"
    assert told["SSL_CERT_DIR"] == str(tmp_path)
    assert "SSL_CERT_FILE" not in told
    assert {told[name] for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY")} == {"http://proxy:1"}
    assert (told["UV_INSECURE_HOST"], told["UV_HTTP_TIMEOUT"]) == ("h", "30")


def test_credentials_are_those_of_the_same_origin_and_the_nearest_path():
    settings = Settings(
        index="https://a:1@h.example.com/team-a/simple",
        extra_indexes=("https://b%40x:2%2F@h.example.com/team-b/simple",),
    )
    assert settings.credentials("https://h.example.com/team-b/files/x.whl") == ("b@x", "2/")
    assert settings.credentials("https://h.example.com:443/team-a/files/x.whl") == ("a", "1")
    assert settings.credentials("http://h.example.com/team-a/x.whl") is None
    assert settings.credentials("https://h.example.com:8443/team-a/x.whl") is None
    assert settings.credentials("https://h.example.com.evil.example/x.whl") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://user:p%40ss@h.example.com/x",
        "https://token@h.example.com/x",
        "https://user:p@ss@h.example.com/x",
        "https://user:****@h.example.com/x",
    ],
)
def test_no_user_info_survives(url):
    assert scrub(f"failed: `{url}`, see {url}") == (
        "failed: `https://h.example.com/x`, see https://h.example.com/x"
    )
    assert bare(url) == shown(url) == "https://h.example.com/x"


def test_secrets_are_struck_out_wherever_they_stand():
    secrets = secrets_of(["https://user:p%40ss@h.example.com/x", "https://t0ken@h.example.com/x"])
    assert scrub("login with p@ss, p%40ss or t0ken as user", secrets) == "login with ***, *** or *** as user"


def test_signed_links_are_shown_without_their_query():
    assert shown("https://h.example.com/x.whl?sig=abc#sha256=1") == "https://h.example.com/x.whl"
    assert bare("https://h.example.com/x.whl?sig=abc#sha256=1") == "https://h.example.com/x.whl?sig=abc"


def test_uv_is_for_this_machine_s_images():
    assert installer.find_for_images().read_bytes()[:4] == b"\x7fELF"


def test_a_uv_that_cannot_run_in_an_image_is_refused(tmp_path, monkeypatch):
    fake = tmp_path / "uv"
    fake.write_text("#!/bin/sh\n")
    monkeypatch.setattr(installer, "find", lambda: fake)
    with pytest.raises(installer.OutsideError, match="not a Linux program"):
        installer.find_for_images()
    fake.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(11) + (0xF3).to_bytes(2, "little"))
    with pytest.raises(installer.OutsideError, match="cannot install inside"):
        installer.find_for_images()


def test_a_build_is_lent_proxies_and_apt_dates_and_nothing_that_lies_on_this_machine(monkeypatch) -> None:
    lines = (
        'Acquire::http::Proxy "http://127.0.0.1:3142";',
        'Acquire::https::CaInfo "/here/only.pem";',
        'Acquire::Check-Valid-Until "false";',
    )
    monkeypatch.setattr(debian_mirror, "apt_options", lambda: lines)
    around = surroundings.read(
        {"https_proxy": "http://127.0.0.1:1", "NO_PROXY": "", "PIP_CERT": "/here/only.pem"}
    )
    assert around.apt == f"{lines[0]}\n{lines[2]}\n".encode()
    assert around.proxies == (("https_proxy", "http://127.0.0.1:1"),)
