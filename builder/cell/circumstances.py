"""What the cells of a matrix for one platform have in common, as far as a verdict depends on it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from builder.matrix import Flavor, Matrix, Platform, Provider
from builder.names import ARCHES

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Architecture, provider, flavor, GPUs to serve (compute capabilities), and packages asked for."""

    arch: str = "x86_64"
    provider: Provider = "standalone"
    flavor: Flavor = "runtime"
    gpus: tuple[str, ...] = ()
    driver: str = ""  # of the machine that is to run it; empty: any
    packages: frozenset[str] = frozenset()
    bounded: frozenset[str] = frozenset()  # those of `packages` whose release the matrix bounds itself
    wanted: tuple[str, ...] = ()  # the requirements of those


def circumstances(matrix: Matrix, provider: Provider, platform: Platform) -> Circumstances:
    """The circumstances of a matrix's cells for `platform` whose Python comes from `provider`."""
    requirements = [match for text in matrix.pip if (match := _NAME.fullmatch(text))]
    return Circumstances(
        arch=ARCHES[platform],
        provider=provider,
        flavor=matrix.flavor,
        gpus=matrix.verify.gpus,
        packages=frozenset(canonicalize_name(match[1]) for match in requirements),
        bounded=frozenset(canonicalize_name(match[1]) for match in requirements if match[2]),
        wanted=tuple(match[0] for match in requirements if match[2] and not match[2].startswith(";")),
    )
