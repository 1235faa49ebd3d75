"""Recipes on a real engine: its frontend understands every page, and what a page does is what it says.

Distributions whose bases cannot be had everywhere are parsed here, not built; Debian is built.
"""

import hashlib
import io
import os
import re
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_members import brought

from builder.engine import connect
from builder.engine.api import BuildRequest, Engine, Entry, RunRequest
from builder.errors import EnvbuildError
from builder.facts import load
from builder.matrix import User
from builder.recipe import Recipe, write
from builder.recipe.dockerfile import shape
from builder.source import open_source
from tests.golden.cells import HERE, cell, matrix

pytestmark = pytest.mark.real

PAGES = {shape(path.read_text()): path for path in sorted((HERE / "dockerfiles").iterdir())}
NAME = "localhost/envbuild-test/recipe"
HERMETIC = {"UV_IMAGE": "uv-local", "OS_IMAGE": f"{NAME}-os:1"}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    host = os.environ.get("ENVBUILD_TEST_ENGINE")
    assert host, "set ENVBUILD_TEST_ENGINE to an engine's address, for example unix:///var/run/docker.sock"
    found = connect(host)
    yield found
    for name in ("base", "os", "image", "taken"):
        found.untag(f"{NAME}-{name}:1")
    found.close()


@pytest.fixture(scope="module")
def base(engine: Engine) -> str:
    """A Debian 12: the engine's own, or one made from this machine's mirror."""
    if engine.find("debian:12"):
        return "debian:12"
    brought(engine, open_source().bootstrap("debian12", "bookworm"), f"{NAME}-base:1")
    return f"{NAME}-base:1"


def build(
    engine: Engine, files: dict[str, bytes | Path], args: dict[str, str], target: str, tag: str | None = None
) -> str:
    context = tuple(
        Entry(path=path, content=content, mode=0o755 if path == "tools/uv" else 0o644)
        for path, content in files.items()
    )
    request = BuildRequest(
        context=context,
        target=target,
        args=args,
        labels={},
        network="host" if target == "os" else "none",
        tag=tag,
    )
    if tag:
        engine.untag(tag)  # else the image that has it now would stay behind, nameless
    return engine.build(request, lambda progress: None, threading.Event())


def shell(engine: Engine, image: str, script: str, user: str | None = None) -> str:
    request = RunRequest(image=image, command=("sh", "-c", script), user=user)
    end = engine.run(request, lambda chunk: None, threading.Event())
    assert end.exit_code == 0, end.stderr.decode()
    return end.stdout.decode()


def wheel() -> tuple[str, bytes, bytes]:
    """A package of one line, as a wheel: file name, content, and its line for pins.txt."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("proof.py", "ANSWER = 42\n")
        archive.writestr("proof-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: proof\nVersion: 1.0\n")
        archive.writestr(
            "proof-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            "proof-1.0.dist-info/RECORD",
            "proof.py,,\nproof-1.0.dist-info/METADATA,,\nproof-1.0.dist-info/WHEEL,,\nproof-1.0.dist-info/RECORD,,\n",
        )
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    return "proof-1.0-py3-none-any.whl", content.getvalue(), f"proof==1.0 --hash=sha256:{digest}\n".encode()


def hermetic(recipe: Recipe) -> dict[str, bytes | Path]:
    name, content, pins = wheel()
    added: dict[str, bytes | Path] = {
        "tools/uv": open_source().installer(),
        "env/pins.txt": pins,
        f"env/wheels/{name}": content,
    }
    return {**dict(recipe.files), **added}


def test_the_frontend_understands_every_page(engine: Engine) -> None:
    """Golden Dockerfiles that differ in more than values: all stages are parsed, no base is pulled."""
    assert len(PAGES) > 30
    for path in PAGES.values():
        engine.untag(build(engine, {"Dockerfile": path.read_bytes(), "tools/uv": b"uv"}, {}, "uv-local"))


@pytest.mark.parametrize(
    ("old", "new"),
    [("FROM ${OS_IMAGE} AS image", "FROM"), ("RUN set -eu", "RUNN set -eu"), ("type=bind", "type=bonk")],
)
def test_it_would_tell_of_a_mistake_in_another_stage(engine: Engine, old: str, new: str) -> None:
    text = next(iter(PAGES.values())).read_text()
    assert old in text
    with pytest.raises(EnvbuildError):
        build(engine, {"Dockerfile": text.replace(old, new).encode(), "tools/uv": b"uv"}, {}, "uv-local")


def test_debian_with_its_own_python_is_built_without_a_network(engine: Engine, base: str) -> None:
    wanted = matrix(
        system=("less",),
        user=User(name="ml", uid=4711),
        settings=(
            ("TORCH_HOME", "/models/deep/torch"),
            ("HF_HOME", "/var/tmp"),
            ("XDG_CACHE_HOME", "/home/ml/.cache"),
            ("ODD", "it's = a 'x' #1 [é] ; | > *"),
        ),
    )
    recipe = write(cell(), wanted, load())
    build(engine, dict(recipe.files), {"BASE_IMAGE": base}, "os", f"{NAME}-os:1")
    image = build(engine, hermetic(recipe), {"BASE_IMAGE": base, **HERMETIC}, "image", f"{NAME}-image:1")

    assert shell(engine, image, "id -u; id -un; pwd; echo $HOME").split() == [
        "4711",
        "ml",
        "/home/ml",
        "/home/ml",
    ]
    assert shell(engine, image, 'echo "$ODD"') == "it's = a 'x' #1 [é] ; | > *\n"
    assert (
        shell(engine, image, "python -c 'import proof, sys; print(proof.ANSWER, sys.prefix)'")
        == "42 /opt/env\n"
    )
    assert shell(engine, image, "python -c 'import sys; print(sys.version_info[:2])'") == "(3, 11)\n"
    owners = shell(
        engine, image, "stat -c %U /models /models/deep/torch /home/ml/.cache /var/tmp /opt/env"
    ).split()
    assert owners == ["ml", "ml", "ml", "root", "root"]
    assert shell(engine, image, "command -v less").strip()
    assert (
        shell(engine, image, "ls /var/lib/apt/lists /var/log/*.log /tmp /etc/passwd- 2>/dev/null | grep -v :")
        == "\n"
    )
    assert shell(engine, image, "find /opt/env -perm -002 ! -type l; find /opt/env -name .lock") == ""

    facts = engine.find(image)
    assert facts is not None
    assert dict(facts.labels)["org.envbuild.cell"] == "debian12-py3.11-cpu-torch2.8.0"
    assert dict(facts.labels)["org.opencontainers.image.base.name"] == base
    assert dict(facts.env)["TORCH_HOME"] == "/models/deep/torch"


def test_an_account_of_the_base_makes_way(engine: Engine, base: str) -> None:
    """Ubuntu 24.04 has `ubuntu` as 1000."""
    page = f"FROM {base} AS os\nRUN useradd --create-home --uid 1000 ubuntu\n"
    build(engine, {"Dockerfile": page.encode()}, {}, "os", f"{NAME}-taken:1")
    recipe = write(cell(), matrix(), load())
    image = build(engine, dict(recipe.files), {"BASE_IMAGE": f"{NAME}-taken:1"}, "os", f"{NAME}-os:1")
    assert shell(engine, image, "getent passwd 1000 | cut -d : -f 1; ls /home", user="0").split() == [
        "app",
        "app",
    ]


def test_another_account_of_that_name_stops_the_build(engine: Engine, base: str) -> None:
    recipe = write(cell(), matrix(user=User(name="daemon", uid=4711)), load())
    with pytest.raises(EnvbuildError) as caught:
        build(engine, dict(recipe.files), {"BASE_IMAGE": base}, "os")
    assert "another number than 4711" in str(caught.value)


def test_a_wheel_that_is_not_the_pinned_one_stops_the_build(engine: Engine, base: str) -> None:
    recipe = write(cell(), matrix(), load())
    build(engine, dict(recipe.files), {"BASE_IMAGE": base}, "os", f"{NAME}-os:1")
    files = hermetic(recipe)
    files["env/pins.txt"] = b"proof==1.0 --hash=sha256:" + b"0" * 64 + b"\n"
    with pytest.raises(EnvbuildError) as caught:
        build(engine, files, {"BASE_IMAGE": base, **HERMETIC}, "image")
    assert "hash" in str(caught.value).lower()


MINIFORGE = b"""#!/bin/bash
set -eu
[ "$1 $2 $3" = "-b -p /tmp/miniforge" ]
mkdir -p "$3/bin"
printf '#!/bin/sh\\nmkdir -p /opt/python/bin /opt/python/conda-meta\\n' > "$3/bin/conda"
printf 'echo "$*" > /opt/python/asked\\n' >> "$3/bin/conda"
printf 'ln -s /usr/bin/python3 /opt/python/bin/python\\n' >> "$3/bin/conda"
chmod +x "$3/bin/conda"
"""


@pytest.mark.parametrize(
    ("python", "asked"), [("3.11", "python=3.11"), ("3.13t", "python=3.13 python-freethreading")]
)
def test_conda_is_asked_for_the_python_and_nothing_else_stays(
    engine: Engine, base: str, python: str, asked: str
) -> None:
    """A look-alike of Miniforge's installer: it takes the same options, and notes what conda is asked for."""
    recipe = write(cell(provider="conda", python=python, torch="2.9.1"), matrix(system=("python3",)), load())
    text = dict(recipe.files)["Dockerfile"].decode()
    text = re.sub(r"^ADD https://\S+", "COPY miniforge.sh", text, flags=re.M)
    text = re.sub(r"[0-9a-f]{64}(?=  /inputs/miniforge.sh)", hashlib.sha256(MINIFORGE).hexdigest(), text)
    files = {**dict(recipe.files), "Dockerfile": text.encode(), "miniforge.sh": MINIFORGE}
    image = build(engine, files, {"BASE_IMAGE": base}, "os", f"{NAME}-os:1")
    expected = f"create --yes --quiet --prefix /opt/python --override-channels --channel conda-forge {asked}"
    assert shell(engine, image, "cat /opt/python/asked; ls /tmp") == expected + "\n"
    files["miniforge.sh"] = MINIFORGE + b"# altered"
    with pytest.raises(EnvbuildError) as caught:
        build(engine, files, {"BASE_IMAGE": base}, "os")
    assert "miniforge.sh: FAILED" in str(caught.value)
