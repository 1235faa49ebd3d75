"""yamldoc: every scalar as text with its place; what is refused, where, and in which words; hostile input."""

import sys
from pathlib import Path

import pytest
import yaml

from builder import yamldoc
from builder.errors import InputError, Place


@pytest.fixture(params=["C", "Python"], autouse=True)
def parser(request, monkeypatch):
    """Everything here holds for libyaml's parser and for PyYAML's own."""
    loader = yaml.CSafeLoader if request.param == "C" else yaml.SafeLoader
    monkeypatch.setattr("builder.yamldoc.reading._loader", lambda: loader)


def told(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        yamldoc.parse(text, "f")
    return [f"{problem.place}: {problem.message} → {problem.hint}" for problem in caught.value.problems]


def scalars(node: yamldoc.Node) -> list[tuple[str, int, int]]:
    if isinstance(node, yamldoc.Scalar):
        return [(node.text, node.place.line, node.place.column)]
    if isinstance(node, yamldoc.Sequence):
        return [found for item in node.items for found in scalars(item)]
    return [found for key, value in node.entries for found in (*scalars(key), *scalars(value))]


def test_scalars_stay_text_and_know_their_places():
    node = yamldoc.parse("version: 1\npython: [3.10, '3.11', no]\nwhen:\n  - 2025-01-29\n  - 0x10\n", "f")
    assert scalars(node) == [
        ("version", 1, 1),
        ("1", 1, 10),
        ("python", 2, 1),
        ("3.10", 2, 10),
        ("3.11", 2, 16),
        ("no", 2, 24),
        ("when", 3, 1),
        ("2025-01-29", 4, 5),
        ("0x10", 5, 5),
    ]
    assert node.place == Place(file="f", line=1, column=1)


def test_quotes_are_remembered():
    node = yamldoc.parse("a:\nb: ''\n", "f")
    assert [value.plain for _, value in node.entries] == [True, False]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"], ids=["CRLF", "CR", "LF"])
def test_line_ends_and_a_byte_order_mark_do_not_move_places(end):
    node = yamldoc.parse("\ufeff" + end.join(["a: 1", "b:", "  - é: 2"]) + end, "f")
    assert scalars(node) == [("a", 1, 1), ("1", 1, 4), ("b", 2, 1), ("é", 3, 5), ("2", 3, 8)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3:1: duplicate key 'a' → it is on line 1 too; keep one"),
        ("a: {b: 1, 'b': 2}", "f:1:11: duplicate key 'b' → it is on line 1 too; keep one"),
        (
            "a: &x 1",
            "f:1:4: anchor '&x' is not allowed → write the value out where it is used; quote it if it",
        ),
        ("a: *x", "f:1:4: alias '*x' is not allowed → write the value out; quote a glob: \"*\""),
        (
            "a: !x 1",
            "f:1:4: tag '!x' is not allowed → every value is text already; quote it if it starts with '!'",
        ),
        ("a: !!python/object:os.system x", "f:1:4: tag '!!python/object:os.system' is not allowed →"),
        ("a: !=3.10", "f:1:4: tag '!=3.10' is not allowed →"),
        ("<<: {a: 1}", "f:1:1: merge key '<<' is not allowed → write the keys out"),
        ("[a]: 1", "f:1:1: a key must be text → quote what starts with '{' or '['"),
        (
            "a: 1\n---\nb: 2\n---\nc: 3",
            "f:2:1: a second document starts here → keep one in a file; remove `---`",
        ),
        ("", "f:1:1: the file is empty → docs/matrix.md has a complete example"),
        ("# a comment\n", "f:1:1: the file is empty → docs/matrix.md has a complete example"),
        ("---\n", "f:1:1: the file is empty → docs/matrix.md has a complete example"),
        ("a: 1\n\tb: 2", "f:2:1: not valid YAML: a tab cannot indent →"),
        ("a:\n\t- 2", "f:2:1: not valid YAML: a tab cannot indent → indent with spaces"),
        ("a: [1,\n  2\n\n", "f:1:4: not valid YAML: a list or mapping in brackets is not closed → close it"),
        ("a: {b: 1\nc: 2", "f:2:2: not valid YAML: a list or mapping in brackets is not closed → close it"),
        ("a: 'b\n", "f:1:4: not valid YAML: a quoted text is not closed → add the closing quote"),
        ("a: >=3.10", "f:1:5: not valid YAML: text that the sign before it does not allow → quote the value"),
        ("a: @x", "f:1:4: not valid YAML: a value cannot start with this character → quote the value"),
        ("a: b: c", "f:1:5: not valid YAML: a ':' where no key can be → quote a value that holds ': '"),
        ("- a\nb: c", "f:2:1: not valid YAML: the indentation does not fit → align it with its neighbours"),
        ("a: [*]", "f:1:6: not valid YAML: '*' and '&' cannot start a value → quote it: \"*\""),
        ("a: ]", "f:1:4: not valid YAML: "),
        ("a: 1\n...\nb: 2", "f:3:1: not valid YAML: the document has ended before this line →"),
        ("a: \x1b[31m", "f:1:4: invisible character U+001B → remove it; only printable text"),
        ("ab\n\u202ea: 1", "f:2:1: invisible character U+202E →"),
        ("a: \x00", "f:1:4: invisible character U+0000 →"),
        ("a: \ud800", "f:1:4: invisible character U+D800 →"),
    ],
)
def test_what_is_refused(text, expected):
    (only,) = told(text)
    assert only.startswith(expected)


def test_an_unknown_escape():
    """The parsers differ by one column."""
    (only,) = told('a: "\\q"')
    assert only.startswith("f:1:")
    assert "not valid YAML: an unknown escape after a backslash → use 'single quotes'" in only


def test_problems_are_told_together():
    found = told("a: &x 1\nb: *x\nb: !t 2\nc: [1, 2\n")
    assert [line.split(" →")[0] for line in found] == [
        "f:1:4: anchor '&x' is not allowed",
        "f:2:4: alias '*x' is not allowed",
        "f:3:4: tag '!t' is not allowed",
        "f:4:4: not valid YAML: a list or mapping in brackets is not closed",
    ]


def test_a_key_cannot_write_to_the_terminal():
    (only,) = told('"\\e[31m": 1\n"\\e[31m": 2\n')
    assert "\x1b" not in only
    assert r"\x1b[31m" in only


def test_twenty_levels_are_allowed_and_no_more():
    assert yamldoc.parse("[" * 20 + "]" * 20, "f")
    assert told("[" * 21 + "]" * 21) == ["f:1:21: nested more than 20 levels deep → check the brackets"]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000], ids=["[", "{", "-", "?"]
)
def test_deep_nesting_ends_early_without_recursion(text):
    limit = sys.getrecursionlimit()
    assert len(told(text)) == 1
    assert sys.getrecursionlimit() == limit


def test_billion_laughs_do_not_grow():
    lines = ["a0: &a0 [lol, lol]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 200)]
    found = told("\n".join(lines))
    assert len(found) == 100
    assert found[0].startswith("f:1:5: anchor '&a0' is not allowed")


def test_a_megabyte_is_the_limit():
    assert told("#" * (2 * 1024**2)) == ["f:1:1: the file is larger than 1 MiB → is this a matrix file?"]
    assert yamldoc.parse("a: " + "x" * (1024**2 - 3), "f")


def test_many_bad_characters_are_ten_problems():
    assert len(told("\x01" * 5000)) == 10


def read(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        yamldoc.read_text(path)
    (problem,) = caught.value.problems
    assert problem.hint
    return f"{problem.place or ''} {problem.message}".replace(str(path), "PATH").strip()


def test_files_that_cannot_be_read(tmp_path):
    assert read(tmp_path / "no.yaml") == "PATH does not exist"
    assert read(tmp_path) == "PATH is a folder, not a file"
    assert read(tmp_path / "nul\0.yaml") == "PATH cannot be read: embedded null byte"
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    assert read(loop) == "PATH cannot be read: Too many levels of symbolic links"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: \xc3\xa9\xff", "PATH:2:5 not UTF-8: byte 0xff"),
        ("a: 1".encode("utf-16"), "PATH:1:1 not UTF-8: byte 0xff (it looks like UTF-16)"),
        (b"\xff" * (2 * 1024**2), "PATH:1:1 the file is larger than 1 MiB"),
    ],
)
def test_files_that_are_not_text(tmp_path, content, expected):
    path = tmp_path / "f.yaml"
    path.write_bytes(content)
    assert read(path) == expected


def test_an_endless_file_is_not_read_to_its_end():
    with pytest.raises(InputError) as caught:
        yamldoc.parse(yamldoc.read_text(Path("/dev/zero")), "f")
    assert caught.value.problems[0].message == "the file is larger than 1 MiB"


def test_tables_are_plain_text_and_none(tmp_path):
    path = tmp_path / "table.yaml"
    path.write_text("a: 3.10\nb: null\nc:\nd: 'null'\ne: [1, ~, {f: true}]\ng: ''\n")
    expected = {"a": "3.10", "b": None, "c": None, "d": "null", "e": ["1", None, {"f": "true"}], "g": ""}
    assert yamldoc.read_table(path) == expected


def test_shown_text_is_short_and_holds_no_credential():
    assert yamldoc.shown("x" * 100) == "x" * 59 + "…"
    assert yamldoc.shown("https://me:secret@host/x") == "https://…@host/x"
