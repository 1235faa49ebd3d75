"""Files arrive whole or not at all: resumed, retried, refused."""

import os

import pytest
from source_server import (
    SECRET,
    USER,
    Server,
    broken_off,
    in_turn,
    own_authority,
    pin_of,
    ranged,
    reply,
    status,
    wheel,
)

from builder.errors import OutsideError
from builder.source.access import Access
from builder.source.download import Downloader
from builder.source.settings import Settings
from builder.source.store import Store

NAME, CONTENT = wheel("tiny", "1.0")
BIG = bytes(range(256)) * 8192  # 2 MiB, so that there is something to break off


@pytest.fixture(autouse=True)
def _no_login_file(monkeypatch, tmp_path):
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def bring(server_url, content, tmp_path, settings=None, **changes):
    """Fetch through the store, as the source does: the path, the pauses made, the progress told."""
    pauses, told = [], []
    loader = Downloader(access=Access(settings=settings or Settings()), pause=pauses.append)
    pin = pin_of(server_url, content, **changes)
    store = Store(root=tmp_path / "store")
    path = store.place(pin, lambda partial: loader.bring(pin, partial, lambda *step: told.append(step)))
    return path, pauses, told


def test_a_file_arrives_with_its_name_and_progress(tmp_path):
    with Server(routes={f"/files/{NAME}": CONTENT}) as server:
        path, pauses, told = bring(f"{server.url}/files/{NAME}", CONTENT, tmp_path)
    assert path.read_bytes() == CONTENT
    assert path.name == NAME
    assert pauses == []
    assert told[-1] == (NAME, len(CONTENT), len(CONTENT))


def test_a_broken_download_goes_on_where_it_stopped(tmp_path):
    with Server(routes={"/f.whl": broken_off(BIG, 700_000, ranged(BIG))}) as server:
        path, pauses, _ = bring(f"{server.url}/f.whl", BIG, tmp_path)
        ranges = [headers.get("range") for _, headers in server.asked]
    assert path.read_bytes() == BIG
    assert ranges[0] is None
    assert ranges[1].startswith("bytes=")
    assert int(ranges[1].removeprefix("bytes=").rstrip("-")) > 0
    assert len(pauses) == 1


def test_a_server_without_ranges_is_asked_for_everything_again(tmp_path):
    with Server(
        routes={"/f.whl": broken_off(BIG, 700_000, lambda handler: reply(handler, 200, BIG))}
    ) as server:
        path, _, _ = bring(f"{server.url}/f.whl", BIG, tmp_path)
    assert path.read_bytes() == BIG


def test_an_interrupted_fetch_leaves_a_part_that_the_next_one_continues(tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    with Server(routes={"/f.whl": ranged(BIG)}) as server:
        pin = pin_of(f"{server.url}/f.whl", BIG)
        store, loader = Store(root=tmp_path / "store"), Downloader(access=Access(settings=Settings()))
        with pytest.raises(KeyboardInterrupt):
            store.place(pin, lambda partial: loader.bring(pin, partial, stop))
        assert store.find(pin) is None
        path, _, _ = bring(f"{server.url}/f.whl", BIG, tmp_path)
        ranges = [headers.get("range") for _, headers in server.asked]
    assert path.read_bytes() == BIG
    assert ranges == [None, "bytes=262144-"]


def test_a_part_of_another_file_is_thrown_away(tmp_path):
    with Server(routes={"/f.whl": ranged(BIG)}) as server:
        pin = pin_of(f"{server.url}/f.whl", BIG)
        folder = tmp_path / "store" / "sha256" / pin.sha256[:2] / pin.sha256
        folder.mkdir(parents=True)
        (folder / ".partial").write_bytes(b"the start of something else")
        path, _, _ = bring(f"{server.url}/f.whl", BIG, tmp_path)
    assert path.read_bytes() == BIG


def test_a_part_that_is_already_whole_is_kept(tmp_path):
    with Server(routes={"/f.whl": ranged(BIG)}) as server:
        pin = pin_of(f"{server.url}/f.whl", BIG)
        folder = tmp_path / "store" / "sha256" / pin.sha256[:2] / pin.sha256
        folder.mkdir(parents=True)
        (folder / ".partial").write_bytes(BIG)
        path, _, _ = bring(f"{server.url}/f.whl", BIG, tmp_path, size=len(BIG))
        assert len(server.asked) == 1
    assert path.read_bytes() == BIG


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(tmp_path, code):
    with Server(routes={"/f.whl": in_turn(status(code), status(code), ranged(CONTENT))}) as server:
        path, pauses, _ = bring(f"{server.url}/f.whl", CONTENT, tmp_path)
    assert path.read_bytes() == CONTENT
    assert pauses == [0.5, 1.0]


def test_the_server_says_how_long_to_wait_within_bounds(tmp_path):
    answers = in_turn(
        status(429, {"Retry-After": "7"}), status(503, {"Retry-After": "9999"}), ranged(CONTENT)
    )
    with Server(routes={"/f.whl": answers}) as server:
        _, pauses, _ = bring(f"{server.url}/f.whl", CONTENT, tmp_path)
    assert pauses == [7.0, 60.0]


def test_trying_again_has_an_end(tmp_path):
    with Server(routes={"/f.whl": status(503)}) as server:
        with pytest.raises(OutsideError, match=r"the server answered 503 \(6 attempts\)"):
            bring(f"{server.url}/f.whl", CONTENT, tmp_path)
        assert len(server.asked) == 6


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_is_final(tmp_path, code):
    with Server(routes={"/f.whl": status(code)}) as server:
        with pytest.raises(OutsideError, match=f"the server answered {code}") as caught:
            bring(f"{server.url}/f.whl", CONTENT, tmp_path)
        assert len(server.asked) == 1
    assert caught.value.problems[0].hint


def test_another_content_is_refused_with_both_hashes_and_not_kept(tmp_path):
    with Server(routes={"/f.whl": b"something else"}) as server:
        with pytest.raises(OutsideError) as caught:
            bring(f"{server.url}/f.whl", CONTENT, tmp_path)
        pin = pin_of(f"{server.url}/f.whl", CONTENT)
    message = str(caught.value)
    assert pin.sha256 in message
    assert pin_of("/f.whl", b"something else").sha256 in message
    assert [path.name for path in (tmp_path / "store").rglob("*") if path.is_file()] == [".lock"]


def test_a_file_longer_than_announced_is_cut_off(tmp_path):
    with (
        Server(routes={"/f.whl": BIG}) as server,
        pytest.raises(OutsideError, match="longer than the 10 bytes"),
    ):
        bring(f"{server.url}/f.whl", BIG, tmp_path, size=10)


def test_credentials_go_to_the_indexs_host_and_not_with_a_redirect_elsewhere(tmp_path):
    with Server(routes={"/f.whl": CONTENT}) as storage:
        elsewhere = {"Location": storage.url.replace("127.0.0.1", "localhost") + "/f.whl"}
        with Server(routes={"/f.whl": status(302, elsewhere)}, auth=True) as server:
            settings = Settings(index=f"{server.url_with_secret}/simple")
            path, _, _ = bring(f"{server.url}/f.whl", CONTENT, tmp_path, settings)
    assert path.read_bytes() == CONTENT
    assert "authorization" not in storage.asked[0][1]


def test_credentials_of_one_port_do_not_go_to_another(tmp_path):
    with Server(routes={"/f.whl": CONTENT}) as server:
        settings = Settings(index=f"http://{USER}:{SECRET}@127.0.0.1:1/simple")
        bring(f"{server.url}/f.whl", CONTENT, tmp_path, settings)
    assert "authorization" not in server.asked[0][1]


def test_a_login_file_serves(tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {SECRET}\n")
    netrc.chmod(0o600)
    with Server(routes={"/f.whl": CONTENT}, auth=True) as server:
        path, _, _ = bring(f"{server.url}/f.whl", CONTENT, tmp_path)
    assert path.read_bytes() == CONTENT


def test_a_proxy_is_used(tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as proxy:
        proxy.routes["http://index.invalid/f.whl"] = CONTENT  # a proxy is asked for whole addresses
        settings = Settings(proxy=proxy.url)
        path, _, _ = bring("http://index.invalid/f.whl", CONTENT, tmp_path, settings)
    assert path.read_bytes() == CONTENT


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return own_authority(tmp_path_factory.mktemp("tls"))


def test_a_team_s_own_authority_is_trusted_when_pip_names_it(tmp_path, authority):
    certificate, context = authority
    with Server(routes={"/f.whl": CONTENT}, tls=context) as server:
        path, _, _ = bring(f"{server.url}/f.whl", CONTENT, tmp_path, Settings(cert=str(certificate)))
        assert path.read_bytes() == CONTENT


def test_an_unknown_authority_is_refused_at_once(tmp_path, authority):
    with (
        Server(routes={"/f.whl": CONTENT}, tls=authority[1]) as server,
        pytest.raises(OutsideError, match=r"(?i)certificate") as caught,
    ):
        bring(f"{server.url}/f.whl", CONTENT, tmp_path, Settings())
    assert "attempts" not in str(caught.value)


def test_a_trusted_host_needs_no_certificate(tmp_path, authority):
    with Server(routes={"/f.whl": CONTENT}, tls=authority[1]) as server:
        path, _, _ = bring(f"{server.url}/f.whl", CONTENT, tmp_path, Settings(trusted=("127.0.0.1",)))
        assert path.read_bytes() == CONTENT


def test_a_full_disk_is_told_plainly(tmp_path):
    def full(_partial):
        raise OSError(28, os.strerror(28))

    with pytest.raises(OutsideError, match="No space left on device") as caught:
        Store(root=tmp_path / "store").place(pin_of("http://x.invalid/f.whl", CONTENT), full)
    assert "ENVBUILD_STORE" in caught.value.problems[0].hint


def test_a_file_of_this_machine_is_taken_and_never_written_into(tmp_path):
    own = tmp_path / NAME
    own.write_bytes(CONTENT)
    path, _, told = bring(own.as_uri(), CONTENT, tmp_path)
    assert path.read_bytes() == CONTENT
    assert told == [(NAME, len(CONTENT), len(CONTENT))]
    assert own.stat().st_nlink == 1  # see _bring_local

    # An older envbuild was interrupted after linking; the next one downloads: the user's file stays as it is.
    other = b"something else by now"
    own.write_bytes(other)
    with Server(routes={f"/files/{NAME}": ranged(CONTENT)}) as server:
        pin = pin_of(f"{server.url}/files/{NAME}", CONTENT)
        folder = tmp_path / "second" / "store" / "sha256" / pin.sha256[:2] / pin.sha256
        folder.mkdir(parents=True)
        os.link(own, folder / ".partial")
        again, _, _ = bring(pin.url, CONTENT, tmp_path / "second")
    assert again.read_bytes() == CONTENT
    assert own.read_bytes() == other


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(OutsideError, match="cannot be read"):
        bring((tmp_path / "gone.whl").as_uri(), CONTENT, tmp_path)
