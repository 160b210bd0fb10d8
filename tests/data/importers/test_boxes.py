import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from raydist.data.importers.boxes import Boxes, parse_line, read_boxes
from raydist.data.importers.problems import Problems
from raydist.errors import DataError, RaydistError

FIELD = st.one_of(
    st.integers(-5, 50).map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", " ", "nan", "1e400", "1_0", "\u0661", "id", "-0", "1e18", "9" * 400, "0x1", "\x00", "é"]
    ),
)
LINE = st.lists(FIELD, max_size=11).flatmap(
    lambda fields: st.sampled_from([",", ";", "\t", " ", ", "]).map(lambda mark: mark.join(fields))
)


def read(tmp_path, text, name="cam.txt"):
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    problems = Problems()
    return read_boxes(file, problems), problems


def test_columns_by_hand(tmp_path):
    boxes, problems = read(
        tmp_path,
        "2,7,11,21,30,60,0.5,-1,-1,-1\n\n1,7,1,1,10.5,20,1,1,0.25\n1,3,5,6,7,8\n3,3,5,6,7,8,-1,2\n",
    )
    assert problems.lines() == []
    assert boxes.track.tolist() == [3, 3, 7, 7]
    assert boxes.frame.tolist() == [1, 3, 1, 2]
    assert boxes.line.tolist() == [4, 5, 3, 1]
    assert boxes.corners.tolist() == [[4, 5, 11, 13], [4, 5, 11, 13], [0, 0, 10.5, 20], [10, 20, 40, 80]]
    assert boxes.confidence.tolist() == [-1, -1, 1, 0.5]
    assert boxes.category.tolist() == [-1, 2, 1, -1]


@pytest.mark.parametrize(
    "line", ["1, 2, 3, 4, 5, 6", "1;2;3;4;5;6", "1 2  3 4 5 6", "1\t2\t3\t4\t5\t6", "1.0,2,3,4,5,6,"]
)
def test_separators(line):
    assert parse_line(line) == (1, 2, 3, 4, 5, 6, -1, -1)


def test_whole_numbers_keep_their_digits():
    assert parse_line("9007199254740993,1.0,1,1,1,1") == (9007199254740993, 1, 1, 1, 1, 1, -1, -1)
    for word, message in (
        ("9007199254740993.0", "all digits, without a point"),
        ("1e17", "all digits, without a point"),
        ("9" * 19, "at most 18 digits"),
        ("1e400", "at most 18 digits"),
    ):
        with pytest.raises(DataError, match=message):
            parse_line(f"1,{word},1,1,1,1")


def test_windows_text(tmp_path):
    boxes, problems = read(tmp_path, b"\xef\xbb\xbf1,2,3,4,5,6\r\n2,2,3,4,5,6\r\n")
    assert len(boxes) == 2
    assert not len(problems)


def test_every_problem_is_listed_with_its_line(tmp_path):
    text = "frame,id,l,t,w,h\n1,2,3,4,5\n1.5,2,3,4,5,6\n1,2,nan,4,5,6\n-1,2,3,4,5,6\n"
    text += "1,,3,4,5,6\n1,2,3,4,5,6,1,.5,1\n"
    boxes, problems = read(tmp_path, text + "4,1,1,1,5,5\n4,1,9,9,5,5\n")
    assert [line.removeprefix(f"{tmp_path / 'cam.txt'}, ") for line in problems.lines()] == [
        "line 1: 'frame' where a number was expected (the format has no heading)",
        "line 2: 5 columns, expected at least 6: frame, id, left, top, width, height",
        "line 3: frame 1.5: expected a whole number",
        "line 4: 'nan' where a number was expected (the format has no heading)",
        "line 5: frame -1: expected a number from 0",
        "line 6: '' where a number was expected (the format has no heading)",
        "line 7: class .5: expected a whole number",
        "line 9: frame 4 of track 1 stands in line 8 already",
    ]
    assert len(boxes) == 2


def test_detections_are_no_tracks(tmp_path):
    _, problems = read(tmp_path, "1,-1,1,1,5,5,0.9,-1,-1,-1\n2,-1,1,1,5,5,0.9,-1,-1,-1\n")
    assert len(problems) == 1
    assert "let a tracker link them" in problems.lines()[0]
    boxes, problems = read(tmp_path, "1,-1,1,1,5,5\n2,4,1,1,5,5\n")
    assert problems.lines() == [
        f"{tmp_path / 'cam.txt'}, line 1: id -1: expected the number of a track, from 0"
    ]
    assert boxes.track.tolist() == [4]


def test_many_problems_are_counted(tmp_path):
    _, problems = read(tmp_path, "x\n" * 1000)
    assert len(problems) == 1000
    assert len(problems.lines()) == 21
    assert problems.lines()[-1].endswith("and 980 more")
    with pytest.raises(DataError, match="1,000 problem"):
        problems.raise_any()


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00", b"\x00"])
def test_a_file_without_boxes(tmp_path, content):
    boxes, problems = read(tmp_path, content)
    assert len(boxes) == 0
    assert boxes.corners.shape == (0, 4)
    assert len(problems) == (content in (b"\xff\xfe\x00", b"\x00"))


def test_a_file_in_the_encoding_of_windows(tmp_path):
    _, problems = read(tmp_path, "1,1,1,1,5,5".encode("utf-16"))
    assert problems.lines()[0].startswith(
        f"{tmp_path / 'cam.txt'}: not a UTF-8 text file (it is text in UTF-16)"
    )


@pytest.mark.parametrize("word", ["1" * 5000, "x" * 5000, "1." + "5" * 5000])
def test_a_long_word_is_cut(word):
    with pytest.raises(DataError) as error:
        parse_line(f"{word},1,1,1,1,1")
    assert len(str(error.value)) < 200


def test_a_missing_file(tmp_path):
    problems = Problems()
    assert len(read_boxes(tmp_path / "no.txt", problems)) == 0
    assert "No such file" in problems.lines()[0]


NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "300"))
"""Inputs of each fuzz test; ``RAYDIST_FUZZ=10000`` tries more of them."""


@given(st.one_of(st.lists(LINE, max_size=6).map("\n".join), st.text(max_size=60)))
@example("9007199254740993,1,1,1,1,1")
@example("1,1,1e308,1,1e308,1")
@example("1,4611686018427387904,1,1,1,1")
@settings(deadline=None, derandomize=True, max_examples=NUM_FUZZED)
def test_any_text_gives_boxes_or_problems(text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cam.txt"
        file.write_bytes(text.encode(errors="surrogatepass"))
        problems = Problems()
        boxes = read_boxes(file, problems)
        assert isinstance(boxes, Boxes)
        assert np.isfinite(boxes.corners[:, :2]).all()
        assert (boxes.frame >= 0).all()
        assert (boxes.track >= 0).all()
        order = np.lexsort((boxes.frame, boxes.track))
        assert (order == np.arange(len(boxes))).all() or len(problems)
        if len(problems):
            with pytest.raises(RaydistError):
                problems.raise_any()


@given(st.text(max_size=60))
@settings(deadline=None, derandomize=True, max_examples=NUM_FUZZED)
def test_any_line_gives_numbers_or_an_error(text):
    with contextlib.suppress(DataError):
        assert len(parse_line(text)) == 8
