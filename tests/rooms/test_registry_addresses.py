"""Whose machine an address leads to."""

import socket

import pytest

from builder.registry.addresses import is_loopback, is_passed_by, is_public, origin


@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
)
def test_loopback_hosts_are_known_by_their_names(host):
    assert is_loopback(host)
    assert not is_public(host)


@pytest.mark.parametrize(
    "host",
    [
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
        "fe80::1", "fe80::1%eth0", "fd00::1", "::", "::ffff:10.0.0.1", "2130706433", "0x7f.1",
    ],
)  # fmt: skip
def test_private_addresses_are_not_public_however_they_are_spelled(host):
    assert not is_public(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888"])
def test_public_addresses_are_public(host):
    assert is_public(host)
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("found", "public"),
    [
        (["8.8.8.8"], True),
        (["8.8.8.8", "10.0.0.1"], False),
        (["::ffff:192.168.0.1"], False),
        ([], True),  # a proxy may know it
    ],
)
def test_a_name_is_public_when_all_of_its_addresses_are(monkeypatch, found, public):
    def resolve(host, *_, **__):
        assert host == "storage.example.org"
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, 0, 0, "", (address, 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert is_public("storage.example.org") is public


def test_the_same_origin_is_scheme_host_and_port():
    assert origin("https://A.example:443/x") == origin("https://a.example/y")
    assert origin("https://a.example") != origin("http://a.example:443")
    for none in ("ftp://a.example", "/x", "https:///x", "https://a.example:port"):
        with pytest.raises(ValueError):  # noqa: PT011
            origin(none)


def test_no_proxy_names_domains_addresses_and_networks():
    assert is_passed_by("a.corp.example", "x, .corp.example")
    assert is_passed_by("corp.example", "corp.example:5000")
    assert is_passed_by("10.2.3.4", "10.0.0.0/8")
    assert is_passed_by("anything", "*")
    assert not is_passed_by("notcorp.example", "corp.example")
    assert not is_passed_by("11.2.3.4", "10.0.0.0/8")
    assert not is_passed_by("a.example", "")
