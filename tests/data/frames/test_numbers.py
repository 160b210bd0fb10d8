import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.data.frames.numbers import NO_NUMBER, frame_numbers


def by_hand(path):
    """The number that ends a name, digit by digit."""
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    stem = name.rsplit(".", 1)[0] if "." in name else name
    digits = ""
    while stem and stem[-1] in "0123456789":
        digits, stem = stem[-1] + digits, stem[:-1]
    return int(digits) if 0 < len(digits) <= 18 else NO_NUMBER


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("a/000017.jpg", 17),
        ("17", 17),
        ("0001_c1s1_00151_07.png", 7),
        ("a.b/12.tar.gz", NO_NUMBER),
        ("a12/b.jpg", NO_NUMBER),
        ("9" * 18 + ".jpg", int("9" * 18)),
        ("9" * 19 + ".jpg", NO_NUMBER),
        (".jpg", NO_NUMBER),
        ("a/٣.jpg", NO_NUMBER),
        ("", NO_NUMBER),
    ],
)
def test_names_by_hand(path, number):
    assert frame_numbers([path]).tolist() == [number] == [by_hand(path)]


@given(st.lists(st.text(alphabet="019a._/\\é", max_size=24), max_size=8))
@settings(deadline=None, derandomize=True)
def test_any_names(paths):
    numbers = [by_hand(path) for path in paths]
    assert frame_numbers(paths).tolist() == numbers
    assert frame_numbers(pa.array(paths, pa.string())).tolist() == numbers
