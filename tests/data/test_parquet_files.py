import pyarrow as pa
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
    with pytest.raises(DataError, match=r"not a readable Parquet file|no such file"):
        read_parquet(tmp_path)
