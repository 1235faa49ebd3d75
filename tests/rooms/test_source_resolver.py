"""uv resolves for the cell, with this machine's settings, and says plainly why it cannot."""

import os
import re
import subprocess
import sys
import tempfile

import pytest
from source_orders import bare_machine, names, only, order, resolve
from source_server import SECRET, USER, Server, own_authority, wheel

from builder.errors import CellError, InputError, OutsideError
from builder.source import installer, pins_txt, platforms
from builder.source.host import HostSource

pytestmark = pytest.mark.slow


@pytest.fixture
def env(tmp_path):
    return bare_machine(tmp_path)


@pytest.fixture
def index():
    with Server() as server:
        yield server


def test_each_package_is_one_wheel_with_address_and_hash(tmp_path, env, index):
    index.publish(*wheel("tiny", "1.0", requires=("other>=1",)))
    index.publish(*wheel("other", "2.0"))
    supplies = resolve(tmp_path, only(env, index), order("tiny"))
    assert names(supplies) == ["other==2.0", "tiny==1.0"]
    assert supplies.wheels[1].url == f"{index.url}/files/tiny-1.0-py3-none-any.whl"
    assert supplies.notes == ()
    content = wheel("tiny", "1.0", requires=("other>=1",))[1]
    fetched = HostSource(root=tmp_path / "store", env=only(env, index)).fetch(
        supplies.wheels[1], lambda *_: None
    )
    assert fetched.read_bytes() == content


def test_a_page_without_hashes_still_gives_them(tmp_path, env, index):
    name, content = wheel("tiny", "1.0")
    index.publish(name, content, hashed=False)
    supplies = resolve(tmp_path, only(env, index), order("tiny"))
    assert re.fullmatch("[0-9a-f]{64}", supplies.wheels[0].sha256)


def test_the_cell_s_python_counts_and_not_this_one(tmp_path, env, index):
    for tag in ("cp311-cp311", "cp312-cp312", "cp313-cp313", "cp313-cp313t"):
        index.publish(*wheel("tiny", "1.0", tag=f"{tag}-manylinux_2_28_x86_64"))
    for python, abi in (("3.11", "cp311"), ("3.13", "cp313"), ("3.13t", "cp313t"), ("3.12.4", "cp312")):
        supplies = resolve(tmp_path, only(env, index), order("tiny", python=python))
        assert supplies.wheels[0].filename.split("-")[3] == abi
    with pytest.raises(CellError, match=r"^tiny 1.0 has no wheel for Python 3.10$"):
        resolve(tmp_path, only(env, index), order("tiny==1.0", python="3.10"))


def test_a_minor_stands_for_a_late_patch_of_it(tmp_path, env, index):
    """Old releases of torch ask for Python 3.6.2 or later."""
    index.publish(*wheel("tiny", "1.0", python=">=3.6.2"))
    assert names(resolve(tmp_path, only(env, index), order("tiny", python="3.6"))) == ["tiny==1.0"]
    with pytest.raises(CellError, match=r"Python >=3\.6\.2"):
        resolve(tmp_path, only(env, index), order("tiny", python="3.6.1"))


def test_the_cell_s_glibc_and_architecture_count(tmp_path, env, index):
    for version, tag in (
        ("1.0", "2_17_x86_64"),
        ("2.0", "2_28_x86_64"),
        ("3.0", "2_38_x86_64"),
        ("2.5", "2_28_aarch64"),
    ):
        index.publish(*wheel("tiny", version, tag=f"py3-none-manylinux_{tag}"))
    for glibc, version in (
        ("2.17", "1.0"),
        ("2.27", "1.0"),
        ("2.28", "2.0"),
        ("2.36", "2.0"),
        ("2.41", "3.0"),
    ):
        supplies = resolve(tmp_path, only(env, index), order("tiny", glibc=glibc))
        assert supplies.wheels[0].version == version
    supplies = resolve(tmp_path, only(env, index), order("tiny", arch="aarch64"))
    assert supplies.wheels[0].version == "2.5"
    with pytest.raises(CellError, match=r"^tiny 3.0 has no wheel for x86_64 with glibc 2.36$"):
        resolve(tmp_path, only(env, index), order("tiny==3.0"))


def test_a_cell_older_than_every_wheel_is_told_so(tmp_path, env, index):
    with pytest.raises(CellError, match=r"no manylinux wheels for x86_64 with glibc 2.12"):
        resolve(tmp_path, only(env, index), order("tiny", glibc="2.12"))


def test_a_source_archive_is_not_taken_for_it_would_have_to_be_run(tmp_path, env, index):
    index.publish("tiny-1.0.tar.gz", b"its setup.py would be run to make a wheel of it")
    with pytest.raises(CellError, match="tiny"):
        resolve(tmp_path, only(env, index), order("tiny"))
    assert not [path for path, _ in index.asked if path.endswith(".tar.gz")]


def test_the_platforms_are_those_that_uv_knows():
    told = subprocess.run(
        [installer.find(), "pip", "compile", "--help"], capture_output=True, text=True, check=True
    )
    known = {int(minor) for minor in re.findall(r"x86_64-manylinux_2_(\d+)", told.stdout)}
    assert known == set(platforms.GLIBC_KNOWN)


def test_constraints_hold_and_the_real_index_answers(tmp_path):
    """With this machine's own settings: numpy 1 where a trap says so, for a Python that is not this one."""
    supplies = resolve(tmp_path, dict(os.environ), order("numpy", constraints=("numpy<2",)))
    assert [pin.version.split(".")[0] for pin in supplies.wheels] == ["1"]
    assert "-cp312-" in supplies.wheels[0].filename


def test_credentials_work_and_show_nowhere(tmp_path, env):
    with Server(auth=True) as index:
        index.publish(*wheel("tiny", "1.0"))
        own = env | {"PIP_INDEX_URL": f"{index.url_with_secret}/simple"}
        source = HostSource(root=tmp_path / "store", env=own)
        supplies = source.resolve(order("tiny"))
        source.fetch(supplies.wheels[0], lambda *_: None)
        with pytest.raises(CellError) as absent:
            source.resolve(order("absent"))
        del index.routes["/files/tiny-1.0-py3-none-any.whl"]
        gone = HostSource(root=tmp_path / "again", env=own)
        with pytest.raises(OutsideError) as missing:
            gone.fetch(supplies.wheels[0], lambda *_: None)
    said = repr((supplies, pins_txt(supplies), absent.value.problems, missing.value.problems))
    stored = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    held = "".join(str(path) for path in stored) + "".join(path.read_text("latin-1") for path in stored)
    for secret in (SECRET, USER):
        assert secret not in said
        assert secret not in held


def test_wrong_credentials_are_said_without_showing_them(tmp_path, env):
    with Server(auth=True) as index:
        own = env | {"PIP_INDEX_URL": index.url.replace("://", "://somebody:wr0ng@") + "/simple"}
        with pytest.raises(CellError) as caught:
            resolve(tmp_path, own, order("tiny"))
    said = repr(caught.value.problems)
    assert "401" in said
    assert "wr0ng" not in said
    assert "somebody" not in said


def test_uv_gets_no_address_by_its_arguments(tmp_path, env, index, monkeypatch):
    seen = []
    genuine = installer.run
    monkeypatch.setattr(installer, "run", lambda given, **rest: seen.append(given) or genuine(given, **rest))
    index.publish(*wheel("tiny", "1.0"))
    resolve(tmp_path, only(env, index), order("tiny"))
    assert "://" not in " ".join(seen[0])


def test_reasons_in_plain_words(tmp_path, env, index):
    index.publish(*wheel("tiny", "1.0"))
    index.publish(*wheel("tiny", "2.0"))
    index.publish(*wheel("needs_tiny", "1", requires=("tiny<2",)))
    index.publish(*wheel("picky", "1", tag="py2-none-any"))
    page = '<a href="/files/old-1.0.tar.gz">old-1.0.tar.gz</a>'
    index.routes["/simple/old/"] = page.encode()
    said = {
        ("tiny==9",): "no tiny 9 for Python 3.12 on the reachable indexes",
        ("absent",): "no package absent on the reachable indexes",
        ("tiny<2", "tiny>=2"): "tiny<2 and tiny>=2 contradict each other",
        ("needs-tiny==1", "tiny==2.0"): "needs-tiny needs tiny<2, and tiny==2.0 is asked for as well",
        ("old==1.0",): "old 1.0 has no wheel, only a source distribution",
        ("picky==1",): "picky 1 has no wheel for Python 3.12",
    }
    for requirements, message in said.items():
        with pytest.raises(CellError) as caught:
            resolve(tmp_path, only(env, index), order(*requirements))
        assert str(caught.value) == message


def test_an_index_that_does_not_answer_is_the_outside(tmp_path, env):
    own = env | {"PIP_INDEX_URL": f"http://{USER}:{SECRET}@127.0.0.1:9/simple"}
    with pytest.raises(
        OutsideError, match=r"^http://127.0.0.1:9/simple/tiny/ does not answer: Connection refused"
    ):
        resolve(tmp_path, own, order("tiny"))


@pytest.mark.parametrize(
    "text", ["-r /etc/passwd", "tiny @ https://x.invalid/${HOME}/t.whl", "tiny\n-e .", "--pre"]
)
def test_a_requirement_is_a_requirement_and_nothing_else(tmp_path, env, text):
    with pytest.raises(InputError):
        resolve(tmp_path, env, order(text))


def test_the_project_in_the_current_folder_has_no_say(tmp_path, env, index, monkeypatch):
    index.publish(*wheel("tiny", "1.0"))
    index.publish(*wheel("tiny", "2.0"))
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\noverride-dependencies = ["tiny==1.0"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = only(env, index) | {
        "UV_PRERELEASE": "allow",
        "UV_TORCH_BACKEND": "cu126",
        "UV_RESOLUTION": "lowest",
    }
    assert names(resolve(tmp_path, own, order("tiny"))) == ["tiny==2.0"]


def test_a_machine_s_own_uv_settings_do_apply(tmp_path, env, index):
    index.publish(*wheel("tiny", "1.0"))
    folder = tmp_path / "config" / "uv"
    folder.mkdir(parents=True)
    (folder / "uv.toml").write_text(f'[[index]]\nurl = "{index.url}/simple"\ndefault = true\n')
    own = env | {"XDG_CONFIG_HOME": str(folder.parent)}
    assert names(resolve(tmp_path, own, order("tiny"))) == ["tiny==1.0"]


def test_pip_s_certificate_serves_uv_and_the_download(tmp_path, env):
    """A network with its own certificate authority, from the index page to the wheel in the store."""
    certificate, context = own_authority(tmp_path)
    without = {name: value for name, value in env.items() if not name.endswith(("_CERT_FILE", "_CA_BUNDLE"))}
    with Server(tls=context) as index:
        name, content = wheel("tiny", "1.0")
        index.publish(name, content)
        source = HostSource(
            root=tmp_path / "store", env=only(without, index) | {"PIP_CERT": str(certificate)}
        )
        pin = source.resolve(order("tiny")).wheels[0]
        assert source.fetch(pin, lambda *_: None).read_bytes() == content
        with pytest.raises(OutsideError, match="does not answer"):
            resolve(tmp_path, only(without, index), order("tiny"))


def test_a_direct_address_is_pinned_too(tmp_path, env, index):
    name, content = wheel("tiny", "1.0")
    index.publish(name, content)
    supplies = resolve(tmp_path, only(env, index), order(f"tiny @ {index.url}/files/{name}"))
    assert [(pin.version, pin.filename) for pin in supplies.wheels] == [("1.0", name)]


def test_the_pins_install_offline(tmp_path, env, index):
    """uv accepts our pins file, checks it, and puts a local version in from a folder."""
    index.publish(*wheel("torch", "2.8.0+cpu", requires=("tiny",)))
    index.publish(*wheel("tiny", "1.0"))
    source = HostSource(root=tmp_path / "store", env=only(env, index))
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    supplies = source.resolve(order("torch==2.8.0+cpu", python=here))
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for pin in supplies.wheels:
        (wheels / pin.filename).symlink_to(source.fetch(pin, lambda *_: None))
    (tmp_path / "pins.txt").write_bytes(pins_txt(supplies))
    venv = tmp_path / "venv"
    subprocess.run([installer.find(), "venv", "-q", "--python", sys.executable, venv], check=True, env=env)
    install = ["pip", "install", "--python", venv, "--offline", "--no-index", "--find-links", wheels]
    done = [installer.find(), *install, "--require-hashes", "-r", tmp_path / "pins.txt"]
    subprocess.run(done, check=True, env=env, capture_output=True)
    shown = "import torch, tiny; print(torch.__version__, tiny.__version__)"
    found = subprocess.run([venv / "bin" / "python", "-c", shown], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["2.8.0+cpu", "1.0"]
