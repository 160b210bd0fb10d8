import csv
import io

import pytest

from raydist.data.datasets.csv_table import read_csv
from raydist.errors import DataError

WANTED = ("tracklet_id", "camera", "frames")
HEAD = ["tracklet_id", "camera", "frames"]
ROWS = [["a", "D1", "x/1.jpg|x/2.jpg"], ["b, c", "D;2", 'say "7"'], ["ç\t行", "", "y|z"]]


def written(tmp_path, *, delimiter=",", newline="\n", encoding="utf-8", quoting=csv.QUOTE_MINIMAL, rows=ROWS):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerows([HEAD, *rows])
    (tmp_path / "t.csv").write_bytes(text.getvalue().encode(encoding))
    return tmp_path / "t.csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_same_table_in_many_hands(tmp_path, delimiter, newline, quoting, encoding):
    table = read_csv(
        written(tmp_path, delimiter=delimiter, newline=newline, quoting=quoting, encoding=encoding), WANTED
    )
    assert table.headings == HEAD
    assert [list(row) for row in zip(*(c.to_pylist() for c in table.columns), strict=True)] == ROWS
    assert table.numbers.tolist() == [2, 3, 4]
    assert table.problems == []


def test_blanks_around_cells_and_empty_lines_do_not_count(tmp_path):
    (tmp_path / "t.csv").write_text("\n tracklet_id , camera,frames \n\n a , D1,x \n")
    table = read_csv(tmp_path / "t.csv", WANTED)
    assert [column.to_pylist() for column in table.columns] == [["a"], ["D1"], ["x"]]
    assert table.numbers.tolist() == [2]


def test_a_row_may_be_of_any_length(tmp_path):
    frames = "|".join(f"folder/{number}.jpg" for number in range(200_000))
    table = read_csv(written(tmp_path, rows=[["a", "D1", frames], ["b", "D2", "x"]]), WANTED)
    assert table.columns[2].to_pylist() == [frames, "x"]


def test_ragged_rows_are_all_named_and_the_others_keep_their_numbers(tmp_path):
    (tmp_path / "t.csv").write_text('tracklet_id,camera,frames\na,D1\n"b\nc",D1,x\nd,D1,x,y,z\ne,D1,x\n')
    table = read_csv(tmp_path / "t.csv", WANTED)
    assert [line.split(":")[0] for line in table.problems] == [
        "row 2 has 2 cells, the headings are 3",
        "row 4 has 5 cells, the headings are 3",
    ]
    assert table.columns[0].to_pylist() == ["b\nc", "e"]
    assert table.numbers.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \r\n", "the file is empty"),
        ("tracklet_id\n".encode("utf-16"), "its text is UTF-16; save it as 'CSV UTF-8'"),
        ("tracklet_id\n".encode("utf-16-le"), "its text is UTF-16"),
        (b"PK\x03\x04\x14\0", "workbook of a spreadsheet; save it as 'CSV UTF-8'"),
        ("tracklet_id,camera\na,b\nç,b\n".encode("latin-1"), "byte 0xe7 in line 3 is not UTF-8"),
    ],
)
def test_other_files_are_explained(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_csv(tmp_path / "t.csv", WANTED)


def test_a_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, WANTED)
