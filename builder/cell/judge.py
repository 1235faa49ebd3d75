"""Verdicts on cells under one set of circumstances; a rule is asked once per values that it reads."""

from __future__ import annotations

from functools import cache, cached_property

from builder.cell import bounds, cautions, rules
from builder.cell.circumstances import Circumstances
from builder.cell.rules import Reasons
from builder.cell.values import Verdict
from builder.facts import Facts
from builder.names import cuda_version, version_key

_ORDER = {"excluded": 0, "impossible": 1, "unknown": 2, "warning": 3}


class Judge:
    """Knows why, and which torch releases are left for an OS, a Python and a CUDA."""

    def __init__(self, facts: Facts, around: Circumstances) -> None:
        self.facts = facts
        self.around = around
        self._traps = cautions.standing_traps(facts, around)
        self._release_bit = {release: 1 << n for n, release in enumerate(facts.torch)}
        # Caches of this judge alone, so that they end with it.
        self._of_python = cache(self._judge_python)
        self._of_build = cache(self._judge_build)
        self._of_system = cache(self._judge_system)
        self._of_image = cache(self._judge_image)
        self._of_loading = cache(self._judge_loading)
        self._of_bounds = cache(self._judge_bounds)
        self._of_traps = cache(self._judge_traps)
        self._with_wheel = cache(self._releases_with_wheel)
        self._loadable = cache(self._releases_loadable)
        self._installable = cache(self._releases_installable)

    def reasons(self, os: str, python: str, cuda: str, torch: str) -> Reasons:
        """Everything that there is to say about a cell, what blocks it first; `os` is one of the tables'."""
        found = (
            *self._of_python(torch, python),
            *self._of_build(torch, cuda),
            *self._of_loading(os, torch, cuda),
            *self._of_system(os, python),
            *self._of_image(os, cuda),
            *self._of_bounds(os, torch, python),
            *self._of_traps(torch, python, cuda),
        )
        return tuple(sorted(found, key=lambda reason: _ORDER[reason.weight]))

    def releases(self, os: str, python: str, cuda: str) -> int:
        """The torch releases that are possible with these, as bits: see `bit`."""
        left = self._with_wheel(python)
        if left:
            left &= self._loadable(os, cuda)
        return left and left & self._installable(os, python)

    def bit(self, torch: str) -> int:
        """The bit of one release; 0 if the tables do not know it."""
        return self._release_bit.get(torch, 0)

    @cached_property
    def pythons(self) -> tuple[str, ...]:
        """All minors that some release has a wheel for, oldest first."""
        rows = self.facts.torch.values()
        minors = {minor for row in rows for minor in row.python.get(self.around.arch, ())}
        return tuple(sorted(minors, key=version_key))

    @cached_property
    def cudas(self) -> tuple[str, ...]:
        """All CUDA versions that some release has a build for, oldest first, `cpu` before them."""
        rows = self.facts.torch.values()
        builds = {name for row in rows for name in row.builds(self.around.arch)}
        return tuple(sorted(map(cuda_version, builds), key=version_key))

    def _releases_with_wheel(self, python: str) -> int:
        return self._bits(lambda torch: self._of_python(torch, python))

    def _releases_installable(self, os: str, python: str) -> int:
        """All releases or none: whether the provider gives this Python here does not hang on torch."""
        return 0 if any(reason.blocks for reason in self._of_system(os, python)) else -1

    def _releases_loadable(self, os: str, cuda: str) -> int:
        if any(reason.blocks for reason in self._of_image(os, cuda)):
            return 0
        return self._bits(lambda torch: self._of_build(torch, cuda) + self._of_loading(os, torch, cuda))

    def _bits(self, reasons_for: rules.ReasonsFor) -> int:
        free = (
            bit for torch, bit in self._release_bit.items() if not any(r.blocks for r in reasons_for(torch))
        )
        return sum(free)

    def _judge_python(self, torch: str, python: str) -> Reasons:
        return (
            *rules.known_torch(self.facts, torch),
            *rules.python_wheel(self.facts, self.around, torch, python),
            *cautions.companions(self.facts, self.around, torch, python),
        )

    def _judge_build(self, torch: str, cuda: str) -> Reasons:
        return (
            *rules.build(self.facts, self.around, torch, cuda),
            *rules.gpu(self.facts, self.around, torch, cuda),
        )

    def _judge_loading(self, os: str, torch: str, cuda: str) -> Reasons:
        return rules.glibc(self.facts, self.around, os, torch, cuda)

    def _judge_system(self, os: str, python: str) -> Reasons:
        return (
            *rules.interpreter(self.facts, self.around, os, python),
            *cautions.end_of_life(self.facts, os),
            *cautions.python_end_of_life(self.facts, python),
        )

    def _judge_image(self, os: str, cuda: str) -> Reasons:
        return (
            *rules.known_cuda(self.facts, cuda),
            *rules.devel_image(self.facts, self.around, os, cuda),
            *rules.driver(self.facts, self.around, cuda),
            *rules.gpu_driver(self.facts, self.around, cuda),
            *cautions.driver(self.facts, cuda),
        )

    def _judge_bounds(self, os: str, torch: str, python: str) -> Reasons:
        return bounds.contradicted(self.facts, self.around, os, torch, python)

    def _judge_traps(self, torch: str, python: str, cuda: str) -> Reasons:
        found = (cautions.trap(self.facts, trap, torch, python, cuda) for trap in self._traps)
        return tuple(reason for reasons in found for reason in reasons)


def verdict(reasons: Reasons) -> Verdict:
    """What the reasons amount to: one impossibility outweighs everything unknown."""
    weights = {reason.weight for reason in reasons}
    if "impossible" in weights:
        return "impossible"
    return "unknown" if "unknown" in weights else "possible"
