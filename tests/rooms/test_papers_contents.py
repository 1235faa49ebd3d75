"""What a container tells of itself: all of it, exactly, or nothing at all."""

import json
from dataclasses import replace

import pytest

from builder.engine.api import RunEnd, RunRequest
from builder.engine.dry import NOTHING_RAN, DryEngine
from builder.errors import CellError
from builder.papers import Contents, contents
from builder.ports import Ports

OS = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n# a remark\n\nID=debian\nVERSION_ID="12"\n'
DPKG = (
    "installed\tlibc6\t2.36-9+deb12u10\tamd64\tglibc\t2.36-9+deb12u10\n"
    "config-files\tgone\t1.0\tamd64\tgone\t1.0\n"
    "not-installed\tnever\t1.0\tamd64\tnever\t1.0\n"
    "half-configured\tbash\t5.2.15-2+b8\tamd64\tbash\t5.2.15-2\n"
)
RPM = (
    "openssl-libs\t1\t3.0.7\t27.el9\tx86_64\topenssl-3.0.7-27.el9.src.rpm\n"
    "bash\t0\t5.1.8\t6.el9\tx86_64\tbash-5.1.8-6.el9.src.rpm\n"
    "gpg-pubkey\t0\t350d275d\t6279464b\t(none)\t(none)\n"
)


def metadata(name: str = "torch", version: str = "2.8.0+cpu", **more) -> dict[str, object]:
    untold = {"at": "/opt/env/x.dist-info", "expression": "", "licence": "", "classifiers": []}
    return {**untold, "name": name, "version": version, **more}


def python(*found: dict[str, object], **more) -> str:
    told = {"implementation": "cpython", "version": "3.11.2", "distributions": found or (metadata(),)}
    return json.dumps({**told, **more})


def answer(nonce: str, frames=(), code: str = "0") -> str:
    """As the container writes it: a whole answer unless told otherwise."""
    frames = frames or (("os", OS), ("dpkg", DPKG), ("python", python()))
    return "".join(f"{nonce} begin {name}\n{text}\n{nonce} end {name} {code}\n" for name, text in frames)


def ask(write, **end) -> Contents:
    """The contents of an image whose container writes what `write` makes of the nonce."""

    def run(request: RunRequest) -> RunEnd:
        told = write(request.command[4])
        return replace(NOTHING_RAN, stdout=told if isinstance(told, bytes) else told.encode(), **end)

    return of(run)


def of(run, *prefix: str) -> Contents:
    engine = DryEngine(on_run=run)
    engine.pull("image:1", "linux/amd64", lambda progress: None)
    return contents("image:1", Ports(engine=engine, source=None, layers=None), *prefix)


def framed(**changed: str):
    """A whole answer with other words in some frames."""
    frames = {"os": OS, "dpkg": DPKG, "python": python(), **changed}
    return lambda nonce: answer(nonce, tuple(frames.items()))


def refused(write, **end) -> str:
    """Why there are no contents."""
    with pytest.raises(CellError, match="what is in the image cannot be listed") as caught:
        ask(write, **end)
    words = str(caught.value)
    assert words.isprintable()
    return words


def rows(found: Contents) -> list[tuple[str, ...]]:
    return [(one.name, one.version, one.architecture, one.source, one.source_version) for one in found.system]


def test_debian_s_packages_are_those_that_have_files_in_the_image():
    found = ask(framed())
    assert rows(found) == [
        ("bash", "5.2.15-2+b8", "amd64", "bash", "5.2.15-2"),
        ("libc6", "2.36-9+deb12u10", "amd64", "glibc", "2.36-9+deb12u10"),
    ]
    assert found.tool == "dpkg"
    assert (found.os.id, found.os.version) == ("debian", "12")
    assert found.os.title == "Debian GNU/Linux 12 (bookworm)"


def test_rpm_s_packages_have_their_epoch_and_their_source():
    found = ask(lambda nonce: answer(nonce, (("os", OS), ("rpm", RPM), ("python", python()))))
    assert rows(found) == [
        ("bash", "5.1.8-6.el9", "x86_64", "bash", "5.1.8-6.el9"),
        ("gpg-pubkey", "350d275d-6279464b", "", "", ""),
        ("openssl-libs", "1:3.0.7-27.el9", "x86_64", "openssl", "3.0.7-27.el9"),
    ]
    assert found.tool == "rpm"


def test_a_distribution_has_its_name_in_both_spellings_and_the_version_that_pip_shows():
    told = python(metadata("Typing_Extensions", "2024.07.04"), metadata("Abc", "1.0-strange!"))
    found = ask(framed(python=told))
    assert [(one.name, one.spelled, one.version) for one in found.python] == [
        ("abc", "Abc", "1.0-strange!"),
        ("typing-extensions", "Typing_Extensions", "2024.7.4"),
    ]
    assert (found.interpreter.name, found.interpreter.version) == ("cpython", "3.11.2")


def test_an_order_that_means_nothing_makes_no_difference():
    backwards = "\n".join(reversed(DPKG.split("\n")[:-1])) + "\n"
    both = [metadata(), metadata("numpy", "2.0")]
    assert ask(framed(python=python(*both))) == ask(framed(python=python(*both[::-1]), dpkg=backwards))


def test_an_answer_that_is_cut_off_anywhere_is_no_answer():
    for length in range(len(answer("0" * 32))):
        refused(lambda nonce, length=length: answer(nonce)[:length])


@pytest.mark.parametrize(
    "write",
    [
        lambda nonce: "",
        lambda nonce: "noise\n" + answer(nonce),
        lambda nonce: answer(nonce) + "noise",
        lambda nonce: answer(nonce).replace(f"{nonce} begin dpkg", f"noise\n{nonce} begin dpkg"),
        lambda nonce: answer(nonce) * 2,
        lambda nonce: answer("0" * 32),
        lambda nonce: answer(nonce, (("os", OS), ("python", python()))),
        lambda nonce: answer(nonce, (("os", OS), ("dpkg", DPKG), ("rpm", RPM), ("python", python()))),
        lambda nonce: answer(nonce, (("dpkg", DPKG), ("os", OS), ("python", python()))),
        lambda nonce: answer(nonce).encode() + b"\xff",
        lambda nonce: answer(nonce).replace("\n", "\r\n"),
    ],
)
def test_what_is_not_exactly_an_answer_is_refused(write):
    refused(write)


@pytest.mark.parametrize(
    "dpkg",
    [
        "",
        "\n",
        DPKG.removesuffix("\n"),
        DPKG + DPKG,
        DPKG + "\n",
        DPKG + "installed\tx\t1\tamd64\tx\n",
        DPKG + "installed\tx\t1\tamd64\tx\t1\tmore\n",
        DPKG + "installed\tx\x1b[31m\t1\tamd64\tx\t1\n",
        DPKG + "installed\tx\t1\x00\tamd64\tx\t1\n",
        DPKG + "installed\tx\t\tamd64\tx\t1\n",
        DPKG + f"installed\t{'x' * 300}\t1\tamd64\tx\t1\n",
        "config-files\tgone\t1.0\tamd64\tgone\t1.0\n",
        f"{'0' * 32} end dpkg 0\n" + DPKG,
    ],
)
def test_a_list_of_packages_with_anything_else_in_it_is_refused(dpkg):
    refused(framed(dpkg=dpkg))


@pytest.mark.parametrize(
    "told",
    [
        "",
        python()[:-1],
        python() + python(),
        "warning: x\n" + python(),
        "[" * 100_000,
        "null",
        python(more=1),
        python(version=3),
        python(version="3.11 \x07"),
        python(implementation="../x"),
        python({"name": "x"}),
        python(metadata("")),
        python(metadata("x", "")),
        python(metadata("x\x1b[31m")),
        python(metadata("x\n")),
        python(metadata("x", "1.0\n")),
        python(metadata("x", "1 .0")),
        python(metadata("x" * 300)),
        python(metadata("x", "9" * 5000)),
        python(metadata("x", classifiers=[1])),
        python(metadata("\ud800")),
    ],
    ids=range(21),
)
def test_a_list_of_distributions_with_anything_else_in_it_is_refused(told):
    refused(framed(python=told))


@pytest.mark.parametrize(
    "os",
    [
        'ID="unclosed\n',
        "ID=Debian\n",
        "ID=a/b\n",
        "ID=x\nVERSION_ID='1 2'\n",
        "PRETTY_NAME='\x1b[31m'\n",
        "noise\n",
    ],
)
def test_a_strange_release_is_refused(os):
    refused(framed(os=os))


def test_a_release_that_says_little_is_linux():
    found = ask(framed(os=""))
    assert (found.os.id, found.os.version, found.os.title) == ("linux", "", "Linux")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ({"timed_out": True}, "it took more than 300 s"),
        ({"out_of_memory": True, "exit_code": 137}, "out of memory"),
        ({"flooded": True}, "longer than 32 MiB"),
        ({"exit_code": 127, "stderr": b"exec: \x1b[31m/bin/sh: not found\n"}, r"\x1b[31m/bin/sh: not found"),
        ({"exit_code": 3}, "exit code 3"),
    ],
)
def test_a_container_that_ends_badly_says_nothing(end, words):
    assert words in refused(framed(), **end)


def test_a_tool_that_fails_says_nothing():
    words = refused(lambda nonce: answer(nonce, code="2"), stderr=b"first\nit is \x07 broken\n")
    assert words.endswith(r"os ended with exit code 2: it is \x07 broken")


@pytest.mark.parametrize(
    ("told", "expression", "licence"),
    [
        ({"expression": "mit AND (Apache-2.0 or BSD-2-Clause)"}, "MIT AND (Apache-2.0 OR BSD-2-Clause)", ""),
        ({"licence": "BSD-3-Clause"}, "BSD-3-Clause", ""),
        ({"licence": "MIT License"}, "", "MIT License"),
        ({"expression": "No-Such-Licence"}, "", "No-Such-Licence"),
        ({"expression": "LicenseRef-Ours OR MIT"}, "", "LicenseRef-Ours OR MIT"),
        ({"licence": "UNKNOWN", "classifiers": ["License :: OSI Approved :: BSD"]}, "", "BSD"),
        ({"classifiers": ["License :: B", "Topic :: C", "License :: A", "License :: B"]}, "", "A, B"),
        ({"licence": "One\n        Two\n          3\x0c \x1b[31m\u202e"}, "", "One\nTwo\n  3\n  [31m"),
        ({"licence": "(" * 5000}, "", "(" * 5000),
        ({"licence": "(" * 150}, "", "(" * 150),
        ({}, "", ""),
    ],
)
def test_a_licence_is_what_the_metadata_say(told, expression, licence):
    (found,) = ask(framed(python=python(metadata(**told)))).python
    assert (found.expression, found.licence) == (expression, licence)


def test_the_container_is_confined_and_no_two_have_the_same_nonce():
    asked: list[RunRequest] = []

    def run(request: RunRequest) -> RunEnd:
        asked.append(request)
        return replace(NOTHING_RAN, stdout=answer(request.command[4]).encode())

    assert of(run) == of(run)
    assert {(one.network, one.writable, one.mounts) for one in asked} == {("none", False, ())}
    assert len({one.command[4] for one in asked}) == 2
