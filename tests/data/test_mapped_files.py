import numpy as np
import pyarrow as pa
import pytest

from raydist.data.mapped_files import mapped_array, mapped_table, write_arrays, write_table


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int64).reshape(2, 3),
        np.array(["a", "bc"]),
        np.empty((0, 4), np.float32),
        np.array(7, np.int8),
    ],
)
def test_an_array_comes_back_and_cannot_be_written_to(array, tmp_path):
    write_arrays(tmp_path, {"values": array})
    mapped = mapped_array(tmp_path / "values.npy")
    assert type(mapped) is np.ndarray
    assert (mapped.dtype, mapped.shape) == (array.dtype, array.shape)
    assert mapped.tolist() == array.tolist()
    assert not mapped.flags.writeable


def test_what_is_cut_off_or_no_array_is_refused(tmp_path):
    write_arrays(tmp_path, {"values": np.arange(1000)})
    file = tmp_path / "values.npy"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ValueError, match="mmap"):
        mapped_array(file)
    with pytest.raises(OSError, match="No such file"):
        mapped_array(tmp_path / "missing.npy")
    write_arrays(tmp_path, {"values": np.arange(3)})
    with pytest.raises(ValueError, match="Object arrays"):
        write_arrays(tmp_path, {"objects": np.array([None])})


def test_a_table_comes_back_in_one_piece_a_column(tmp_path):
    table = pa.concat_tables([pa.table({"path": ["a", "b"], "at": [[1], [2, 3]]})] * 3)
    assert table["path"].num_chunks == 3
    write_table(table, tmp_path / "t.arrow")
    mapped = mapped_table(tmp_path / "t.arrow")
    assert mapped.equals(table)
    assert mapped["path"].num_chunks == 1


def test_columns_of_a_mapped_table_take_no_memory(tmp_path):
    write_table(pa.table({"value": np.arange(1_000_000)}), tmp_path / "t.arrow")
    before = pa.total_allocated_bytes()
    mapped = mapped_table(tmp_path / "t.arrow")
    assert mapped["value"][999_999].as_py() == 999_999
    assert pa.total_allocated_bytes() - before < 100_000


def test_a_table_that_is_cut_off_is_refused(tmp_path):
    write_table(pa.table({"value": np.arange(1000)}), tmp_path / "t.arrow")
    file = tmp_path / "t.arrow"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ValueError, match="Not an Arrow file"):
        mapped_table(file)
