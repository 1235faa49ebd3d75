"""Whether PyTorch's own index can be reached from here: asked once per index and process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from builder.source.access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchIndex:
    """Remembers which indexes answered."""

    access: Access
    answers: dict[str, bool] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reachable(self, index: str) -> bool:
        """Whether `index` serves a page about torch. An index of another kind than http is taken as it is."""
        if not index.startswith(("http://", "https://")):
            return True
        with self.lock:
            if index not in self.answers:
                self.answers[index] = self.access.answers(index.rstrip("/") + "/torch/")
            return self.answers[index]
