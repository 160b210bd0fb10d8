import os

import numpy as np
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from raydist.data.parquet_files import read_parquet
from raydist.errors import DataError


def test_text_that_is_no_text_is_refused(tmp_path):
    data = pa.py_buffer(b"a\xff")
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], data])
    pq.write_table(pa.table({"x": broken}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t\.parquet: not a readable Parquet file .*UTF8"):
        read_parquet(tmp_path / "t.parquet")


def test_row_groups_and_types_come_back(tmp_path):
    table = pa.table({"x": pa.array(["a", "b", "c"], pa.large_string())})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    assert read_parquet(tmp_path / "t.parquet").equals(table)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match=r"not a readable Parquet file \(Is a directory\)"):
        read_parquet(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"tracklet_id,camera\na,b\n" * 1000, "this is plain text; write the table as Parquet"),
        ("tracklet_id,camera\n".encode("utf-32"), "this is text in UTF-32"),
        (b"PAR1", "Parquet file size is 4 bytes"),
        (b"\x01\x02" * 9000, "magic bytes not found"),
    ],
)
def test_other_files_are_explained(tmp_path, content, message):
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_parquet(tmp_path / "t.parquet")


def test_a_file_that_is_cut_off_and_a_name_that_is_none(tmp_path):
    pq.write_table(pa.table({"x": list(range(1000))}), tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    for length in (len(content) - 1, len(content) // 2, 9):
        (tmp_path / "t.parquet").write_bytes(content[:length])
        with pytest.raises(DataError, match="it is cut off, its end is missing"):
            read_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_parquet(tmp_path / "a\0b")


def test_a_file_that_is_known_by_its_end(tmp_path):
    pyarrow.orc.write_table(pa.table({"x": np.random.default_rng(0).random(5000)}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="this is an ORC file"):
        read_parquet(tmp_path / "t.parquet")


@pytest.mark.parametrize("row", [0, 1, 999, 1000, 2500, 99_999])
def test_null_among_lists_of_one_length_is_named(tmp_path, row):
    values = [[0.6, 0.8]] * 100_000
    lists = pa.array([*values[:row], None, *values[row + 1 :]], pa.list_(pa.float32(), 2))
    table = pa.table({"good": pa.array(values, pa.list_(pa.float32(), 2)), "feature": lists})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1000 if row != 999 else None)
    with pytest.raises(DataError, match=f"column feature is null in row {row}, counted from 0"):
        read_parquet(tmp_path / "t.parquet")


@pytest.mark.timeout(60)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "f.parquet")
    with pytest.raises(DataError, match=r"not a readable Parquet file \(not a regular file\)"):
        read_parquet(tmp_path / "f.parquet")
