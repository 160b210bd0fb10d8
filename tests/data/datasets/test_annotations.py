import pytest

from raydist.data.datasets.annotations import parse_integers, read_lines
from raydist.errors import DataError


def test_lines_keep_their_numbers(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes("\ufeffone\r\n\r\n  two \n".encode())
    assert read_lines(file, "") == [(1, "one"), (3, "two")]


@pytest.mark.parametrize("text", ["1 x", "1.5", "-1", "²", "9" * 5000])
def test_only_whole_numbers(text):
    with pytest.raises(DataError, match=r"here: .* where a whole number was expected"):
        parse_integers(text, "here")
