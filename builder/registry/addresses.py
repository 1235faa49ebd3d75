"""Which machine an address leads to: this one, one of a private network, or a public one."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address. Raises `ValueError` where it has none that can be asked."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(url)
    return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]


def is_loopback(host: str) -> bool:
    """Whether a host's name (no port) means this machine; nothing is resolved."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return _mapped(host).is_loopback
    except ValueError:
        return False


def is_public(host: str) -> bool:
    """Whether a host's name (no port) leads to public addresses alone; one that cannot be resolved here (a
    proxy may do that) passes.
    """
    if is_loopback(host):
        return False
    with suppress(ValueError):
        return _open(_mapped(host))
    with suppress(OSError, UnicodeError):
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
        return all(_open(_mapped(address)) for address in found)
    return True


def is_passed_by(host: str, names: str) -> bool:
    """Whether a host (no port) is one of `names`, as `no_proxy` lists them: domains, addresses, networks."""
    for name in filter(None, (each.strip().lower().lstrip(".") for each in names.split(","))):
        with suppress(ValueError):
            if _mapped(host) in ipaddress.ip_network(name, strict=False):
                return True
        if name == "*" or f".{host}".endswith(f".{name.partition(':')[0]}"):
            return True
    return False


def _open(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def _mapped(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that a host's name spells; `::ffff:127.0.0.1` is 127.0.0.1."""
    address = ipaddress.ip_address(host.partition("%")[0])
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return inner or address
