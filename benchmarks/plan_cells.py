"""Plan 10,000 cells and print what it cost: `python benchmarks/plan_cells.py [CELLS]`.

The matrix spreads over all tables: most cells are impossible, and each of those is given its neighbours,
the dear case. Printed are the CPU time of this process and its peak memory, interpreter and tables included.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from pathlib import Path

from builder import facts
from builder.cell import expand
from builder.cell.expansion import MAX_CELLS
from builder.errors import Place
from builder.matrix import Matrix, Value
from builder.names import cuda_version

PLACE = Place(file="benchmark.yaml", line=1, column=1)


def values(texts: list[str]) -> tuple[Value, ...]:
    """An axis."""
    return tuple(Value(text=text, place=PLACE) for text in texts)


def matrix(tables: facts.Facts, cells: int) -> Matrix:
    """A matrix of all systems, with as many torch releases as make about that many cells."""
    systems = list(tables.os)
    cudas = ["cpu", *(cuda_version(name) for name in ("cu118", "cu121", "cu126", "cu128", "cu130", "cu132"))]
    pythons = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
    releases = list(reversed(tables.torch))
    each = len(systems) * len(cudas) * len(pythons)
    wanted = min(-(-cells // each), MAX_CELLS // each)
    return Matrix(
        path=Path("benchmark.yaml"),
        name="benchmark",
        image="example.com/benchmark",
        tags=(),
        os=values(systems),
        python=values(pythons),
        cuda=values(cudas),
        torch=values(releases[:wanted]),
        impossible="drop",
    )


def main() -> None:
    """Print cells, verdicts, CPU seconds and peak MiB on one line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cells", nargs="?", type=int, default=10_000, metavar="CELLS")
    cells = parser.parse_args().cells
    if not 1 <= cells <= MAX_CELLS:
        parser.error(f"CELLS is {cells}; a matrix has 1 to {MAX_CELLS:,}")
    began = time.process_time()
    tables = facts.load()
    read = time.process_time()
    planned = expand(matrix(tables, cells), tables)
    done = time.process_time()
    print(f"cells            {len(planned)}")
    print(
        "verdicts         "
        + ", ".join(f"{n} {verdict}" for verdict, n in Counter(c.verdict for c in planned).items())
    )
    print(f"reading tables   {read - began:.3f} s CPU")
    print(f"planning         {done - read:.3f} s CPU")
    print(f"peak memory      {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
