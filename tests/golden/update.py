"""Write the golden files again: `python -m tests.golden.update`. What is no longer expected is removed."""

from builder.facts import load
from tests.golden.cells import HERE, expected, kept


def main() -> None:
    files = expected(load())
    for path in kept() - set(files):
        (HERE / path).unlink()
    for path, content in files.items():
        target = HERE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


if __name__ == "__main__":
    main()
