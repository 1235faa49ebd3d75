"""What a build step with network must know of this machine, and no image may keep."""

from __future__ import annotations

from collections.abc import Mapping

from builder.source import debian_mirror
from builder.source.api import Surroundings

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
# A certificate's path would mean nothing in the build, so no more than this of apt's settings is passed on.
APT = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")


def apt_proxy() -> str | None:
    """The proxy that apt goes through here, if it has one."""
    for line in debian_mirror.apt_options():
        name, _, value = line.partition(" ")
        proxy = value.strip('";')
        if name in APT[:2] and proxy.startswith("http"):
            return proxy
    return None


def read(env: Mapping[str, str]) -> Surroundings:
    """apt's dates and proxies, and the proxy variables in either spelling."""
    lines = [line for line in debian_mirror.apt_options() if line.startswith(APT)]
    names = (name for word in PROXIES for name in (word, word.lower()))
    return Surroundings(
        apt="".join(f"{line}\n" for line in lines).encode(),
        proxies=tuple((name, env[name]) for name in names if env.get(name)),
    )
