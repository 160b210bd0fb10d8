import csv
import io
import os

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


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("empty", ["", "  ", ",,", ",", ",,,,,", '"",,', '""', " , , "])
def test_blanks_around_cells_and_rows_without_content(tmp_path, newline, delimiter, empty):
    """The rows are numbered as a spreadsheet shows them below the headings."""
    lines = [
        empty,
        " tracklet_id , camera,frames ",
        empty,
        " a , D1,x ",
        empty,
        empty,
        "b,D2,y",
        empty,
        empty,
    ]
    text = newline.join(lines).replace(",", delimiter)
    (tmp_path / "t.csv").write_bytes(text.encode())
    table = read_csv(tmp_path / "t.csv", WANTED)
    assert [column.to_pylist() for column in table.columns] == [["a", "b"], ["D1", "D2"], ["x", "y"]]
    assert table.numbers.tolist() == [3, 6]
    assert table.problems == []


def test_a_heading_may_be_empty(tmp_path):
    (tmp_path / "t.csv").write_text("\ttracklet_id\tcamera\n0\ta\tD1\n\t\t\n2\tb\tD2\n")
    table = read_csv(tmp_path / "t.csv", WANTED)
    assert table.headings == ["", "tracklet_id", "camera"]
    assert table.columns[1].to_pylist() == ["a", "b"]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "sep=;;;", "\n\nsep=;"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_line_by_which_excel_is_told_the_delimiter(tmp_path, line, newline, mark):
    text = f"{mark}{line}\ntracklet_id;camera, place;frames\na;D1;x\n;;\nb;D2\n".replace("\n", newline)
    (tmp_path / "t.csv").write_bytes(text.encode())
    table = read_csv(tmp_path / "t.csv", WANTED)
    assert table.headings == ["tracklet_id", "camera, place", "frames"]
    assert table.numbers.tolist() == [2]
    assert [line.split(" has")[0] for line in table.problems] == ["row 4"]


def test_a_delimiter_that_is_none(tmp_path):
    (tmp_path / "t.csv").write_text("sep=|\na|b\n")
    with pytest.raises(DataError, match=r"names the delimiter '\|': expected , ; or a tab"):
        read_csv(tmp_path / "t.csv", WANTED)


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
        (b"sep=;\n", "the file is empty"),
        (b";;;\n;;;", "the file is empty"),
        ("tracklet_id\n".encode("utf-16"), "this is text in UTF-16; save it as 'CSV UTF-8'"),
        ("tracklet_id\n".encode("utf-16-le"), "this is text in UTF-16"),
        ("tracklet_id\n".encode("utf-32"), "this is text in UTF-32"),
        (b"PK\x03\x04\x14\0", "as workbooks of spreadsheets are; save it as 'CSV UTF-8'"),
        ("tracklet_id,camera\na,b\nç,b\n".encode("latin-1"), "byte 0xe7 in line 3 is not UTF-8"),
    ],
)
def test_other_files_are_explained(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_csv(tmp_path / "t.csv", WANTED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "People,,\n\ntracklet_id,camera,frames\na,b,c\n",
            "remove the rows above 'tracklet_id,camera,frames'",
        ),
        (
            "# by x\nTracklet ID;Cam;Paths\r\n",
            "'# by x' and has none of .* remove the rows above 'Tracklet ID",
        ),
        (
            "tracklet_id|camera|frames\n",
            r"has none of the headings tracklet_id, .*; separate them by , ; or tabs",
        ),
        ('[{"tracklet_id": "a"}]', "has none of the headings"),
        ("<html><body>", "the first row is '<html><body>' and has none of the headings"),
        ("\0" * 500, r"the first row is '\\x00\\x00.*none of the headings"),
        ("a,D1,x\nb,D1,y\n", "the first row is 'a,D1,x'"),
    ],
)
def test_files_without_headings_in_the_first_row(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_csv(tmp_path / "t.csv", WANTED)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\x1a", "\n\x1a"])
def test_the_end_of_the_file(tmp_path, end):
    for rows in ([], ["a,D1,x"]):
        (tmp_path / "t.csv").write_text("\n".join([",".join(HEAD), *rows]) + (end if rows else ""))
        table = read_csv(tmp_path / "t.csv", WANTED)
        assert table.problems == []
        assert table.columns[0].to_pylist() == [row[0] for row in rows]


def test_what_is_wrong_with_a_row(tmp_path):
    text = 'tracklet_id,camera,frames\na\nb,D1,x\n\0\0\0\n"c,D1,x\nd,D1,x\n'
    (tmp_path / "t.csv").write_text(text)
    few, damaged, unclosed = read_csv(tmp_path / "t.csv", WANTED).problems
    assert few.startswith("row 2 has 1 cell, the headings are 3: 'a'; a cell that contains")
    assert damaged == r"row 4: NUL characters, '\x00\x00\x00'; the file is damaged"
    assert unclosed.startswith("row 5 has 1 cell, ")
    assert unclosed.endswith("; a quotation mark is not closed")


def test_a_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, WANTED)


@pytest.mark.timeout(60)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataError, match="not a regular file"):
        read_csv(tmp_path / "a.csv", ["split"])


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(400 * 2**30)
    with pytest.raises(DataError, match=r"it has 429,496,729,600 bytes.*write the manifest as Parquet"):
        read_csv(tmp_path / "a.csv", ["split"])
