"""Pictures of a body, cut up by their sizes."""

import pytest

from raydist.errors import ConfigError, DataError
from raydist.gallery.exchange import Words
from raydist.gallery.uploads import MAX_PICTURES, pictures


def test_pictures_come_in_their_order():
    frames = pictures(Words("sizes=2,3"), b"abcde")
    assert [(str(frame), frame.content) for frame in frames] == [("1", b"ab"), ("2", b"cde")]


@pytest.mark.parametrize("sizes", ["2,2", "6", "5,-0", "5,x", "²", "999999999999999", "5,"])
def test_sizes_that_do_not_belong_to_the_body_are_refused(sizes):
    with pytest.raises(ConfigError, match="sizes"):
        pictures(Words(f"sizes={sizes}"), b"abcde")


def test_none_and_too_many_are_refused():
    with pytest.raises(DataError, match="no picture"):
        pictures(Words(""), b"")
    with pytest.raises(DataError, match=str(MAX_PICTURES)):
        pictures(Words("sizes=" + ",".join(["1"] * (MAX_PICTURES + 1))), b"a" * (MAX_PICTURES + 1))
