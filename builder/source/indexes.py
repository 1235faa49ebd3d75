"""Which indexes answer from here, asked directly where uv does not tell."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from builder.source.access import Access
from builder.source.scrub import shown

REFUSED = (401, 403)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """Asks indexes for one page each, and remembers which answered."""

    access: Access
    offline: bool = False
    answers: dict[str, bool] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reachable(self, index: str) -> bool:
        """Whether `index` (PyTorch's) has a page about torch. What is not http is taken as it is."""
        if not index.startswith(("http://", "https://")):
            return True
        if self.offline:
            return False
        with self.lock:
            if index not in self.answers:
                self.answers[index] = self.access.status(f"{index.rstrip('/')}/torch/") == 200
            return self.answers[index]

    def refusing(self, package: str) -> tuple[str, ...]:
        """The configured indexes that refuse this machine, with their status; uv does not tell of them."""
        if self.offline:
            return ()
        settings = self.access.settings
        indexes = (settings.index or "", *settings.extra_indexes)
        asked = [index for index in indexes if index.startswith(("http://", "https://"))]
        found = [(index, self.access.status(f"{index.rstrip('/')}/{package}/")) for index in asked]
        return tuple(f"{shown(index)} ({status})" for index, status in found if status in REFUSED)
