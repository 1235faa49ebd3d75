"""Orders, and a machine with nothing configured to resolve them on."""

import os

from builder.source.api import Order
from builder.source.host import HostSource

ABROAD = "http://127.0.0.1:9/whl/cpu"  # nobody listens there


def bare_machine(tmp_path):
    """An environment without any setting of pip's or uv's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    own = {"PIP_CONFIG_FILE": "/dev/null", "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0"}
    return kept | own | {"NETRC": str(tmp_path / "netrc")}


def order(*requirements, **changes):
    fields = {
        "requirements": requirements,
        "constraints": (),
        "fallback": None,
        "index": ABROAD,
        "python": "3.12",
        "arch": "x86_64",
        "glibc": "2.36",
        "standalone": False,
    }
    return Order(**(fields | changes))


def resolve(tmp_path, env, wanted):
    return HostSource(root=tmp_path / "store", env=env).resolve(wanted)


def names(supplies):
    return [f"{pin.name}=={pin.version}" for pin in supplies.wheels]


def only(env, server):
    """The same machine, with `server` as its one index."""
    return env | {"PIP_INDEX_URL": f"{server.url}/simple"}
