import os

import pytest

from raydist.data.datasets.annotations import parse_integers, read_lines
from raydist.data.datasets.dataset import read_dataset
from raydist.errors import DataError


def test_lines_keep_their_numbers(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes("\ufeffone\r\n\r\n  two \n".encode())
    assert read_lines(file, "") == [(1, "one"), (3, "two")]


@pytest.mark.parametrize("text", ["1 x", "1.5", "-1", "²", "9" * 5000])
def test_only_whole_numbers(text):
    with pytest.raises(DataError, match=r"here: .* where a whole number was expected"):
        parse_integers(text, "here")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("hitsz_vcm", "info/train_name.txt"),
        ("buptcampus", "data_paths.json"),
        ("regdb", "idx/train_visible_1.txt"),
        ("llcm", "idx/train_vis.txt"),
        ("sysu_mm01", "exp/train_id.txt"),
    ],
)
def test_a_pipe_in_the_place_of_an_annotation_is_not_waited_for(tmp_path, name, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / file)
    with pytest.raises(DataError, match=rf"cannot read {tmp_path / file} \(not a regular file\)"):
        read_dataset(name, tmp_path)


def test_an_annotation_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(400 * 2**30)
    with pytest.raises(DataError, match="it has 429,496,729,600 bytes"):
        read_lines(tmp_path / "a.txt", "")
