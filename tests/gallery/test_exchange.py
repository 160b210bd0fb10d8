"""Values of a request, checked."""

import pytest

from raydist.errors import ConfigError
from raydist.gallery.exchange import Words


def test_values_are_read():
    words = Words("camera=a&camera=b%20c&top=7&least=-0.5&empty=")
    assert words.every("camera") == ("a", "b c")
    assert (words.whole("top", low=1, high=9), words.similarity("least")) == (7, -0.5)
    assert words.one("empty") is words.whole("none", low=0, high=1) is words.similarity("none") is None


@pytest.mark.parametrize("value", ["", "x", "1.5", "0", "10", "²", "9" * 30, "-1", "1e1"])
def test_a_number_out_of_range_is_refused(value):
    words = Words(f"n={value}")
    if not value:
        assert words.whole("n", low=1, high=9) is None
        return
    with pytest.raises(ConfigError, match="from 1 to 9"):
        words.whole("n", low=1, high=9)


def test_times_are_seconds_or_dates():
    words = Words("a=12.5&b=1970-01-01%2000%3A01&c=noon")
    assert (words.time("a"), words.time("b"), words.time("none")) == (12.5, 60.0, None)
    with pytest.raises(ConfigError, match="c: "):
        words.time("c")


@pytest.mark.parametrize("value", ["x", "nan", "inf", "1.01"])
def test_what_is_no_similarity_is_refused(value):
    with pytest.raises(ConfigError, match="-1 to 1"):
        Words(f"s={value}").similarity("s")


def test_repeated_and_too_many_values_are_refused():
    with pytest.raises(ConfigError, match="2 times"):
        Words("row=1&row=2").one("row")
    with pytest.raises(ConfigError, match="200"):
        Words("&".join(["a=1"] * 201))
