"""A torch and a pip of a few kilobytes: wheels for tests in which nothing is to be computed."""

import base64
import hashlib
import zipfile
from pathlib import Path

TORCH = '''"""Stands in for torch."""
__version__ = "2.13.0+cpu"


def known(name):
    # Byte code keeps a set of constants in the order of their hashes, which every process makes anew.
    return name in {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"}
'''
CONTENTS = {
    ("torch", "2.13.0+cpu"): {
        "torch/__init__.py": TORCH,
        "torch/nn/__init__.py": "from torch import known\n",
        "torch/lib/données.txt": "a name that is not ASCII\n",
    },
    ("pip", "26.0"): {"pip/__init__.py": "", "pip/__main__.py": "print('pip 26.0')\n"},
    ("small", "1.0"): {
        "small.py": "import torch\n",
        "small-1.0.dist-info/entry_points.txt": "[console_scripts]\nsmall = torch:known\n",
    },
}


def offered(folder: Path, *, backwards: bool = False) -> dict[str, str]:
    """Put the wheels into `folder`, in one order or the other, and return pip's settings for it alone."""
    folder.mkdir(parents=True)
    for (name, version), files in sorted(CONTENTS.items(), reverse=backwards):
        _wheel(folder / f"{name}-{version}-py3-none-any.whl", name, version, files)
    return {"PIP_CONFIG_FILE": "/dev/null", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def _wheel(path: Path, name: str, version: str, files: dict[str, str]) -> None:
    """A wheel as the specification has it; the same bytes every time."""
    facts = f"{name}-{version}.dist-info"
    wanted = {
        **files,
        f"{facts}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{facts}/RECORD,,\n"]
    with zipfile.ZipFile(path, "w") as archive:
        for at, text in wanted.items():
            archive.writestr(zipfile.ZipInfo(at, (2020, 1, 1, 0, 0, 0)), text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{at},sha256={digest},{len(text.encode())}\n")
        archive.writestr(zipfile.ZipInfo(f"{facts}/RECORD", (2020, 1, 1, 0, 0, 0)), "".join(rows))
