"""From a lock to files again: by address, by name and sha256 here, from a mirror folder, or not at all."""

import hashlib
from dataclasses import replace

import pytest
from lock_outside import Engine, Source, asked, fitting, ports
from source_orders import bare_machine
from source_server import Server, pin_of, wheel

from builder import lock
from builder.errors import OutsideError
from builder.source.host import HostSource
from builder.source.mirror import Mirror

NAME, CONTENT = wheel("tiny", "1.0")
PIN = replace(pin_of(NAME, CONTENT), url=None)
PYTHON = "cpython-3.12.1+20240107-x86_64-unknown-linux-gnu-install_only.tar.gz"


def fetched(tmp_path, env, wanted=PIN):
    source = HostSource(root=tmp_path / "store", env=bare_machine(tmp_path) | env)
    return source.fetch(wanted, lambda *_: None).read_bytes()


def test_a_wheel_without_address_is_found_in_find_links(tmp_path):
    for folder, content in (("wrong", b"another build of the same name"), ("right", CONTENT)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / NAME).write_bytes(content)
    links = f"{tmp_path / 'wrong'} {tmp_path / 'right'}"
    assert fetched(tmp_path, {"PIP_FIND_LINKS": links}) == CONTENT


def test_a_wheel_without_address_is_found_on_a_local_index(tmp_path):
    page = tmp_path / "simple" / "tiny" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<a href="../../files/{NAME}#sha256=0">{NAME}</a>')
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / NAME).write_bytes(CONTENT)
    assert fetched(tmp_path, {"PIP_EXTRA_INDEX_URL": (tmp_path / "simple").as_uri()}) == CONTENT


def test_a_wheel_without_address_is_found_on_an_index_with_login(tmp_path):
    with Server(auth=True) as server:
        server.publish(NAME, CONTENT)
        assert fetched(tmp_path, {"PIP_INDEX_URL": f"{server.url_with_secret}/simple"}) == CONTENT


@pytest.mark.parametrize("way", ["mirror", "listing"])
def test_a_python_without_address_is_found_where_uv_looks(tmp_path, way):
    folder = tmp_path / "pythons" / "20240107"
    folder.mkdir(parents=True)
    (folder / PYTHON).write_bytes(CONTENT)
    (tmp_path / "list.json").write_text(f'{{"x": {{"url": "{(folder / PYTHON).as_uri()}"}}}}')
    env = {
        "mirror": {"UV_PYTHON_INSTALL_MIRROR": folder.parent.as_uri()},
        "listing": {"UV_PYTHON_DOWNLOADS_JSON_URL": str(tmp_path / "list.json")},
    }[way]
    assert fetched(tmp_path, env, replace(pin_of(PYTHON, CONTENT, name="cpython"), url=None)) == CONTENT


def test_what_is_nowhere_is_told_with_its_sha256(tmp_path):
    with pytest.raises(OutsideError, match=f"{NAME} is nowhere: sha256 {PIN.sha256}"):
        fetched(tmp_path, {"PIP_NO_INDEX": "1"})


def kept(tmp_path, content=CONTENT):
    (tmp_path / "in").write_bytes(content)
    Mirror(root=tmp_path / "mirror").keep(tmp_path / "in", PIN.sha256, NAME)
    return {"ENVBUILD_MIRROR": str(tmp_path / "mirror"), "ENVBUILD_OFFLINE": "1"}


def test_a_mirror_serves_before_any_address(tmp_path):
    with Server() as server:
        env = kept(tmp_path)
        assert fetched(tmp_path, env, pin_of(f"{server.url}/files/{NAME}", CONTENT)) == CONTENT
        assert server.asked == []


def test_a_tampered_mirror_is_refused_by_name(tmp_path):
    with pytest.raises(OutsideError, match=f"{NAME} is not the file that was pinned"):
        fetched(tmp_path, kept(tmp_path, b"tampered"))


def test_offline_nobody_is_asked_and_the_missing_file_is_named(tmp_path):
    with Server() as server:
        server.publish(NAME, CONTENT)
        wanted = pin_of(f"{server.url}/files/{NAME}", CONTENT)
        env = {"ENVBUILD_OFFLINE": "1", "PIP_INDEX_URL": f"{server.url}/simple"}
        for one in (wanted, PIN):
            with pytest.raises(OutsideError, match=f"offline, {NAME} cannot be fetched") as caught:
                fetched(tmp_path, env, one)
            assert "envbuild fetch" in caught.value.problems[0].hint
        assert server.asked == []
        assert fetched(tmp_path, {}, wanted) == CONTENT
        assert fetched(tmp_path, env, wanted) == CONTENT  # it is in the store now


def test_offline_no_base_is_bootstrapped(tmp_path):
    source = HostSource(root=tmp_path, env=bare_machine(tmp_path) | {"ENVBUILD_OFFLINE": "1"})
    with pytest.raises(OutsideError, match="offline"):
        source.bootstrap("debian12", "bookworm")


def test_a_bases_layers_come_from_the_mirror_or_an_earlier_bootstrap(tmp_path):
    sums = [hashlib.sha256(one).hexdigest() for one in (b"one", b"two")]
    made = tmp_path / "store" / "bootstrap"
    made.mkdir(parents=True)
    (made / "bookworm-x86_64-0.tar").write_bytes(b"one")
    (made / "bookworm-x86_64-0.sha256").write_text(f"{sums[0]} 5\n")
    env = bare_machine(tmp_path) | {"ENVBUILD_MIRROR": str(tmp_path / "mirror")}
    source = HostSource(root=tmp_path / "store", env=env)
    wanted = tuple(f"sha256:{one}" for one in sums)
    assert source.base_layers(wanted) is None
    (tmp_path / "in").write_bytes(b"two")
    assert Mirror(root=tmp_path / "mirror").keep(tmp_path / "in", sums[1])
    assert [path.read_bytes() for path in source.base_layers(wanted)] == [b"one", b"two"]
    layer = Mirror(root=tmp_path / "mirror").layer(sums[1])
    layer.write_bytes(b"new")
    with pytest.raises(OutsideError, match=r"layer.tar is not the layer"):
        source.base_layers(wanted)


def test_a_mirror_is_filled_once(tmp_path):
    wanted = asked(tmp_path)
    made = fitting(wanted)
    source = Source(tmp_path)
    source.base_layers = lambda layers: tuple(source.bootstrap("debian12", "bookworm") for _ in layers)
    outside = ports(tmp_path, Engine(), source)
    first = lock.mirror(made, tmp_path / "mirror", outside, lambda _: None)
    assert (first.files, first.new) == (7, 7)
    names = sorted(path.name for path in (tmp_path / "mirror").rglob("*") if path.is_file())
    assert names.count("layer.tar") == 2
    assert names == sorted([pin.filename for pin in made.files] + ["layer.tar"] * 2)


def test_another_base_than_the_locked_one_is_not_mirrored(tmp_path):
    made = fitting(asked(tmp_path))
    with pytest.raises(OutsideError, match="another debian:12 than the lock pins"):
        lock.mirror(made, tmp_path / "mirror", ports(tmp_path), lambda _: None)
