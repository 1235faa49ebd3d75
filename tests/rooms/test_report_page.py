"""The page says what the records say, nothing in it is from outside as markup, and it stays small."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from ci_results import check, image, verification
from report_accounts import ALL, LOSSES, account, failed, many, passed

from builder.report.drawing import bar, curve
from builder.report.outline import markdown
from builder.report.page import html

PAGE = html(ALL)


class Seen(HTMLParser):
    """The tags and the words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data) -> None:
        self.words += data.split()


SEEN = Seen(PAGE)


def test_every_cell_has_a_place_to_link_to() -> None:
    ids = [attributes["id"] for tag, attributes in SEEN.tags if tag == "details" and "id" in attributes]
    assert ids == [entry.cell.id for entry in ALL.entries]
    links = {attributes["href"] for tag, attributes in SEEN.tags if tag == "a"}
    assert links == {f"#{name}" for name in ids}


@pytest.mark.parametrize(
    "words",
    [
        *("0.5192", "409,289", "106,003", "97.75%", "97.12%", "0.2963", "0.2729", "709 MB", "1,151 MB"),
        *("Run of 2026-11-27 05:00 UTC", "20 s on docker 28, 2 at once", "for 5 cells", "waited for torch"),
        *(
            "shared by 2 cells",
            "glibc 2.36",
            "E: no such package",
            "2 passed",
            "quantize.dynamic: going away",
        ),
        *("envbuild up &#39;m &amp; &lt;m&gt;.yaml&#39; --only debian12", "lock <code>abababababab</code>"),
    ],
)
def test_it_says_what_the_records_say(words) -> None:
    assert words in PAGE


def test_nothing_from_outside_is_markup() -> None:
    assert "<b>" not in PAGE
    assert {tag for tag, _ in SEEN.tags} <= {
        *("html", "head", "meta", "title", "style", "body", "header", "div", "h1", "h2", "h3", "p", "code"),
        *("main", "span", "table", "thead", "tbody", "tr", "th", "td", "a", "br", "form", "label", "input"),
        *("details", "summary", "section", "pre", "button", "script", "svg", "defs", "path", "rect"),
    }  # fmt: skip
    handlers = [name for _, attributes in SEEN.tags for name in attributes if name.startswith("on")]
    assert handlers == []


def test_nothing_is_fetched() -> None:
    policy = next(a["content"] for tag, a in SEEN.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert (policy or "").startswith("default-src 'none';")
    loaded = [a for tag, a in SEEN.tags if tag in ("link", "img", "iframe") or a.get("src")]
    assert loaded == []
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/)", PAGE)


def test_a_verdict_is_told_by_a_sign_and_a_word_not_by_colour_alone() -> None:
    for sign, word in (("✓", "passed"), ("✗", "failed"), ("✗", "impossible"), ("✗", "build failed")):
        assert f"{sign} {word}</a>" in PAGE


def test_the_curve_begins_high_and_ends_low() -> None:
    numbers = [
        float(number)
        for number in re.findall(r"-?\d+(?:\.\d+)?", re.search(r'd="([^"]*)"', curve(LOSSES))[1])
    ]
    heights = numbers[1::2]
    assert len(heights) == len(LOSSES)
    assert heights == sorted(heights)


def test_a_bar_shows_the_times_to_scale() -> None:
    found = re.findall(r'<rect x="([\d.]+)" y="0" width="([\d.]+)"', bar([(0, 10)], [(5, 10)], 20))
    assert [(float(x), float(width)) for x, width in found] == [(0, 200), (100, 100)]


@pytest.mark.parametrize("entries", [(), (failed(),), (passed(),)])
def test_it_can_be_made_of_little(entries) -> None:
    assert "</html>" in html(account(*entries))


@pytest.mark.slow
def test_five_hundred_cells_take_less_than_five_megabytes() -> None:
    assert len(html(many(500)).encode()) < 5_000_000


@pytest.mark.parametrize(
    "value",
    [{}, [], None, "x", True, {"bytes": 1}, [1, "x"], 10**17, -1.5],
    ids=lambda value: str(value)[:10],
)
def test_figures_of_any_kind_are_no_trouble(value) -> None:
    names = ("bytes", "accuracy", "float_ms", "int8_ms", "losses")
    ids = ("train.curve", "train.accuracy", "save.load", "quantize.dynamic")
    checks = [check(ident, "pass", values=dict.fromkeys(names, value)) for ident in ids]
    odd = dataclasses.replace(passed(), proof=verification("passed", *checks), image=image(size=0))
    assert "</html>" in html(account(odd))
    assert "passed" in markdown(account(odd))


def test_cells_of_several_platforms_have_each_their_place() -> None:
    arm = passed(arch="aarch64", id="debian12-py3.11-cpu-torch2.8.0-arm64")
    page = html(account(failed(), passed(), arm))
    assert page.count("</a></td>") == 3
    assert "debian12 aarch64" in page
    assert "debian12 aarch64" not in PAGE
