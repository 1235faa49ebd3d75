"""Write the screens again: `python -m tests.screens.update`. What is no longer expected is removed."""

from tests.screens.cases import CASES
from tests.screens.screens import GOLDEN, screen


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.glob("*.txt"):
        if path.stem not in {case.name for case in CASES}:
            path.unlink()
    for case in CASES:
        (GOLDEN / f"{case.name}.txt").write_text(screen(case))


if __name__ == "__main__":
    main()
