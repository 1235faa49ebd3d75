"""JSON that others wrote: nothing in it makes a calculation fail later."""

import pytest

from builder.plainjson import loads


def test_what_is_good_is_read():
    assert loads(b'{"a": [1, -2.5, 1e3, true, null, "x"]}') == {"a": [1, -2.5, 1000.0, True, None, "x"]}
    assert loads("123456789012345678") == 123456789012345678


@pytest.mark.parametrize(
    "text", ["", "{", "1" * 19, "-" + "1" * 400, "1e999", "NaN", "-Infinity", "[" * 100_000]
)
def test_what_is_not_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        loads(text)
