"""Write the screens again, also those in docs: `python -m tests.screens.update`."""

from tests.screens.cases import CASES
from tests.screens.examples import PAGES, fresh
from tests.screens.screens import GOLDEN, screen


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for path in GOLDEN.glob("*.txt"):
        if path.stem not in {case.name for case in CASES}:
            path.unlink()
    for case in CASES:
        (GOLDEN / f"{case.name}.txt").write_text(screen(case))
    for page in PAGES:
        page.write_text(fresh(page.read_text()))


if __name__ == "__main__":
    main()
