"""Which indexes and registries answer this machine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from builder.source import pip_settings, uv_settings
from builder.source.access import Access
from builder.source.scrub import shown

PYPI, PYTORCH = "https://pypi.org/simple", "https://download.pytorch.org/whl/cpu"
DOCKER_HUB = "https://registry-1.docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a service is for, its address without credentials, and the status that it gave; None: none."""

    name: str
    address: str
    status: int | None


def ask(env: dict[str, str]) -> tuple[Answer, ...]:
    """Every package index of this machine's settings, PyTorch's, and Docker Hub: at once, 5 s each."""
    settings = uv_settings.merged(pip_settings.read(env), env)
    access = Access(settings=settings)
    own = [] if settings.no_index else [settings.index or PYPI, *settings.extra_indexes]
    indexes = [index.rstrip("/") for index in own if index.startswith(("http://", "https://"))]
    wanted = (
        *(("package index", index, "/torch/") for index in indexes),
        ("PyTorch's index", PYTORCH, "/torch/"),
        ("Docker Hub", DOCKER_HUB, "/v2/"),
    )
    with ThreadPoolExecutor(len(wanted)) as pool:
        statuses = pool.map(access.status, [address + page for _, address, page in wanted])
    return tuple(
        Answer(name=name, address=shown(address), status=status)
        for (name, address, _), status in zip(wanted, statuses, strict=True)
    )
