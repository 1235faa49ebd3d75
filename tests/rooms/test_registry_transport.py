"""Which way a request goes: TLS or not, through a proxy or not, and what is said when none does."""

import socket
import threading

import pytest
from registry_server import Answer, Fault, client, serve, sha256
from source_server import own_authority

from builder.errors import InputError, OutsideError
from builder.registry import connect
from builder.registry.transport import Times

CONTENT = b"layer"
DIGEST = sha256(CONTENT)
NONE = {"HOME": "/nowhere"}


@pytest.fixture
def server():
    with serve() as running:
        running.blobs["team/torch"] = {DIGEST: CONTENT}
        yield running


def test_this_machine_is_asked_without_tls_where_it_speaks_none(server):
    assert connect(server.host, environ=NONE).has("team/torch", DIGEST) == len(CONTENT)


def test_this_machine_is_asked_with_tls_where_it_speaks_it(tmp_path):
    _, tls = own_authority(tmp_path)
    with (
        serve(tls=tls) as registry,
        pytest.raises(OutsideError, match=r"certificate of .* is not trusted") as raised,
    ):
        connect(registry.host, environ=NONE).has("team/torch", DIGEST)
    assert "--ca" in raised.value.problems[0].hint


def test_a_certificate_authority_can_be_given(tmp_path):
    authority, tls = own_authority(tmp_path)
    with serve(tls=tls) as registry:
        registry.blobs["team/torch"] = {DIGEST: CONTENT}
        assert connect(registry.host, ca=authority, environ=NONE).has("team/torch", DIGEST) == len(CONTENT)
        bundle = NONE | {"REQUESTS_CA_BUNDLE": str(authority)}
        assert connect(registry.host, environ=bundle).has("team/torch", DIGEST) == len(CONTENT)


def test_who_gives_an_authority_wants_tls(server, tmp_path):
    authority, _ = own_authority(tmp_path)
    with pytest.raises(OutsideError, match=r"secure connection to .* failed") as raised:
        connect(server.host, ca=authority, environ=NONE).has("team/torch", DIGEST)
    assert "--plain-http" in raised.value.problems[0].hint


@pytest.mark.parametrize("host", ["registry.example.org", "10.0.0.1:5000", "docker.io"])
def test_nobody_else_is_asked_without_tls(host):
    assert connect(host, environ=NONE).asking.base.startswith("https://")


def test_plain_http_must_be_asked_for_by_name():
    assert connect("10.0.0.1:5000", plain_http=True, environ=NONE).asking.base == "http://10.0.0.1:5000"


def test_docker_hub_answers_elsewhere():
    registry = connect("docker.io", environ=NONE)
    assert (registry.host, registry.asking.base) == ("docker.io", "https://registry-1.docker.io")


def test_a_host_that_is_none_is_refused():
    with pytest.raises(InputError):
        connect("https://registry.example.org")


def test_a_proxy_is_asked_for_other_machines_alone(server):
    with serve() as proxy:
        proxy.faults.append(Fault("HEAD", "", Answer(200, {"Content-Length": "7"}), times=9))
        environ = NONE | {"http_proxy": f"http://{proxy.host}", "no_proxy": "other.example.org,127.0.0.2"}
        assert client(server, environ=environ).has("team/torch", DIGEST) == len(CONTENT)
        assert proxy.asked == []
        assert (
            connect("registry.example.org", plain_http=True, environ=environ).has("team/torch", DIGEST) == 7
        )
        assert proxy.asked[0].headers["host"] == "registry.example.org"


def test_no_proxy_is_asked_for_whom_no_proxy_names(server, monkeypatch):
    where = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **more: where("127.0.0.1", *rest, **more))
    environ = NONE | {"http_proxy": "http://127.0.0.1:9", "no_proxy": ".example.org"}
    server.host = f"registry.example.org:{server.host.rpartition(':')[2]}"
    assert client(server, environ=environ).has("team/torch", DIGEST) == len(CONTENT)


def test_a_proxy_that_lets_nobody_through_is_said(server):
    environ = NONE | {"HTTPS_PROXY": f"http://me:s3kret@{server.host}"}
    server.faults.append(Fault("CONNECT", "", Answer(407), times=9))
    with pytest.raises(OutsideError, match=r"the proxy does not lead to registry.example.org") as raised:
        connect("registry.example.org", environ=environ).has("team/torch", DIGEST)
    assert "s3kret" not in str(raised.value)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_registry_that_does_not_run_is_said(server):
    server.host = f"127.0.0.1:{unused_port()}"
    pauses = []
    words = rf"connection to {server.host} broke: Connection refused \(6 attempts\)"
    with pytest.raises(OutsideError, match=words):
        client(server, pauses).has("team/torch", DIGEST)
    assert len(pauses) == 5


def test_a_name_that_nobody_knows_is_not_asked_for_again(server, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    server.host = "registry.invalid"
    registry, pauses = client(server), []
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(OutsideError, match=r"the name of registry.invalid is unknown"):
        registry.has("team/torch", DIGEST)
    assert pauses == []


def test_a_registry_that_does_not_answer_is_not_waited_for(server):
    hold = threading.Event()
    server.faults.append(Fault("HEAD", "", hold=hold, times=9))
    registry = client(server)
    registry.asking.wire.times = Times(read=0.05)
    with pytest.raises(OutsideError, match=r"no answer came from 127.0.0.1:\d+ in time \(6 attempts\)"):
        registry.has("team/torch", DIGEST)
    hold.set()


def test_what_speaks_no_http_is_said():
    with socket.create_server(("127.0.0.1", 0)) as stranger:

        def greet():
            for _ in range(6):
                connection, _ = stranger.accept()
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(b"220 mail\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        host = f"127.0.0.1:{stranger.getsockname()[1]}"
        with serve() as server:
            server.host = host
            with pytest.raises(OutsideError, match=rf"connection to {host} broke: .*220 mail"):
                client(server).has("team/torch", DIGEST)
        thread.join()


def test_connections_are_used_again(server):
    registry = client(server)
    for _ in range(3):
        registry.has("team/torch", DIGEST)
        registry.manifest("team/torch", "none")
        registry.has("team/torch", "sha256:" + "0" * 64)
    registry.close()
    assert server.connections == 1
