"""Where an engine is looked for, and what is said when none answers."""

import hashlib
import json
import shutil
import socketserver
import tempfile
import threading
from pathlib import Path

import pytest
from engine_daemon import Answer, lines, refusal, serve

from builder.engine import connect, endpoints
from builder.errors import InputError, OutsideError


@pytest.fixture
def folder():
    found = Path(tempfile.mkdtemp(prefix="envbuild", dir="/tmp"))  # a socket's path has to be short
    yield found
    shutil.rmtree(found)


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """A user without any setting, on a machine without any socket."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setattr(endpoints, "SYSTEM_SOCKETS", (str(tmp_path / "no.sock"),))


def context(tmp_path: Path, name: str, host: str, *, current: bool) -> None:
    meta = tmp_path / "docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    described = {
        "Name": name,
        "Metadata": {},
        "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}},
    }
    (meta / "meta.json").write_text(json.dumps(described))
    config = {"currentContext": name} if current else {}
    (tmp_path / "docker" / "config.json").write_text(json.dumps(config))


def refused(endpoint: str | None = None) -> tuple[str, str]:
    with pytest.raises(OutsideError) as caught:
        connect(endpoint)
    (problem,) = caught.value.problems
    return problem.message, problem.hint or ""


def test_the_named_one_is_taken(folder, monkeypatch):
    with serve(folder) as daemon:
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
        assert connect(daemon.address).about().endpoint == daemon.address
        monkeypatch.setenv("DOCKER_HOST", daemon.address)
        assert connect().about().kind == "docker"


def test_a_named_one_that_does_not_answer_is_not_replaced(folder, monkeypatch):
    with serve(folder) as daemon:
        monkeypatch.setattr(endpoints, "SYSTEM_SOCKETS", (daemon.address.removeprefix("unix://"),))
        assert connect().about().endpoint == daemon.address
        monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
        message, _ = refused()
    assert "unix:///nowhere.sock (DOCKER_HOST): no such socket" in message
    assert daemon.address not in message


@pytest.mark.parametrize("named", [True, False])
def test_dockers_context_is_honoured(folder, tmp_path, monkeypatch, named):
    with serve(folder) as daemon:
        context(tmp_path, "team", daemon.address, current=not named)
        if named:
            monkeypatch.setenv("DOCKER_CONTEXT", "team")
        assert connect().about().endpoint == daemon.address


def test_an_unknown_context_is_said_so(monkeypatch):
    monkeypatch.setenv("DOCKER_CONTEXT", "nobody")
    message, _ = refused()
    assert "nobody" in message
    assert "no such context" in message


def test_an_unreadable_docker_configuration_is_not_the_end(folder, tmp_path, monkeypatch):
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text("{")
    with serve(folder) as daemon:
        monkeypatch.setattr(endpoints, "SYSTEM_SOCKETS", (daemon.address.removeprefix("unix://"),))
        assert connect().about().endpoint == daemon.address


def test_sockets_of_users_are_looked_for(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    (folder / "podman").mkdir()
    with serve(folder / "podman") as daemon:
        shutil.move(folder / "podman" / "d.sock", folder / "podman" / "podman.sock")
        about = connect().about()
        assert about.endpoint == f"unix://{folder}/podman/podman.sock"
        assert daemon.to("/version")
    looked = endpoints.usual_sockets({"XDG_RUNTIME_DIR": "/r", "HOME": "/h"})
    assert {"/r/docker.sock", "/h/.docker/run/docker.sock", "/r/podman/podman.sock"} <= set(looked)


def test_all_that_was_tried_is_listed_with_what_to_do():
    message, hint = refused()
    assert "no container engine answers" in message
    assert "no.sock (usual socket): no such socket" in message
    assert "docker.io" in hint
    assert "DOCKER_HOST" in hint


def test_a_file_that_is_no_socket_and_a_host_that_refuses(tmp_path):
    (tmp_path / "file").touch()
    assert "refused" in refused(f"unix://{tmp_path}/file")[0]
    assert "refused" in refused("tcp://127.0.0.1:1")[0]
    assert "garbage" in refused("garbage")[0]


def test_ssh_is_refused_with_a_way_round_it():
    message, hint = refused("ssh://host")
    assert "not supported" in message
    assert "ssh -L" in hint


@pytest.mark.parametrize("origin", ["named", "DOCKER_HOST"])
@pytest.mark.parametrize("verify", ["1", None])
def test_missing_certificates_are_named(tmp_path, monkeypatch, origin, verify):
    (tmp_path / "ca.pem").touch()
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    if verify:
        monkeypatch.setenv("DOCKER_TLS_VERIFY", verify)
    if origin == "DOCKER_HOST":
        monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    message, hint = refused("tcp://127.0.0.1:1" if origin == "named" else None)
    assert f"tcp://127.0.0.1:1: {tmp_path} has no cert.pem, key.pem" in message
    assert "DOCKER_CERT_PATH" in hint


def test_certificates_do_not_matter_to_a_socket(folder, monkeypatch):
    monkeypatch.setenv("DOCKER_CERT_PATH", "/nowhere")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    with serve(folder) as daemon:
        assert connect(daemon.address).about().kind == "docker"


def test_a_socket_without_permission_names_the_group(monkeypatch, folder):
    def refuse(*words, **more):
        raise PermissionError(13, "Permission denied")

    with serve(folder) as daemon:
        monkeypatch.setattr("socket.socket.connect", refuse)
        message, hint = refused(daemon.address)
    assert "Permission denied" in message
    assert "usermod -aG docker" in hint


def test_an_engine_that_is_too_old_or_unwell(folder):
    with serve(folder) as daemon:
        daemon.answers["/version"] = lines({"ApiVersion": "1.30"})
        assert "too old" in refused(daemon.address)[0]
        daemon.answers["/version"] = refusal(500, "the daemon is unwell")
        assert "unwell" in refused(daemon.address)[0]


STRANGE = {
    "text": Answer(pieces=(b"hello",)),
    "page": Answer(pieces=(b"<html>bad gateway</html>",), status=502),
    "other JSON": lines("hello"),
    "no version": lines({"name": "registry"}),
    "nothing there": refusal(404, "page not found"),
}


@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE)
def test_what_is_no_engine_is_said_to_be_none(folder, answer):
    with serve(folder) as daemon:
        daemon.answers["/version"] = answer
        message, _ = refused(daemon.address)
    assert message.endswith(f"{daemon.address} (as told): what answers there is no container engine")


def test_what_speaks_no_http_is_no_engine(folder):
    class Greeting(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            self.rfile.readline()

    with socketserver.UnixStreamServer(str(folder / "d.sock"), Greeting) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        message, _ = refused(f"unix://{folder}/d.sock")
        thread.join()
    assert "what answers there is no container engine" in message


@pytest.mark.parametrize("address", ["", " "])
def test_an_empty_address_by_name_is_not_replaced(folder, monkeypatch, address):
    with serve(folder) as daemon:
        monkeypatch.setenv("DOCKER_HOST", daemon.address)
        with pytest.raises(InputError, match="address is empty"):
            connect(address)


def test_a_windows_pipe_is_refused():
    message, _ = refused("npipe:////./pipe/docker_engine")
    assert "npipe:// are not supported on this system" in message


@pytest.mark.parametrize("scheme", ["tcp://", "http://", "https://", "ssh://", "odd://", ""])
@pytest.mark.parametrize(
    "user",
    ["user:secret", "u1:hidden/secret", "user:hidden#secret", "hidden/secret", "secret", "user:p@secret"],
)
@pytest.mark.parametrize("host", ["127.0.0.1:1", "127.0.0.1"])
def test_no_password_of_an_address_is_told(scheme, user, host):
    message, hint = refused(f"{scheme}{user}@{host}")
    assert "secret" not in message + hint
    assert "hidden" not in message + hint
    assert f"{scheme}***@{host}" in message


ABOUT = {
    "docker": ({"Driver": "overlay2", "Architecture": "aarch64", "NCPU": 3, "MemTotal": 7}, "overlay2"),
    "containerd": (
        {"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]},
        "containerd",
    ),
}


@pytest.mark.parametrize("kind", list(ABOUT))
def test_about_names_the_store(folder, kind):
    info, store = ABOUT[kind]
    with serve(folder) as daemon:
        daemon.answers["/info"] = lines(info)
        about = connect(daemon.address).about()
    assert about.store == store
    assert about.buildkit is False  # it does not know /build
