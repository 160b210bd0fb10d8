import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.data.importers.patterns import parse_pattern
from raydist.errors import ConfigError

PARTS = st.sampled_from(
    ["{camera}", "{tracklet}", "{frame}", "{identity}", "{x}", "/", "*", "_", "{", "}", "c(", ".jpg"]
)


@pytest.mark.parametrize(
    ("pattern", "path", "values"),
    [
        ("{camera}/{tracklet}/{frame}", "a/b/c.jpg", {"camera": "a", "tracklet": "b", "frame": "c"}),
        ("{camera}/{tracklet}/{frame}.jpg", "a/b/c.JPG", {"camera": "a", "tracklet": "b", "frame": "c"}),
        ("/{camera}/*/{tracklet}/*.*", "a/x/b/c.png", {"camera": "a", "tracklet": "b"}),
        ("{identity}_c{camera}_*", "7_c2_x_y.png", {"identity": "7", "camera": "2"}),
        ("p{identity}.{camera}/{frame}", "p7.b/1.png", {"identity": "7", "camera": "b", "frame": "1"}),
        ("{camera}/{tracklet}/{frame}", "a/b/c/d.jpg", None),
        ("{camera}/{tracklet}/{frame}", "a/c.jpg", None),
        (
            "market1501",
            "0002_c1s2_000451_03.jpg",
            {"identity": "0002", "camera": "1", "tracklet": "2", "frame": "000451_03"},
        ),
        (
            "market1501",
            "query/-1_c6s2_000451_03.jpg",
            {"identity": "-1", "camera": "6", "tracklet": "2", "frame": "000451_03"},
        ),
        ("market1501", "0002_c1_f0046182.jpg", None),
        (
            "mars",
            "0001/0001C1T0002F003.jpg",
            {"identity": "0001", "camera": "1", "tracklet": "0002", "frame": "003"},
        ),
        (
            "mars",
            "00-1C1T0002F003.jpg",
            {"identity": "00-1", "camera": "1", "tracklet": "0002", "frame": "003"},
        ),
        (
            "llcm",
            "nir/0004/0004_c03_s180_f0210_nir.jpg",
            {"identity": "0004", "camera": "03", "tracklet": "180", "frame": "0210", "modality": "nir"},
        ),
    ],
)
def test_what_a_path_says(pattern, path, values):
    assert parse_pattern(pattern).match(path) == values


def all_readings(pattern, path):
    """Every way to fill the placeholders of a pattern with at least one character each, by trying all."""
    parts = re.split(r"(\{[a-z]+\})", pattern)

    def fill(rest, text):
        if not rest:
            return [{}] if not text else []
        if not rest[0].startswith("{"):
            return fill(rest[1:], text[len(rest[0]) :]) if text.startswith(rest[0]) else []
        return [
            {rest[0][1:-1]: text[:end]} | more
            for end in range(1, len(text) + 1)
            if "/" not in text[:end]
            for more in fill(rest[1:], text[end:])
        ]

    return fill(parts, path)


LITERAL = st.sampled_from(["_", "/", "a", "_a"])


@given(
    st.permutations(["camera", "tracklet", "frame"]),
    st.tuples(LITERAL, LITERAL),
    st.lists(st.text(alphabet="a_", min_size=1, max_size=5), min_size=1, max_size=3).map("/".join),
)
def test_a_path_has_another_reading_where_there_is_one(names, literals, path):
    text = f"{{{names[0]}}}{literals[0]}{{{names[1]}}}{literals[1]}{{{names[2]}}}"
    readings = all_readings(text, path)
    pattern = parse_pattern(text)
    assert pattern.match(path) == (readings[0] if readings else None)
    assert pattern.other_reading(path) == (readings[-1] if len(readings) > 1 else None)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{identity}_c{camera}_*", "7_c2_x_y.png"),
        ("*_{camera}_{tracklet}/{frame}", "a_b_c_d/1.png"),
        ("mars", "0001C1T0002F003.jpg"),
        ("{camera}_{tracklet}", "a_b_c/1.png"),
    ],
)
def test_where_nothing_else_is_meant(pattern, path):
    assert parse_pattern(pattern).other_reading(path) is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{camra}/{tracklet}", "did you mean 'camera'"),
        ("{camera}/{tracklet}/{camera}", "occurs twice"),
        ("{camera}{tracklet}/{frame}", "touch"),
        ("{camera}/{tracklet}*/{frame}", "touch"),
        ("{tracklet}/{frame}", "no {camera}"),
        ("{camera}/{frame}", "no {tracklet} and no {identity}"),
        ("{camera}/{tracklet", "without its partner"),
        ("market", "did you mean 'market1501'"),
        ("", "named patterns are"),
    ],
)
def test_patterns_that_cannot_be(pattern, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_pattern(pattern)


@given(st.one_of(st.text(max_size=30), st.lists(PARTS, max_size=8).map("".join)))
def test_any_pattern_is_taken_or_refused(text):
    try:
        pattern = parse_pattern(text)
    except ConfigError:
        return
    pattern.match("a/b/c.jpg")
