"""An account in Markdown: for a merge request, a wiki, a step summary."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator

from builder.report.account import BAD, GOOD, Account, Entry
from builder.report.figures import NONE, duration, megabytes
from builder.report.look import count
from builder.report.markdown import fenced, limited, table

SIGNS = {GOOD: "✅", BAD: "❌"}
OPEN = "⚪"
HEAD = ("Cell", "Verdict", "Size", "Build", "Verify", "Loss", "fp32 → int8", "Accuracy")


def markdown(account: Account) -> str:
    """Every cell in one table, why some are not good, the layers that cells share, and the last runs."""
    entries = sorted(account.entries, key=lambda entry: entry.kind != BAD)
    counts = Counter(entry.verdict for entry in account.entries)
    words = ", ".join(f"{number} {verdict}" for verdict, number in counts.most_common())
    lines = [f"### {account.name}: {count(len(entries), 'cell')}{': ' * bool(words)}{words}", ""]
    lines += [*table(HEAD, [_row(entry) for entry in entries]), ""] if entries else []
    lines += [line for entry in entries for line in _why(entry)]
    lines += [*_shared(account), *_runs(account)]
    lock = f", lock `{account.lock[:12]}`" if account.lock else ""
    return limited("\n".join([*lines, f"`{account.matrix}`, tables of {account.facts}{lock}", ""]))


def _row(entry: Entry) -> tuple[str, ...]:
    image, proof = entry.image, entry.proof
    small, whole = entry.figure("quantize.dynamic", "bytes"), entry.figure("save.load", "bytes")
    right = entry.figure("quantize.dynamic", "accuracy")
    return (
        f"`{entry.cell.id}`",
        f"{SIGNS.get(entry.kind, OPEN)} {entry.verdict}",
        megabytes(image.size) if image else NONE,
        duration(image.seconds) if image else NONE,
        duration(proof.seconds) if proof else NONE,
        f"{entry.losses[-1]:.4f}" if entry.losses else NONE,
        f"{whole:,} → {small:,} B" if small and whole else NONE,
        f"{right:.2%}" if right is not None else NONE,
    )


def _why(entry: Entry) -> Iterator[str]:
    """What keeps a cell from being good, and the end of its log where its build failed."""
    if entry.kind == GOOD or not (entry.reasons or entry.tail):
        return
    text = "\n".join([*entry.reasons, *entry.tail])
    yield from (f"<details><summary>{html.escape(entry.cell.id)}: {entry.verdict}</summary>", "")
    yield from (*fenced(text), "", "</details>", "")


def _shared(account: Account) -> Iterator[str]:
    shared, told = account.shared, {}
    for entry in account.entries:
        for layer in entry.image.layers if entry.image else ():
            if layer.diff_id in shared:
                told[layer.diff_id] = (layer.label, megabytes(layer.size), str(len(shared[layer.diff_id])))
    if told:
        yield from (*table(("Shared layer", "Size", "Cells"), list(told.values())), "")


def _runs(account: Account) -> Iterator[str]:
    for run in account.runs:
        yield f"Run of {run.begun}: {duration(run.seconds)} on {run.engine}, {run.jobs} at once."
        yield ""
