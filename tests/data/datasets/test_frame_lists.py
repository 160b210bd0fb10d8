from pathlib import Path

import pyarrow as pa
import pytest

from raydist.data.datasets.frame_lists import check_links, frame_lists, frames_folder
from raydist.data.table_problems import TableProblems
from raydist.errors import DataError

NOWHERE = Path("/nowhere")


def lists(values, kind=None):
    problems = TableProblems()
    column = frame_lists(pa.chunked_array([pa.array(values, kind)]), NOWHERE, problems)
    problems.refuse("table")
    return column.to_pylist()


def test_lists_are_left_as_they_are():
    values = [[" a|b.jpg ", "c"], [], None]
    assert lists(values, pa.large_list(pa.large_string())) == values


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_text_is_cut_at_the_bars(kind):
    assert lists(["a.jpg | b c.jpg|d", "", None, "[1]/a.jpg"], kind) == [
        ["a.jpg", "b c.jpg", "d"],
        [],
        None,
        ["[1]/a.jpg"],
    ]


@pytest.mark.parametrize(
    "text", ["['a.jpg', 'b.jpg']", '["a.jpg"]', "('a.jpg',)", "['a.jpg'\n 'b.jpg']", " ['a'] "]
)
def test_the_text_of_a_list_is_explained(text):
    with pytest.raises(DataError, match=r"frames: the text of a list in row 1, .*map"):
        lists(["a.jpg", text])


def test_a_line_break_is_explained():
    with pytest.raises(DataError, match=r"frames: a line break in row 0, .* not closed"):
        lists(["a.jpg\nb,query,visible", "b.jpg"])


@pytest.mark.parametrize("values", [["x", r"a\b.jpg|c\d.jpg"], [["x"], ["a/b.jpg", r"a\b.jpg"]]])
def test_back_slashes_are_explained(values):
    with pytest.raises(
        DataError, match=r"frames: back slashes in row 1, the first path is 'a\\b.jpg'; .* by /"
    ):
        lists(values)


def test_a_back_slash_in_the_name_of_a_file_is_fine(tmp_path, write_jpeg):
    write_jpeg(tmp_path / "x" / r"a\b.jpg", 0)
    problems = TableProblems()
    column = pa.chunked_array([pa.array([[r"x/a\b.jpg"], [r"x\a.jpg"]])])
    assert frame_lists(column, tmp_path, problems).to_pylist() == [[r"x/a\b.jpg"], ["x/a.jpg"]]
    with pytest.raises(DataError, match="back slashes in row 1"):
        problems.refuse("table")


def test_rows_with_several_problems_have_a_line_each():
    with pytest.raises(DataError, match="3 problem"):
        lists(["['a']", r"C:\b", "x\ny", None])


def test_back_slashes_leave_null_and_empty_rows_in_their_places():
    problems = TableProblems()
    column = pa.chunked_array([pa.array([None, ["x", r"a\b"], [], ["c"]])])
    assert frame_lists(column, NOWHERE, problems).to_pylist() == [None, ["x", "a/b"], [], ["c"]]
    assert len(problems) == 1


def test_links_out_are_named_with_their_rows(tmp_path, write_jpeg):
    write_jpeg(tmp_path / "out" / "1.jpg", 0)
    write_jpeg(tmp_path / "in" / "2.jpg", 0)
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "3.jpg").symlink_to(tmp_path / "in" / "2.jpg")
    problems = TableProblems()
    frames = pa.chunked_array([pa.array([["2.jpg", "3.jpg"], ["link/1.jpg"], ["2.jpg", "link/1.jpg"]])])
    check_links(frames, tmp_path / "in", problems)
    with pytest.raises(
        DataError, match=r"2 frame paths .* in rows 1, 2, .*'link/1\.jpg'.*outside_frames=true"
    ):
        problems.refuse("table")


def test_the_folder_of_the_frames(tmp_path):
    assert frames_folder(tmp_path / "m.csv", None) == tmp_path
    assert frames_folder(tmp_path / "m.csv", str(tmp_path / "..")) == tmp_path / ".."
    for name in ("nowhere", "n" * 300):
        with pytest.raises(DataError, match="there is no such folder"):
            frames_folder(tmp_path / "m.csv", name)
