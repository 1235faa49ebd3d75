"""The two ways of `envbuild publish` into a registry: straight to it, or through the engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from builder.errors import InputError
from builder.ports import Ports
from builder.publication import Through
from builder.registry import connect
from builder.registry.credentials import for_engine
from builder.registry.retrying import Retrying
from builder.release import ByEngine, Outside, Packing, signing
from builder.release.packing import Packer
from builder.release.signing import Signer

# What envbuild does where it talks to the registry itself.
OWN = {"plain_http": "--plain-http", "ca": "--ca", "compat": "--compat", "key": "--sign"}


def check(options: dict[str, Any]) -> None:
    """Raise `InputError` for options that mean nothing to an engine's push."""
    given = [name for key, name in OWN.items() if options[key]]
    if options["through"] == "engine" and given:
        raise InputError.of(
            f"{' and '.join(given)} cannot be combined with --through engine",
            hint="the engine packs and trusts as it is set up, and cosign asks the registry itself",
        )


@contextmanager
def opened(host: str, options: dict[str, Any], ports: Ports) -> Iterator[Through]:
    """The way to the registry at `host` that the options ask for."""
    if options["through"] == "engine":
        auth = for_engine(host, os.environ)
        yield ByEngine(host=host, ports=ports, retrying=Retrying(cancel=ports.cancel), auth=auth)
        return
    registry = connect(host, plain_http=options["plain_http"], ca=options["ca"], cancel=ports.cancel)
    packer: Packer = "gzip" if options["compat"] else "zstd"
    with closing(registry), ports.scratch() as scratch:
        packing = Packing(packer=packer, layers=ports.layers, folder=scratch, go_on=ports.go_on)
        signer = _signer(options, scratch, ports) if options["key"] else None
        yield Outside(registry=registry, packing=packing, ports=ports, signer=signer)


def _signer(options: dict[str, Any], folder: Path, ports: Ports) -> Signer:
    """What signs with the key that the options name."""
    reach = ["--allow-http-registry"] if options["plain_http"] else []
    reach += [f"--registry-cacert={options['ca']}"] if options["ca"] else []
    return signing.signer(options["key"], tuple(reach), folder, ports.cancel)
