"""The house's own rules: sizes, names, doors that open late, no trace of the machine it was written on."""

import ast
import fnmatch
import os
import re
import socket
import statistics
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BANNED = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc", "data", "info"}
BANNED_PREFIXES = ("process_", "handle_", "do_")

# Public defaults of distributions and package indexes: naming them tells nothing about a machine.
PUBLIC = {
    "archive.ubuntu.com",
    "deb.debian.org",
    "download.pytorch.org",
    "files.pythonhosted.org",
    "ports.ubuntu.com",
    "pypi.org",
    "security.debian.org",
    "security.ubuntu.com",
}


def own_files() -> Iterator[Path]:
    """Every file of the project that git does not ignore; works without git."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()] + [".git"]
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not any(fnmatch.fnmatch(name, rule) for rule in ignored)]
        yield from (
            Path(folder, name) for name in files if not any(fnmatch.fnmatch(name, rule) for rule in ignored)
        )


def python_files(*tops: str) -> list[Path]:
    found = [path for top in tops for path in (ROOT / top).rglob("*") if path.is_file() and is_python(path)]
    return sorted(path for path in found if not {"golden", "__pycache__"} & set(path.parts))


def is_python(path: Path) -> bool:
    return path.suffix == ".py" or (not path.suffix and b"python" in path.read_bytes()[:40])


def offenders(paths: list[Path], found: Callable[[Path], object]) -> dict[str, object]:
    """What `found` tells of each file, where it tells anything."""
    told = {str(path.relative_to(ROOT)): found(path) for path in paths}
    return {path: what for path, what in told.items() if what}


TOOL = python_files("builder", "scripts", "benchmarks")
EVERYTHING = python_files("builder", "scripts", "benchmarks", "tests")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def parameters(function: Function) -> list[str]:
    given = function.args
    named = [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    named += [arg.arg for arg in (given.vararg, given.kwarg) if arg]
    return [name for name in named if name not in ("self", "cls")]


def length(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_a_module_is_at_most_300_lines():
    assert offenders(EVERYTHING, lambda path: length(path) if length(path) > 300 else None) == {}


def test_the_median_module_is_at_most_120_lines():
    assert statistics.median(length(path) for path in python_files("builder")) <= 120


def test_a_function_is_at_most_50_lines():
    def long(path: Path) -> dict[str, int]:
        return {f.name: f.end_lineno - f.lineno + 1 for f in functions(path) if f.end_lineno - f.lineno >= 50}

    assert offenders(EVERYTHING, long) == {}


def test_a_function_has_at_most_5_parameters():
    def crowded(path: Path) -> dict[str, list[str]]:
        # A command's options arrive as parameters: click's way, not ours.
        own = [f for f in functions(path) if not (f.decorator_list and "cli" in path.parts)]
        return {f.name: parameters(f) for f in own if len(parameters(f)) > 5}

    assert offenders(TOOL, crowded) == {}


def bad_names(path: Path) -> list[str]:
    """Names that say nothing: part of a definition's name, or all of a variable's or parameter's."""
    tree = ast.parse(path.read_text())
    defined = [path.stem] + [n.name for n in ast.walk(tree) if isinstance(n, (Function, ast.ClassDef))]
    bad = [
        name for name in defined if set(words(name)) & BANNED or name.lstrip("_").startswith(BANNED_PREFIXES)
    ]
    held = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    held += [name for function in functions(path) for name in parameters(function)]
    banned = BANNED - {"data"} if "cli" in path.parts else BANNED  # `--data` is an option's name
    return bad + [name for name in held if name.strip("_") in banned]


def words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)]


def test_names_say_something():
    assert offenders(TOOL, bad_names) == {}


@pytest.mark.parametrize(
    "text",
    [
        "def process_cell(): ...",
        "class ImageManager: ...",
        "def load_data(): ...",
        "data = 1",
        "def f(info): ...",
    ],
)
def test_names_that_say_nothing_are_found(tmp_path, text):
    (tmp_path / "x.py").write_text(text)
    assert bad_names(tmp_path / "x.py")


def hosts_and_paths(text: str) -> set[str]:
    """Hosts of URLs, and absolute folders, in a machine's own settings."""
    hosts = {match.lower() for match in re.findall(r"https?://(?:[^\s/@'\"]*@)?([A-Za-z0-9.-]+)", text)}
    folders = set(re.findall(r"(?:file://|(?<=[\s'\"=]))(/[\w.+-]+/[\w./+-]+)", text))
    return (hosts - PUBLIC) | {
        folder.rstrip("/") for folder in folders if not folder.startswith(("/etc/", "/usr/"))
    }


def machine_words() -> set[str]:
    """What must not be found in the project: its sources of packages, its name, our folder."""
    pip = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    found = hosts_and_paths(pip.stdout)
    apt = [Path("/etc/apt/sources.list"), *Path("/etc/apt").glob("sources.list.d/*")]
    for line in (line for path in apt if path.is_file() for line in path.read_text().splitlines()):
        if not line.lstrip().startswith("#"):
            found |= {word for word in hosts_and_paths(line) if not word.startswith("/")}
    found |= {name for name in (socket.gethostname(),) if len(name) > 8 and name != "localhost"}
    return found | {path for path in (str(ROOT), str(Path.home())) if path.count("/") > 1}


def test_no_trace_of_this_machine():
    wanted = machine_words()
    found = {
        (str(path.relative_to(ROOT)), word)
        for path in own_files()
        for text in (path.read_bytes().decode("utf-8", "replace"),)
        for word in wanted
        if re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text)
    }
    assert not found


def test_a_machines_settings_are_read_as_hosts_and_folders():
    listed = "global.index-url='https://me:secret@pypi.example.org/simple'\nglobal.find-links='/srv/wheels file:///srv/more'"
    assert hosts_and_paths(listed) == {"pypi.example.org", "/srv/wheels", "/srv/more"}
    assert hosts_and_paths("URIs: http://deb.debian.org/debian") == set()


IMPORTED = """
import sys
from builder.cli import main
sys.argv = ["envbuild", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, f"exit code {end.code}"
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        (["--help"], {"docker", "torch", "jinja2", "requests", "rich", "yaml", "uv"}),
        (["plan", "matrices/quickstart.yaml"], {"docker", "torch", "jinja2", "requests"}),
        (["render", "matrices/quickstart.yaml", "--out", "{tmp}"], {"docker", "torch", "requests"}),
    ],
    ids=["help", "plan", "render"],
)
def test_libraries_are_imported_when_they_are_needed(tmp_path, command, unwanted):
    words = [word.format(tmp=tmp_path / "out") for word in command]
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    assert not unwanted & set(ran.stderr.splitlines()[-1].split())


def scripts() -> list[Path]:
    tops = [*(ROOT / "scripts").iterdir(), ROOT / ".ci" / "run"]
    return sorted(path for path in tops if path.is_file() and path.read_bytes().startswith(b"#!"))


def test_scripts_can_be_run():
    assert [path.name for path in scripts() if not os.access(path, os.X_OK)] == []
    for path in [*scripts(), *(ROOT / "scripts").glob("*.sh")]:
        if b"python" not in path.read_bytes()[:40]:
            subprocess.run(["bash", "-n", path], check=True)


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_links_in_documents_lead_somewhere():
    def broken(path: Path) -> list[str]:
        links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text())
        return [link for link in links if not (path.parent / link).exists()]

    assert offenders(documents(), broken) == {}


def test_every_script_that_the_readme_names_is_there():
    named = set(re.findall(r"\bscripts/[\w-]+", "".join(path.read_text() for path in documents())))
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_readmes_matrix_is_one(tmp_path):
    text = (ROOT / "README.md").read_text()
    block = re.search(r"^ {4}version: 1\n(?:^ {4}.*\n)+", text, re.MULTILINE)
    (tmp_path / "matrix.yaml").write_text(textwrap.dedent(block[0]))
    words = [sys.executable, "-c", "from builder.cli import main; main()", "plan", "matrix.yaml"]
    ran = subprocess.run(words, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
