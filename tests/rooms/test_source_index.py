"""A package index asked about a project: pages of both kinds, parts of wheels, bad servers."""

from __future__ import annotations

import pytest
from facts_index import Index, small_wheel
from source_server import Server, broken_off, in_turn, reply, status

from builder.errors import OutsideError
from builder.facts import tables
from builder.facts.upkeep import builds
from builder.facts.upkeep.wheels import releases
from builder.source.project_page import parse

NAME = "torch-2.8.0-cp311-cp311-manylinux_2_28_x86_64.whl"
ONES = "1" * 64


@pytest.fixture
def index():
    with Server() as server:
        found = Index(server=server)
        found.add("torch", NAME, "2025-08-06", asks=("triton==3.4.0",), cuda="12.8", sha256=ONES)
        yield found


@pytest.mark.parametrize(
    "page", [b"", b"{}", b'{"files": [{"filename": 1}]}', b'{"files": [[]]}', b"\xff\xfe"]
)
def test_what_is_no_page_of_an_index_is_the_outside_s_failure(index, page: bytes) -> None:
    opened = index.open()
    index.server.routes["/simple/torch/"] = page
    with pytest.raises(OutsideError, match="could not be read"):
        opened.files("torch")


@pytest.mark.parametrize(
    "page",
    [
        f'<a href="/files/{NAME}#sha256={ONES}">x</a>',
        f"<A class='x' data-requires-python=\">=3.9\"\n href='../../files/{NAME}#sha256={ONES}'>x</A>",
        f'<a name="top">top</a><a data-requires-python="&gt;=3.9" href="/files/{NAME}#sha256={ONES}">x</a>',
    ],
)
def test_an_index_of_plain_html_serves_too(index, page: str) -> None:
    opened = index.open()
    told = opened.files("torch")
    index.server.routes["/simple/torch/"] = page.encode()
    (file,) = opened.files("torch")
    assert (file.filename, file.url, file.sha256) == (NAME, told[0].url, ONES)
    assert (file.uploaded, file.yanked, file.metadata) == (None, False, False)
    assert b"triton==3.4.0" in opened.metadata(file)


def test_what_a_page_tells_of_a_file_is_read() -> None:
    html = b'<a href="x-1-py3-none-any.whl" data-yanked="bad" data-core-metadata="sha256=0">x</a>'
    (file,) = parse(html, "text/html; charset=utf-8", "https://example.com/simple/x/")
    assert file.url == "https://example.com/simple/x/x-1-py3-none-any.whl"
    assert (file.yanked, file.metadata) == (True, True)


def test_a_file_of_a_wheel_is_read_in_a_few_small_parts(index) -> None:
    opened = index.open()
    (file,) = opened.files("torch")
    assert b"12.8" in opened.member(file, "torch/version.py")
    parts = [headers["range"] for path, headers in index.server.asked if path.startswith("/files/")]
    assert 1 <= len(parts) <= 4


def test_a_server_without_ranges_is_told_and_the_wheel_not_read(index) -> None:
    index.ranges = False
    opened = index.open()
    with pytest.raises(OutsideError, match=r"no part of it was given \(status 200\)"):
        opened.metadata(opened.files("torch")[0])


def test_what_is_no_wheel_is_told(index) -> None:
    opened = index.open()
    index.server.routes[f"/files/{NAME}"] = index.route(b"nothing of a zip file" * 99)
    with pytest.raises(OutsideError, match="cannot be read as a wheel"):
        opened.metadata(opened.files("torch")[0])
    index.server.routes[f"/files/{NAME}"] = index.route(small_wheel((), None))
    with pytest.raises(OutsideError, match=r"has no torch/version\.py"):
        opened.member(opened.files("torch")[0], "torch/version.py")


def test_a_failure_that_passes_is_not_seen(index) -> None:
    opened = index.open()
    page = index.server.routes["/simple/torch/"]
    index.server.routes["/simple/torch/"] = in_turn(status(503), status(429), page)
    assert len(opened.files("torch")) == 1
    index.server.routes["/simple/torch/"] = broken_off(b"x" * 99, 10, page)
    assert len(opened.files("torch")) == 1


@pytest.mark.parametrize("code", [403, 404, 503])
def test_a_failure_that_stays_is_told_with_the_answer(index, code: int) -> None:
    opened = index.open()
    index.server.routes["/simple/torch/"] = status(code)
    with pytest.raises(OutsideError, match=f"the server answered {code}"):
        opened.files("torch")


def test_an_answer_without_end_is_not_read_on(index, monkeypatch) -> None:
    from builder.source import reader

    monkeypatch.setattr(reader, "MOST", 1000)
    opened = index.open()
    index.server.routes["/simple/torch/"] = lambda handler: reply(handler, 200, b"<" * 100_000)
    with pytest.raises(OutsideError, match="it is longer than 1000 bytes"):
        opened.files("torch")


def page_of(*names: str) -> bytes:
    return "".join(f'<a href="{name.replace("+", "%2B")}">x</a>' for name in names).encode()


def test_only_final_releases_for_linux_count() -> None:
    page = page_of(
        "torch-2.8.0-cp313-cp313t-manylinux_2_28_x86_64.whl",
        "torch-2.8.0-cp39-cp39-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
        "torch-2.8.0-cp312-cp312-win_amd64.whl",
        "torch-2.8.0-cp312-none-macosx_11_0_arm64.whl",
        "torch-2.8.0-cp27-cp27mu-manylinux1_x86_64.whl",
        "torch-2.8.0rc1-cp312-cp312-manylinux_2_28_x86_64.whl",
        "torch-2.8.0+cu126-cp312-cp312-manylinux_2_28_x86_64.whl",
        "torch-1.6.0-cp38-cp38-manylinux1_x86_64.whl",
        "torch-2.8.0.tar.gz",
        "not a wheel.whl",
    )
    found = releases(parse(page, "text/html", "https://example.com/"), "1.7.0")
    assert list(found) == ["2.8.0"]
    assert (found["2.8.0"].python("x86_64"), found["2.8.0"].python("aarch64")) == (("3.13t",), ("3.9",))
    assert (found["2.8.0"].glibc("aarch64"), found["2.8.0"].glibc("x86_64")) == ("2.27", "2.28")


def test_pytorch_s_index_tells_builds_by_name_or_folder() -> None:
    page = page_of(
        "/whl/cu126/torch-2.8.0+cu126-cp311-cp311-manylinux_2_28_x86_64.whl",
        "/whl/cpu/torch-2.8.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl",
        "/whl/cpu-cxx11-abi/torch-2.8.0+cpu.cxx11.abi-cp311-cp311-linux_x86_64.whl",
        "/whl/cpu/torch-2.8.0+cpu-cp311-cp311-manylinux_2_28_aarch64.whl",
        "/whl/rocm6.4/torch-2.8.0+rocm6.4-cp311-cp311-manylinux_2_28_x86_64.whl",
        "/whl/cu102/torch-1.7.0-cp38-cp38-linux_x86_64.whl",
        "/whl/cu110/torch-1.7.0+cu110-cp38-cp38-linux_x86_64.whl",
        "/whl/cu92/torch-1.7.0+cu92-cp38-cp38-linux_x86_64.whl",
        "/whl/cu126/torch-2.8.0+cu126-cp311-cp311-win_amd64.whl",
        "/whl/torch-1.7.0-cp38-cp38-manylinux1_x86_64.whl",
    )
    found = builds.of_index(parse(page, "text/html", "https://example.com/whl/torch/"), "1.7.0")
    assert found == {
        "2.8.0": {"x86_64": ("cpu", "cu126"), "aarch64": ("cpu",)},
        "1.7.0": {"x86_64": ("cu92", "cu102", "cu110")},
    }


def test_all_shipped_hashes_are_of_wheels_that_the_tables_tell() -> None:
    rows = tables.shipped()["torch"]["releases"]
    assert set(tables.wheels()) == set(rows)
    for release, hashes in tables.wheels().items():
        page = page_of(*(f"torch-{release}-{stem}.whl" for stem in hashes))
        found = releases(parse(page, "text/html", "https://example.com/"), "1.7.0")[release]
        assert {arch: list(found.python(arch)) for arch in rows[release]["python"]} == rows[release]["python"]
