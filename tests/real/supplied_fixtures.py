"""The lock of `supplied.py`, made once for all modules that name this file in `pytest_plugins`."""

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import workplace
from engine_members import address
from main_job import CELL, QUICKSTART
from small_wheels import offered
from supplied import BALLAST, CLASSIC, Supplied

from builder.engine import connect
from builder.image import system
from tests.rooms.content_wheels import wheel

UNPACKED = 200_000_000  # bytes of the ballast: a layer that takes a moment to write, and to load
NOISE = 3_000_000  # bytes of it that do not become fewer in the wheel: a download with a middle
HELD = f"envbuild-test-held:supplied-{os.getpid()}"

RICH = {  # everything that a wheel can bring
    "rich/__init__.py": "def main():\n    print('rich')\n",
    "rich/tools/run.sh": ("#!/bin/sh\n", 0o100755),
    "{facts}/entry_points.txt": "[console_scripts]\nrich = rich:main\n",
    "rich-1.0.data/purelib/beside.py": "beside = True\n",
    "rich-1.0.data/platlib/beside_too.py": "beside = 2\n",
    "rich-1.0.data/headers/rich.h": "int rich;\n",
    "rich-1.0.data/data/share/man/man1/rich.1": "rich\n",
    "rich-1.0.data/scripts/old-style": ("#!python -u\nimport rich; rich.main()\n", 0o100644),
    "rich-1.0.data/scripts/shell": "#!/bin/sh\necho shell\n",
}


def _ballast(folder: Path) -> None:
    """A wheel that is small, and unpacked is not."""
    facts = "ballast-1.0.dist-info"
    files = {
        f"{facts}/METADATA": b"Metadata-Version: 2.1\nName: ballast\nVersion: 1.0\n",
        f"{facts}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "ballast/__init__.py": b"WEIGHT = 1\n",
        "ballast/noise": os.urandom(NOISE),
        "ballast/silence": bytes(UNPACKED),
    }
    rows = "".join(f"{path},,\n" for path in (*files, f"{facts}/RECORD"))
    with zipfile.ZipFile(folder / BALLAST, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**files, f"{facts}/RECORD": rows.encode()}.items():
            archive.writestr(path, content)


@pytest.fixture(scope="session")
def supplied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supplied]:
    """The quickstart's Debian with its own Python, and stand-ins for the wheels.

    A folder of the settings is new in each session, so that no engine has built its `os` stage yet.
    """
    folder = tmp_path_factory.mktemp("supplied")
    settings = offered(folder / "wheels")
    _ballast(folder / "wheels")
    wheel(folder / "wheels", "rich", RICH)
    made = {
        **QUICKSTART,
        "packages": {"pip": ["ballast", "rich", "small"]},
        "settings": {"TORCH_HOME": f"/models/{uuid4().hex}"},
        "base": "bootstrap",
    }
    with workplace.workplace(folder / "job", address("docker"), env={**settings, **CLASSIC}) as job:
        matrix = job.folder / "supplied.yaml"
        matrix.write_text(json.dumps({**made, "image": f"{job.name}/supplied"}))
        workplace.supply(job, matrix, folder / "files")
        before = job.kept()
        image = workplace.build(job, matrix)[CELL].image
        (stage,) = (name for name in job.kept().keys() - before if name.startswith(system.REPOSITORY))
        job.engine.tag(stage, HELD)
    bootstrapped = folder / "job" / "store" / "bootstrap"
    yield Supplied(matrix=matrix, mirror=folder / "files", image=image, bootstrapped=bootstrapped)
    connect(address("docker")).untag(HELD)
