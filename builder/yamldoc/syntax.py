"""PyYAML's errors in plain words."""

from __future__ import annotations

import re

from builder.errors import Place, Problem

_QUOTE_RANGE = 'quote the value, for example ">=3.10"'
_INDENTED_BY_TAB = re.compile(" *\t")

# Words of libyaml and of PyYAML's own parser → ours, and what to do. The first that occurs counts.
_WORDS = (
    (r"cannot start any token", "a value cannot start with this character", _QUOTE_RANGE),
    (r"chomping|comment or line break", "text that the sign before it does not allow", _QUOTE_RANGE),
    (
        r"mapping values are not allowed",
        "a ':' where no key can be",
        "quote a value that holds ': ', or check the indentation",
    ),
    (
        r"',' or '[]}]'",
        "a list or mapping in brackets is not closed",
        "close it, or put ',' between its items",
    ),
    (
        r"expected key|<block end>|'-' indicator|block sequence entries",
        "the indentation does not fit",
        "align it with its neighbours",
    ),
    (r"expected ':'", "a key without ':'", "write `key: value`"),
    (r"unexpected (end of stream|document)", "a quoted text is not closed", "add the closing quote"),
    (r"unknown escape", "an unknown escape after a backslash", "use 'single quotes' around backslashes"),
    (r"alphabetic or numeric|expected alphanumeric", "'*' and '&' cannot start a value", 'quote it: "*"'),
    (r"node content", "a value is missing, or a bracket is too much", "check the brackets of this line"),
    (
        r"<document start>",
        "the document has ended before this line",
        "remove `...`, or check the brackets above",
    ),
)


def problem_of(error: Exception, text: str, file: str) -> Problem:
    """The problem that a `yaml.YAMLError` tells; its own words are kept where there are none here."""
    told = str(getattr(error, "problem", None) or error).splitlines()[0]
    mark, start = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if start is not None and (mark is None or not text[mark.index :].strip()):
        mark = start  # nobody looks at the end of a file: what was left open is the place
    line, column = (mark.line, mark.column) if mark else (0, 0)
    tab = _INDENTED_BY_TAB.match("".join(text.splitlines()[line : line + 1]))
    if tab:
        place = Place(file=file, line=line + 1, column=tab.end())
        return Problem(message="not valid YAML: a tab cannot indent", hint="indent with spaces", place=place)
    place = Place(file=file, line=line + 1, column=column + 1)
    for pattern, message, hint in _WORDS:
        if re.search(pattern, told):
            return Problem(message=f"not valid YAML: {message}", hint=hint, place=place)
    return Problem(message=f"not valid YAML: {told}", hint="check the line and the one above it", place=place)
