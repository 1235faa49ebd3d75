"""Byte code: the same bytes whatever the order, from every Python; nothing less than whole is taken."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from content_wheels import lay, pythons, read, site_at, wheel

from builder.content import bytecode, skeleton, unpacking, wheels
from builder.content.entries import file, folder, symlink
from builder.errors import CellError

DEEP = "def outer():\n    def inner(x):\n        return x in {%s}\n    return inner\n"
SOURCES = {
    "one/__init__.py": "NAME = __file__\n\n\ndef f(b=(1, b'y')):\n    'doc'\n    return [a for a in b]\n",
    "one/texts.py": DEEP % "'a', 'bb', 'ccc', 'dddd', 5, 2.5, (1, 'e')",
    "one/latin.py": "# -*- coding: latin-1 -*-\nX = '\xe4'\n".encode("latin-1"),
    "one/marked.py": "\N{BYTE ORDER MARK}X = '\N{SNOWMAN}'\n".encode(),
    "one/größe.py": "X = 1\n",
    "one/empty.py": "",
    "one/asserts.py": "def f():\n    assert False, 'kept'\n",
    "one/repeats.py": "".join(f"def f{n}(spam, eggs):\n    return spam.eggs + 'spam'\n" for n in range(99)),
    "one/broken.py": "def (:\n",
    "one/nothing.py": "X = 1\0",
    "one/tests/test_one.py": "left = 'out'\n",
    "one/not-a-module.py": "left = 'out'\n",
    "one/text.txt": "left out",
    "{facts}/x.py": "left = 'out'\n",
    "one-1.0.data/data/share/x.py": "left = 'out'\n",
}
SKIPPED = (("cannot be compiled", 2),)
EACH = pytest.mark.parametrize("interpreter", pythons(), ids=lambda path: Path(path).name)


@pytest.fixture
def made(tmp_path):
    """A function: interpreter → its site in tmp_path, and all entries of the wheel in it."""
    pinned = wheel(tmp_path, "one", SOURCES)

    def make(interpreter):
        site = site_at(tmp_path / "env", interpreter)
        return site, wheels.contents([pinned], site).entries

    return make


def answer(tmp_path, found, site, seed="0", **more):
    """What comes back, run here instead of in a container: (the request, the file)."""
    asked = bytecode.request(found, site, tmp_path / "stdin", **more)
    words = [word.replace("PYTHONHASHSEED=0", f"PYTHONHASHSEED={seed}") for word in asked.command]
    output = tmp_path / f"stdout-{seed}"
    with asked.stdin.open("rb") as stdin, output.open("wb") as stdout:
        subprocess.run(words, stdin=stdin, stdout=stdout, check=True, cwd=tmp_path)
    return asked, output


def answered(tmp_path, found, site, seed="0", **more):
    asked, output = answer(tmp_path, found, site, seed, **more)
    return bytecode.compiled(output, asked)


def contents(compiled):
    return {entry.path: read(entry) for entry in compiled.entries if entry.kind == "file"}


@EACH
def test_python_takes_it_for_its_own(tmp_path, made, interpreter):
    site, entries = made(interpreter)
    compiled = answered(tmp_path, bytecode.sources(entries, site.packages), site)
    assert compiled.skipped == SKIPPED
    lay((*entries, *skeleton.entries(site), *compiled.entries), site)
    before = contents(compiled)
    modules = ["one", *(f"one.{name}" for name in ("texts", "latin", "marked", "größe", "empty", "repeats"))]
    ask = (
        "import sys, importlib, traceback\n"
        f"for name in {modules!a}: importlib.import_module(name)\n"
        "import one; print(ascii(one.NAME), ascii(one.f.__code__.co_filename), one.f.__doc__)\n"
        "print(ascii(sys.modules['one.latin'].X + sys.modules['one.marked'].X))\n"
        "print(sys.modules['one.texts'].outer()('bb'))\n"
    )
    # Whoever imports verbosely tells where code comes from.
    python = tmp_path / "env/bin/python"
    ran = subprocess.run([python, "-v", "-c", ask], check=True, capture_output=True, text=True)
    path = ascii(f"/{site.packages}/one/__init__.py")
    assert ran.stdout.splitlines() == [f"{path} {path} doc", r"'\xe4\u2603'", "True"]
    matched = set(re.findall(r"code object from '(.*one/[^']*\.pyc)'", ran.stderr))
    assert len(matched) == len(modules), ran.stderr
    assert {path: Path("/", path).read_bytes() for path in before} == before


@EACH
def test_order_and_hash_seed_do_not_matter(tmp_path, made, interpreter):
    site, entries = made(interpreter)
    found = bytecode.sources(entries, site.packages)
    # Before 3.11 sets lie as the seed says, so it is fixed there.
    seeds = ("0", "1") if tuple(map(int, site.python.split("."))) >= (3, 11) else ("0", "0")
    first = contents(answered(tmp_path, found, site, seeds[0]))
    assert first == contents(answered(tmp_path, found[::-1], site, seeds[1]))
    alone = [entry for entry in found if entry.path.endswith("repeats.py")]
    assert contents(answered(tmp_path, alone, site)).items() <= first.items()


@EACH
def test_it_is_good_without_its_sources_time_and_marks_nothing_as_shared(tmp_path, made, interpreter):
    site, entries = made(interpreter)
    found = bytecode.sources(entries, site.packages)
    sizes = {entry.path.rpartition("/")[2].removesuffix(".py"): entry.size for entry in found}
    for path, content in contents(answered(tmp_path, found, site)).items():
        if site.python == "3.6":  # PEP 552 came with 3.7
            size = sizes[path.rpartition("/")[2].partition(".")[0]]
            head, body = content[4:12], content[12:]
            assert head == (946684800).to_bytes(4, "little") + size.to_bytes(4, "little")
        else:
            head, body = content[4:16], content[16:]
            assert head[:4] == b"\1\0\0\0"  # by hash, not to be compared with the source
        assert body[:1] == b"c"  # marshal's versions from 3 on set the highest bit of what has a number


@EACH
def test_assertions_stay_and_the_images_environment_does_not_count(tmp_path, made, interpreter, monkeypatch):
    site, entries = made(interpreter)
    (tmp_path / "marshal.py").write_text("raise SystemExit('from the work folder')")
    (tmp_path / "gc.py").write_text("raise SystemExit('from the work folder')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    compiled = contents(answered(tmp_path, bytecode.sources(entries, site.packages), site))
    assert b"kept" in next(content for path, content in compiled.items() if "/asserts." in path)
    assert b"doc" in next(content for path, content in compiled.items() if "/__init__." in path)


@EACH
def test_a_set_whose_order_is_an_address_is_left_out_where_it_matters(tmp_path, made, interpreter):
    site, _ = made(interpreter)
    texts = [DEEP % "1, None, 2", DEEP % "..., 'a'", DEEP % "(1, (None,)), 2"]
    found = [file(f"{site.packages}/m{n}.py", text.encode()) for n, text in enumerate(texts)]
    compiled = answered(tmp_path, found, site)
    old = tuple(map(int, site.python.split("."))) < (3, 11)
    assert compiled.skipped == ((("has a set whose order changes", 3),) if old else ())


def test_only_modules_are_compiled(made):
    site, entries = made(sys.executable)
    names = {entry.path.rpartition("/")[2] for entry in bytecode.sources(entries, site.packages)}
    assert names == {
        *("__init__.py", "texts.py", "latin.py", "marked.py", "größe.py", "empty.py", "asserts.py"),
        *("repeats.py", "broken.py", "nothing.py"),
    }


def test_entries_are_those_of_a_layer(tmp_path, made):
    site, entries = made(sys.executable)
    compiled = answered(tmp_path, bytecode.sources(entries, site.packages), site)
    tag = sys.implementation.cache_tag
    paths = {entry.path: entry for entry in compiled.entries}
    assert paths[f"{site.packages}/one/__pycache__/texts.{tag}.pyc"].mode == 0o644
    assert {path.rpartition("/")[0] for path in paths} - {""} <= set(paths)
    assert {entry.mtime for entry in compiled.entries} == {946684800}


def cut(content):
    return content[:-1]


def without_an_end(content):
    return content[: content.rindex(b"end ")]


def changed(content):
    return content.replace(b"spam", b"ham!", 1)


def with_more(content):
    return content + b"x"


def of_another_tag(content):
    return content.replace(b"cpython-", b"../../x-", 1)


@pytest.mark.parametrize(
    "damage",
    [cut, without_an_end, changed, with_more, of_another_tag, lambda content: b"", lambda content: b"\n"],
)
def test_what_is_not_whole_is_not_taken(tmp_path, made, damage):
    site, entries = made(sys.executable)
    asked, output = answer(tmp_path, bytecode.sources(entries, site.packages), site)
    output.write_bytes(damage(output.read_bytes()))
    with pytest.raises(CellError, match="did not arrive whole"):
        bytecode.compiled(output, asked)


@pytest.mark.parametrize("size", [b"-4", b"-1000", b"x", b"99999999999"])
def test_a_wrong_length_is_not_taken(tmp_path, made, size):
    site, entries = made(sys.executable)
    asked, output = answer(tmp_path, bytecode.sources(entries, site.packages), site)
    head, _, rest = output.read_bytes().partition(b"\n")
    output.write_bytes(head + b"\n" + size + b"\n" + rest.partition(b"\n")[2])
    with pytest.raises(CellError, match="did not arrive whole"):
        bytecode.compiled(output, asked)


def test_sources_that_are_cut_off_fail_the_run(tmp_path, made):
    site, entries = made(sys.executable)
    asked = bytecode.request(bytecode.sources(entries, site.packages), site, tmp_path / "stdin")
    ran = subprocess.run(asked.command, input=asked.stdin.read_bytes()[:-4], check=False, capture_output=True)
    assert ran.returncode != 0
    assert b"end " not in ran.stdout


def test_an_interpreter_that_is_sent_along_is_unpacked_by_the_shell(tmp_path, made, monkeypatch):
    """With a shell script in the place of Python, which tells what it was given."""
    place = tmp_path / "unpacked"
    monkeypatch.setattr(unpacking, "PLACE", str(place))
    monkeypatch.setattr(unpacking, "UNPACK", unpacking.UNPACK.replace("/tmp/python", str(place)))
    root = "opt/python/cpython-3.13.1+freethreaded-linux-x86_64-gnu"
    standalone = [
        folder(root),
        symlink(f"{root}/bin/python3.13t", "python3.13"),
        file(f"{root}/bin/python3.13", b"#!/bin/sh\necho $PYTHONHASHSEED $#\ncat > left\n", executable=True),
        file(f"{root}/lib/libpython3.13t.so.1.0", b"\0lib\n\n"),
        file(f"{root}/lib/python3.13t/os.py", b"os"),
        file(f"{root}/lib/python3.13t/lib-dynload/_x.so", b"x\r\n"),
        file(f"{root}/lib/python3.13t/test/test_x.py", b"not needed"),
        file(f"{root}/share/doc", b"not needed"),
    ]
    site = bytecode.Site(python="3.13t", interpreter=f"/{root}/bin/python3.13t")
    asked, output = answer(tmp_path, [file("x.py", b"X = 1\n")], site, standalone=standalone)
    found = {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert output.read_bytes() == b"0 7\n"
    assert found.pop("left") == b"946684800\n1\n5 6\n/x.pyX = 1\nend\n"
    library = found.pop("lib/python313t.zip")
    assert b"os.py" in library
    assert b"test_x" not in library
    assert found == {
        "bin/python3.13t": b"#!/bin/sh\necho $PYTHONHASHSEED $#\ncat > left\n",
        "lib/libpython3.13t.so.1.0": b"\0lib\n\n",
        "lib/python3.13t/os.py": b"os",
        "lib/python3.13t/lib-dynload/_x.so": b"x\r\n",
    }
    assert os.access(place / "bin/python3.13t", os.X_OK)
    assert asked.tmpfs >= sum(map(len, found.values())) + len(library)
