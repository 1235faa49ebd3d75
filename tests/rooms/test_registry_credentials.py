"""Where a registry's login is found, and that nobody else's is looked at."""

import base64
import json

import pytest

from builder.errors import InputError, OutsideError
from builder.registry.credentials import find, for_engine
from builder.registry.retrying import RefusedError

HOST = "registry.example.org"
SECRET = "s3kret"


def auth(user: str = "me", password: str = SECRET) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def write(path, document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def helper(folder, name: str, script: str) -> None:
    """A credential helper that notes what it is asked for."""
    program = folder / f"docker-credential-{name}"
    program.write_text(f'#!/bin/sh\nread -r asked\necho "$1 $asked" >> {folder}/asked\n{script}\n')
    program.chmod(0o755)


@pytest.mark.parametrize(
    "key", [HOST, f"https://{HOST}", f"https://{HOST}/", f"https://{HOST}/v1/", f"https://{HOST}/v2/"]
)
def test_a_login_is_found_under_every_spelling_of_its_registry(tmp_path, key):
    write(tmp_path / ".docker" / "config.json", {"auths": {key: {"auth": auth()}}})
    found = find(HOST, {"HOME": str(tmp_path)})
    assert (found.user, found.password) == ("me", SECRET)
    assert found.basic == f"Basic {auth()}"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_has_its_own_names(tmp_path, key):
    write(tmp_path / ".docker" / "config.json", {"auths": {key: {"auth": auth()}}})
    assert find("docker.io", {"HOME": str(tmp_path)}).password == SECRET


def test_another_registrys_login_is_not_this_ones(tmp_path):
    others = {
        "other.example.org": {"auth": "!"},
        f"{HOST}:5000": {"auth": auth()},
        f"x{HOST}": {"auth": auth()},
    }
    write(tmp_path / ".docker" / "config.json", {"auths": others})
    assert find(HOST, {"HOME": str(tmp_path)}) is None


def test_the_files_are_asked_in_their_order(tmp_path):
    places = {
        "runtime/containers/auth.json": "third",
        ".config/containers/auth.json": "fourth",
        ".docker/config.json": "second",
        "elsewhere/config.json": "docker's",
        "named.json": "first",
    }
    for path, password in places.items():
        write(tmp_path / path, {"auths": {HOST: {"auth": auth(password=password)}}})
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "runtime")}
    assert find(HOST, home | {"REGISTRY_AUTH_FILE": str(tmp_path / "named.json")}).password == "first"
    assert find(HOST, home | {"DOCKER_CONFIG": str(tmp_path / "elsewhere")}).password == "docker's"
    assert find(HOST, home).password == "second"
    (tmp_path / ".docker" / "config.json").write_text("{}")
    assert find(HOST, home).password == "third"
    (tmp_path / "runtime" / "containers" / "auth.json").unlink()
    assert find(HOST, home).password == "fourth"


def test_a_named_file_is_the_only_one(tmp_path):
    write(tmp_path / ".docker" / "config.json", {"auths": {HOST: {"auth": auth()}}})
    environ = {"HOME": str(tmp_path), "REGISTRY_AUTH_FILE": str(tmp_path / "none.json")}
    assert find(HOST, environ) is None


def test_tokens_of_both_kinds_are_found(tmp_path):
    path = tmp_path / ".docker" / "config.json"
    write(path, {"auths": {HOST: {"auth": auth("<token>", ""), "identitytoken": "refresh"}}})
    assert find(HOST, {"HOME": str(tmp_path)}).identity == "refresh"
    write(path, {"auths": {HOST: {"registrytoken": "bearer"}}})
    assert find(HOST, {"HOME": str(tmp_path)}).bearer == "bearer"


def test_a_helper_is_asked_for_its_registry_alone(tmp_path):
    helper(tmp_path, "own", f'echo \'{{"Username": "me", "Secret": "{SECRET}"}}\'')
    helper(tmp_path, "all", 'echo \'{"Username": "<token>", "Secret": "refresh"}\'')
    config = {"credHelpers": {HOST: "own"}, "credsStore": "all", "auths": {HOST: {"auth": auth("no", "no")}}}
    write(tmp_path / "config.json", config)
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    assert find(HOST, environ).password == SECRET
    assert find("other.example.org", environ).identity == "refresh"
    assert (tmp_path / "asked").read_text() == f"get {HOST}\nget other.example.org\n"


def test_a_store_that_knows_nothing_leaves_the_file(tmp_path):
    helper(tmp_path, "all", "echo 'credentials not found in native keychain'; exit 1")
    write(tmp_path / "config.json", {"credsStore": "all", "auths": {HOST: {"auth": auth()}}})
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    assert find(HOST, environ).password == SECRET


def test_a_helper_that_has_the_say_leaves_no_file(tmp_path):
    helper(tmp_path, "own", "echo 'credentials not found in native keychain'; exit 1")
    write(tmp_path / "config.json", {"credHelpers": {HOST: "own"}, "auths": {HOST: {"auth": auth()}}})
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    assert find(HOST, environ) is None


@pytest.mark.parametrize("script", [f"echo {SECRET}; exit 1", f"echo {SECRET}", f"echo {SECRET} >&2; exit 3"])
def test_a_helper_that_fails_is_named_and_not_quoted(tmp_path, script):
    helper(tmp_path, "bad", script)
    write(tmp_path / "config.json", {"credHelpers": {HOST: "bad"}})
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    with pytest.raises(RefusedError, match="docker-credential-bad failed") as raised:
        find(HOST, environ)
    assert SECRET not in f"{raised.value}{raised.value.hint}"


@pytest.mark.parametrize("name", ["absent", "../../bin/sh", "a b"])
def test_a_helper_that_is_not_there_is_said(tmp_path, name):
    write(tmp_path / "config.json", {"credsStore": name})
    with pytest.raises(RefusedError, match="is not there"):
        find(HOST, {"DOCKER_CONFIG": str(tmp_path), "PATH": "/usr/bin", "HOME": str(tmp_path)})


@pytest.mark.parametrize(
    "text", [f'{{"auths": {SECRET}', "[]", f'{{"auths": {{"{HOST}": {{"auth": "{SECRET}!"}}}}}}']
)
def test_a_broken_file_is_named_and_not_quoted(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config.json") as raised:
        find(HOST, {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)})
    assert SECRET not in str(raised.value.problems)


@pytest.mark.parametrize(
    "document", [{}, {"auths": []}, {"auths": {HOST: {}}}, {"auths": {HOST: {"auth": ""}}}]
)
def test_a_file_without_a_login_is_no_mistake(tmp_path, document):
    write(tmp_path / "config.json", document)
    assert find(HOST, {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}) is None


def test_a_login_does_not_show_itself(tmp_path):
    write(tmp_path / "config.json", {"auths": {HOST: {"auth": auth()}}})
    found = find(HOST, {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)})
    assert SECRET not in repr(found)
    assert found.secrets == {SECRET, auth()}


def test_engines_get_a_login_by_their_own_names(tmp_path):
    environ = {"DOCKER_CONFIG": str(tmp_path), "HOME": str(tmp_path)}
    write(
        tmp_path / "config.json", {"auths": {HOST: {"auth": auth()}, "other.example.com": {"auth": auth()}}}
    )
    assert for_engine(HOST, environ) == {"serveraddress": HOST, "username": "me", "password": SECRET}
    write(tmp_path / "config.json", {"auths": {HOST: {"identitytoken": SECRET}}})
    assert for_engine(HOST, environ) == {"serveraddress": HOST, "identitytoken": SECRET}
    assert for_engine("nowhere.example.com", environ) == {}
    write(tmp_path / "config.json", {"credsStore": "absent"})
    with pytest.raises(OutsideError, match="docker-credential-absent"):
        for_engine(HOST, {**environ, "PATH": "/usr/bin"})
