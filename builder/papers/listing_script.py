"""Runs in an image, as `python -c`: which distributions its Python sees, as JSON on standard output.

Python 3.6 syntax; nothing but the standard library, and of that no `importlib.metadata`, which 3.6 and 3.7
lack. What cannot be listed whole ends it with a reason: half a list would look like a list.
"""

import json
import platform
import re
import sys
from email.parser import HeaderParser
from pathlib import Path

LARGEST = 16 << 20  # bytes of one METADATA
KINDS = (".dist-info", ".egg-info")


def main() -> None:
    """Write the answer."""
    answer = {
        "implementation": sys.implementation.name,
        "version": platform.python_version(),
        "distributions": distributions(),
    }
    sys.stdout.write(json.dumps(answer))


def distributions() -> "list[dict[str, object]]":
    """Those of every folder of sys.path. A name that a folder before has hides it, as it does for pip."""
    found: list[dict[str, object]] = []
    seen: set[str] = set()
    for entry in filter(None, sys.path):
        folder = Path(entry)
        if folder.is_file():
            raise SystemExit(f"{entry} on sys.path is an archive, which is not looked into")
        here = [told(place) for place in places(folder)]
        here = [one for one in here if normalized(one) not in seen]
        seen.update(map(normalized, here))
        found += here
    return found


def normalized(one: "dict[str, object]") -> str:
    """A distribution's name, as PEP 503 compares it."""
    return re.sub("[-_.]+", "-", str(one["name"])).lower()


def places(folder: Path) -> "list[Path]":
    """What describes distributions in a folder. `~orch-2.0.dist-info` is what pip left of an interruption."""
    if not folder.is_dir():
        return []
    egg = [folder / "EGG-INFO"] if (folder / "EGG-INFO").is_dir() else []
    found = [each for each in folder.iterdir() if each.suffix.lower() in KINDS and each.name[0].isalnum()]
    return egg + sorted(found)


def told(place: Path) -> "dict[str, object]":
    """One distribution by its metadata; without any it has no name."""
    candidates = (place / "METADATA", place / "PKG-INFO", place)
    file = next((each for each in candidates if each.is_file()), None)
    if file is not None and file.stat().st_size > LARGEST:
        raise SystemExit(f"{file} has more than {LARGEST} bytes")
    text = file.read_text(encoding="utf-8", errors="replace") if file else ""
    fields = HeaderParser().parsestr(text)
    return {
        "at": str(place),
        "name": str(fields.get("Name", "")),
        "version": str(fields.get("Version", "")),
        "expression": str(fields.get("License-Expression", "")),
        "licence": str(fields.get("License", "")),
        "classifiers": [str(each) for each in fields.get_all("Classifier", [])],
    }


if __name__ == "__main__":
    main()
