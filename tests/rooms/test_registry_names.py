"""References, read as Docker reads them."""

import pytest

from builder.errors import InputError
from builder.registry.names import checked_host, checked_path, checked_reference, parse

DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("debian", "docker.io/library/debian"),
        ("debian:12", "docker.io/library/debian:12"),
        ("team/torch:2.8", "docker.io/team/torch:2.8"),
        ("docker.io/debian", "docker.io/library/debian"),
        ("index.docker.io/team/torch", "docker.io/team/torch"),
        ("localhost/torch", "localhost/torch"),
        ("localhost:5000/torch:a", "localhost:5000/torch:a"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c"),
        ("[::1]:5000/torch", "[::1]:5000/torch"),
        ("ghcr.io/team/torch__x/y-z.a", "ghcr.io/team/torch__x/y-z.a"),
        ("Registry/torch", "Registry/torch"),
        (f"ghcr.io/torch@{DIGEST}", f"ghcr.io/torch@{DIGEST}"),
        (f"ghcr.io:443/torch:2.8@{DIGEST}", f"ghcr.io:443/torch:2.8@{DIGEST}"),
    ],
)
def test_a_reference_is_what_docker_takes_it_for(text, full):
    assert str(parse(text)) == full


def test_the_parts_of_a_reference_are_told_apart():
    found = parse(f"localhost:5000/team/torch:2.8@{DIGEST}")
    assert (found.host, found.path, found.tag, found.digest) == (
        "localhost:5000",
        "team/torch",
        "2.8",
        DIGEST,
    )
    assert found.repository == "localhost:5000/team/torch"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("https://ghcr.io/team/torch", "leave https:// out"),
        ("ghcr.io/Team/torch", "lower case"),
        ("ghcr.io/team/torch:", "a tag has"),
        ("ghcr.io/team/torch:a b", "a tag has"),
        ("ghcr.io/team/torch:" + "x" * 129, "a tag has"),
        ("ghcr.io/team/torch@sha256:abc", "64 hex digits"),
        ("ghcr.io/team/torch@", "64 hex digits"),
        ("ghcr.io/team//torch", "write it as HOST"),
        ("ghcr.io/../torch", "write it as HOST"),
        ("ghcr.io/", "write it as HOST"),
        ("", "write it as HOST"),
        ("ghcr.io/" + "x" * 256, "lower case"),
        ("me:secret@ghcr.io/torch", "a digest is"),
        ("ghcr.io/torch?x=1", "write it as HOST"),
    ],
)
def test_nonsense_is_refused_with_what_to_write(text, hint):
    with pytest.raises(InputError) as raised:
        parse(text)
    assert hint in raised.value.problems[0].hint
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    "host", ["", "ghcr.io/team", "https://ghcr.io", "a b", "ghcr.io:port", "ghcr.io:99999", "@x"]
)
def test_a_host_is_a_name_and_a_port_alone(host):
    with pytest.raises(InputError, match="is no name in a registry"):
        checked_host(host)


def test_docker_hub_has_one_name():
    assert checked_host("index.docker.io") == "docker.io"
    assert checked_host("[::1]:5000") == "[::1]:5000"


def test_names_that_would_change_an_address_are_refused():
    for path in ("a/../b", "a?b", "a#b", "/a", "a%2fb", "A"):
        with pytest.raises(InputError):
            checked_path(path)
    for reference in ("../x", "a/b", "sha512:" + "0" * 128, "sha256:x", "a?b", ""):
        with pytest.raises(InputError):
            checked_reference(reference)
    assert checked_reference("2.8") == "2.8"
    assert checked_reference(DIGEST) == DIGEST
