"""What the age of a container engine means for images."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

from builder.machine.values import EngineSeen, Machine

ZSTD_FROM, CLONE3_FROM = Version("23"), Version("20.10.10")
CLONE3_GLIBC = Version("2.34")  # the first that makes the system call


def named(engine: EngineSeen) -> str:
    """`Docker 28.0.1`."""
    return f"{engine.kind.capitalize()} {engine.version}".strip()


def blocks_clone3(engine: EngineSeen) -> bool:
    """Whether programs of new systems cannot start threads in its containers."""
    return _older(engine, CLONE3_FROM)


def refuses_zstd(engine: EngineSeen) -> bool:
    """Whether it cannot unpack layers that are packed with zstd."""
    return _older(engine, ZSTD_FROM) and engine.store != "containerd"


def breaking(machine: Machine, glibc: str) -> str:
    """The engine of a machine in whose containers a system's programs break; empty where none does."""
    if Version(glibc) < CLONE3_GLIBC:
        return ""
    return next((named(one) for one in machine.engines or () if blocks_clone3(one)), "")


def _older(engine: EngineSeen, than: Version) -> bool:
    try:
        return engine.kind == "docker" and Version(engine.version.partition("+")[0]) < than
    except InvalidVersion:
        return False
