"""What a user needs of the cells that did not come through, and the warnings of those that did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from builder.check import Check
from builder.errors import Problem
from builder.pipeline import Result
from builder.report import figures, problems
from builder.report.look import Look, count, cut, paint, wrap
from builder.verification import Verification

MOST_NAMES = 4
LONGEST = 120  # characters of a warning: the whole of it is in the record


def of(results: Sequence[Result], look: Look) -> list[str]:
    """What went wrong below the names of the cells that have it, then each warning once for all cells."""
    alike: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        alike.setdefault((result.outcome, *_trouble(result, look)), []).append(result)
    told = [
        line for (_, *trouble), group in alike.items() if trouble for line in _block(group, trouble, look)
    ]
    warnings = list(_warnings(results, look))
    return told + ([paint("warnings", "yellow", look), *warnings, ""] if warnings else [])


def _trouble(result: Result, look: Look) -> list[str]:
    told = [f"  {line}" for problem in result.problems for line in _problem(problem, result, look)]
    proof = result.verification
    return told + (_proof(proof, look, allowed=not result.exit_code) if proof else [])


def _block(group: Sequence[Result], trouble: Sequence[str], look: Look) -> list[str]:
    heads = [paint(f"{result.cell}: {result.outcome}", "bold", look) for result in group]
    bad = [(result.image, result.cell) for result in group if result.image and result.exit_code]
    images = [(tag, cell) for image, cell in bad for tag in image.tags]
    logs = [(str(result.log), result.cell) for result in group if result.log and result.log.is_file()]
    return [
        *heads,
        *trouble,
        *(f"  image: {name}" for name in figures.together(images)[:MOST_NAMES]),
        *(f"  log: {name}" for name in figures.together(logs)[:MOST_NAMES]),
        "",
    ]


def _problem(problem: Problem, result: Result, look: Look) -> list[str]:
    narrow = Look(width=look.width - 2 if look.width else None, colour=look.colour)
    own = problem.cell in (None, result.cell)
    return problems.lines(problems.without_cell(problem) if own else problem, narrow)


def _proof(proof: Verification, look: Look, *, allowed: bool) -> list[str]:
    """The checks that kept an image from passing, those with one reason together."""
    told = []
    if proof.status == "error" and proof.reason:
        told += wrap(f"error: {proof.reason}", look, indent=2)
    alike: dict[tuple[str, str, str | None], list[str]] = {}
    for check in proof.checks:
        if check.required and check.status in ("fail", "error"):
            alike.setdefault((check.status, check.reason or check.title, check.hint), []).append(check.id)
    for (status, reason, hint), names in alike.items():
        told += wrap(f"{status}: {', '.join(names)}: {reason}", look, indent=2)
        told += wrap(f"hint: {hint}", look, indent=6) if hint else []
    return told + list(_skipped(proof, look, allowed=allowed))


def _skipped(proof: Verification, look: Look, *, allowed: bool) -> Iterator[str]:
    lacking: dict[str, list[Check]] = {}
    for check in proof.checks:
        if check.required and check.status == "skip":
            lacking.setdefault(check.reason or check.title, []).append(check)
    for reason, checks in lacking.items():
        yield from wrap(f"not verified: {', '.join(check.id for check in checks)}: {reason}", look, indent=2)
    if lacking and allowed:
        yield "  allowed by --allow; this is not a pass"
    elif lacking and proof.waits_for <= {"gpu", "two gpus"}:
        yield from wrap("hint: verify on a machine with GPUs, or say --allow no-gpu", look, indent=2)


def _warnings(results: Sequence[Result], look: Look) -> Iterator[str]:
    """Each warning once, with the cell or the number of cells, unless it is about all."""
    about: dict[str, list[str]] = {}
    verified = [result for result in results if result.verification]
    for result in verified:
        for check in result.verification.checks if result.verification else ():
            for words in _warned(check):
                cells = about.setdefault(f"{check.id}: {words}", [])
                cells += [result.cell] * (result.cell not in cells)
    for words, cells in about.items():
        whose = cells[0] if len(cells) == 1 else count(len(cells), "cell")
        yield from wrap(
            words if len(cells) == len(verified) else f"{words} ({whose})", look, indent=2, hang=2
        )


def _warned(check: Check) -> Iterator[str]:
    """A check that is not quite right, or that failed without being required; what Python warned of first."""
    if check.status == "warn" or (check.status in ("fail", "error") and not check.required):
        hint = f"; {check.hint}" if check.hint else ""
        yield f"{check.reason or check.title}{hint}"
    if check.warnings:
        more = f" (and {len(check.warnings) - 1} more)" if len(check.warnings) > 1 else ""
        yield cut(" ".join(check.warnings[0].split()), LONGEST) + more
