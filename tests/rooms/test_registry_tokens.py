"""Logins and tokens: where they go, when they are renewed, and where they never go."""

import io
import json

import pytest
from registry_server import SECRET, Answer, Fault, basic, client, error, logged_in, serve, sha256
from source_server import own_authority

from builder.errors import InputError, OutsideError
from builder.registry import connect, uploading
from builder.registry.api import Blob
from builder.registry.tokens import _parsed

CONTENT = bytes(10_000)
DIGEST = sha256(CONTENT)


@pytest.fixture
def server():
    with serve(auth="bearer") as running:
        running.blobs["team/torch"] = {DIGEST: CONTENT}
        yield running


@pytest.fixture
def environ(tmp_path, server):
    """With a login for the server."""
    return logged_in(tmp_path, server)


def blob(content: bytes) -> Blob:
    return Blob(digest=sha256(content), size=len(content), open=lambda: io.BytesIO(content))


def test_a_token_is_asked_for_once_for_each_scope(server, environ):
    registry = client(server, environ=environ)
    for _ in range(3):
        assert registry.has("team/torch", DIGEST) == len(CONTENT)
    assert [each.query for each in server.seen("GET", "/token")] == [
        {"service": ["us"], "scope": ["repository:team/torch:pull"]}
    ]
    registry.send("team/torch", blob(b"new"), lambda *_: None, mount_from=("base/debian",))
    assert [each.query["scope"] for each in server.seen("GET", "/token")[1:]] == [
        ["repository:team/torch:pull,push", "repository:base/debian:pull"],
        ["repository:team/torch:pull,push"],
    ]


def test_the_login_goes_to_the_token_service_and_the_token_to_the_registry(server, environ):
    client(server, environ=environ).has("team/torch", DIGEST)
    assert [(each.path, each.headers.get("authorization")) for each in server.asked] == [
        (f"/v2/team/torch/blobs/{DIGEST}", None),
        ("/token", basic()),
        (f"/v2/team/torch/blobs/{DIGEST}", "Bearer token-0"),
    ]


def test_a_token_that_ends_in_mid_upload_is_renewed(server, environ, monkeypatch):
    monkeypatch.setattr(uploading, "CHUNK", 3000)
    server.uses = 2
    content = bytes(range(250)) * 40
    client(server, environ=environ).send("team/torch", blob(content), lambda *_: None)
    assert server.blobs["team/torch"][sha256(content)] == content
    assert len(server.seen("GET", "/token")) > 3


def test_a_token_is_renewed_before_its_time_is_over(server, environ):
    server.expires = -1
    registry = client(server, environ=environ)
    registry.has("team/torch", DIGEST)
    registry.has("team/torch", DIGEST)
    assert len(server.seen("HEAD")) == 3  # the first without a token, and none in vain after that
    assert len(server.seen("GET", "/token")) == 2


def test_a_token_that_opens_nothing_is_not_renewed_for_ever(server, environ):
    server.uses = 0
    with pytest.raises(OutsideError, match="401 Unauthorized") as raised:
        client(server, environ=environ).has("team/torch", DIGEST)
    assert f"docker login {server.host}" in raised.value.problems[0].hint
    assert len(server.seen("HEAD")) == 2


def test_an_identity_token_is_changed_for_a_token(server, tmp_path):
    environ = logged_in(tmp_path, server, identitytoken=SECRET)
    assert client(server, environ=environ).has("team/torch", DIGEST) == len(CONTENT)
    body = server.seen("POST", "/token")[0].body.decode()
    assert "grant_type=refresh_token" in body
    assert "scope=repository%3Ateam%2Ftorch%3Apull" in body


def test_a_registry_token_is_sent_as_it_is(server, tmp_path):
    server.tokens["mine"] = 99
    environ = logged_in(tmp_path, server, registrytoken="mine")
    assert client(server, environ=environ).has("team/torch", DIGEST) == len(CONTENT)
    assert server.seen("GET", "/token") == []


def test_basic_is_sent_to_the_registry(server, environ):
    server.auth = "basic"
    assert client(server, environ=environ).has("team/torch", DIGEST) == len(CONTENT)
    assert [each.headers.get("authorization") for each in server.asked] == [None, basic()]


def test_a_wrong_login_is_tried_once(server, tmp_path):
    server.auth = "basic"
    registry = client(server, environ=logged_in(tmp_path, server, username="me", password="wrong"))
    for asked in (2, 3):
        with pytest.raises(OutsideError, match="401"):
            registry.has("team/torch", DIGEST)
        assert len(server.asked) == asked


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_who_has_no_login_is_told_how_to_get_one(server, auth):
    server.auth = auth
    with pytest.raises(OutsideError, match="401") as raised:
        client(server).has("team/torch", DIGEST)
    assert raised.value.problems[0].hint == f"log in: docker login {server.host}"


def test_nobody_is_asked_for_a_login_that_is_not_needed(server, tmp_path):
    server.auth = None
    (tmp_path / "config.json").write_text("broken")
    environ = {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}
    assert client(server, environ=environ).has("team/torch", DIGEST) == len(CONTENT)
    server.auth = "basic"
    with pytest.raises(InputError, match=r"config.json cannot be read"):
        client(server, environ=environ).has("team/torch", DIGEST)


@pytest.mark.parametrize(
    "realm",
    ["http://evil.example.org/token", "http://169.254.169.254/token", "ftp://127.0.0.1/token", "/token", "",
     "http://me:pw@127.0.0.1:9/token"],
)  # fmt: skip
def test_no_login_goes_to_a_token_service_that_is_not_safe(server, environ, realm):
    server.realm = realm
    with pytest.raises(OutsideError, match=r"which is not safe|no token service"):
        client(server, environ=environ).has("team/torch", DIGEST)
    assert len(server.asked) == 1


def test_a_token_service_over_tls_must_be_trusted(environ, server, tmp_path):
    authority, tls = own_authority(tmp_path)
    with serve(tls=tls) as service:
        server.realm = f"https://{service.host}/token"
        with pytest.raises(OutsideError, match=r"certificate of .* is not trusted"):
            client(server, environ=environ).has("team/torch", DIGEST)
        assert service.asked == []
        server.tokens = service.tokens
        assert client(server, environ=environ, ca=authority).has("team/torch", DIGEST) == len(CONTENT)
        assert [each.headers["authorization"] for each in service.asked] == [basic()]


def test_a_registry_over_tls_sends_no_login_to_plain_http(environ, tmp_path):
    authority, tls = own_authority(tmp_path)
    with serve(tls=tls, auth="bearer") as registry, serve() as plain:
        registry.realm = f"http://{plain.host}/token"
        logged_in(tmp_path, registry)
        with pytest.raises(OutsideError, match="which is not safe"):
            client(registry, environ=environ, ca=authority).has("team/torch", DIGEST)
        assert plain.asked == []


def test_a_token_service_that_redirects_is_not_followed(server, environ):
    server.faults.append(Fault("GET", "/token", Answer(307, {"Location": "http://127.0.0.2:9/"})))
    with pytest.raises(OutsideError, match=r"token service .* answered 307"):
        client(server, environ=environ).has("team/torch", DIGEST)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_token_service_that_is_busy_is_waited_for(server, environ, status):
    server.faults.append(Fault("GET", "/token", Answer(status, {"Retry-After": "4"}), times=2))
    pauses = []
    assert client(server, pauses, environ=environ).has("team/torch", DIGEST) == len(CONTENT)
    assert pauses == [4.0, 4.0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"token": 5, "expires_in": "x"}',
        b'{"token": "a\\r\\nX-Evil: 1"}',
        b'{"token": "x"}' + b" " * (1 << 20),
    ],
)
def test_what_is_no_token_is_not_sent_on(server, environ, body):
    server.faults.append(Fault("GET", "/token", Answer(200, body=body), times=9))
    with pytest.raises(OutsideError, match=r"no token|longer than"):
        client(server, environ=environ).has("team/torch", DIGEST)
    assert len(server.seen("HEAD")) == 1


def test_no_secret_is_in_an_error(server, environ):
    def echo(asked):
        given = f"{asked.headers.get('authorization')} {SECRET} {basic()}"
        return Answer(403, body=json.dumps({"errors": [{"code": "DENIED", "message": given}]}).encode())

    server.faults.append(
        Fault(
            "GET",
            "/manifests/",
            error(401, "X", {"WWW-Authenticate": f'Bearer realm="http://{server.host}/token"'}),
        )
    )
    server.faults.append(Fault("GET", "/manifests/", echo, times=9))
    with pytest.raises(
        OutsideError, match=r"403 Forbidden: DENIED Bearer \*\*\* \*\*\* Basic \*\*\*"
    ) as raised:
        client(server, environ=environ).manifest("team/torch", "latest")
    assert SECRET not in str(raised.value.problems)
    assert "token-0" not in str(raised.value.problems)


def test_what_a_registry_says_is_shown_without_control_characters(server):
    said = "\x1b[2J" + "long " * 500
    server.auth = None
    server.faults.append(
        Fault("GET", "", Answer(403, body=json.dumps({"errors": [{"message": said}]}).encode()))
    )
    with pytest.raises(OutsideError) as raised:
        client(server).manifest("team/torch", "latest")
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("challenge", "found"),
    [
        ('Bearer realm="https://a/t",service="x"', ("bearer", {"realm": "https://a/t", "service": "x"})),
        ("bearer Realm=https://a/t , service=x", ("bearer", {"realm": "https://a/t", "service": "x"})),
        ('Basic realm="a b"', ("basic", {"realm": "a b"})),
        ('Basic realm="a", Bearer realm="https://a/t",scope="repository:a:pull"',
         ("bearer", {"realm": "https://a/t", "scope": "repository:a:pull"})),
        ("Basic", ("basic", {})),
        ("Negotiate", None),
        ("", None),
        ("=,=\"" * 2000, None),
    ],
)  # fmt: skip
def test_challenges_are_read(challenge, found):
    assert _parsed(challenge) == found


def test_a_certificate_file_that_holds_none_is_told_at_once(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    for name, words in (("ca.pem", "holds no certificates"), ("none.pem", "does not exist")):
        with pytest.raises(InputError, match=words):
            connect("registry.example.org", ca=tmp_path / name)
