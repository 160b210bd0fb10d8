"""The index beside a file of features: the same table as without it, whatever happens to it."""

import os
import shutil
from dataclasses import fields, replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from raydist.announcements import listening
from raydist.api.matches import nearest_in
from raydist.data.feature_files import read_features, write_features
from raydist.data.feature_index import LEAST_BYTES, index_of, read_indexed_features
from raydist.errors import DataError
from raydist.types import FeatureTable, unit_rows

ROWS, WIDTH = 2101, 511  # an odd number of values, just above the smallest file that gets an index


def drawn(seed, num_rows=ROWS):
    rng, row = np.random.default_rng(seed), np.arange(num_rows)
    return FeatureTable(
        unit_rows(rng.normal(size=(num_rows, WIDTH)).astype(np.float32)),
        np.array([f"träck {each}" for each in row]),
        (row % 2).astype(np.int8),
        np.array([f"c{each % 5}" for each in row]),
        identity=row % 7 - 1,
        split=np.array(["query", "gallery", "train"])[row % 3],
        time=np.where(row % 4, row + 0.5, np.nan),
        encoder=f"{seed:064x}",
    )


@pytest.fixture
def file(tmp_path):
    """A file of features without an index."""
    write_features(drawn(0), tmp_path / "features.parquet")
    assert (tmp_path / "features.parquet").stat().st_size > LEAST_BYTES
    return tmp_path / "features.parquet"


@pytest.fixture
def indexed(file):
    """One with an index."""
    read_indexed_features(file)
    return file


def read_aloud(path):
    """The table, and what was said."""
    lines = []
    with listening(lines.append):
        return read_indexed_features(path), lines


def assert_equal(table, expected):
    for column in fields(FeatureTable):
        left, right = (np.asarray(getattr(one, column.name)) for one in (table, expected))
        assert left.dtype == right.dtype
        assert np.array_equal(left, right, equal_nan=column.name == "time")


def is_mapped(table):
    return isinstance(table.features.base, np.memmap)


def test_the_index_gives_the_table_and_the_matches_of_the_file(file):
    first, said = read_aloud(file)
    assert said == [f"{index_of(file)}: kept for later searches, 4 MiB"]
    second, silence = read_aloud(file)
    assert silence == []
    assert (is_mapped(first), is_mapped(second)) == (False, True)
    whole = read_features(file)
    for table in (first, second):
        assert_equal(table, whole)
    rows = np.flatnonzero(whole.modality == 0)
    for queries in (whole.features[3:4], whole.features[:40]):
        matches, expected = (nearest_in(t.take(rows), queries, top=25) for t in (second, whole))
        assert np.array_equal(matches.row, expected.row)
        assert np.array_equal(matches.similarity, expected.similarity)


def test_columns_that_are_not_features_are_read_from_the_file(indexed):
    """By the headings that other programs write, too."""
    stored = pq.read_table(indexed)
    names = [{"feature": "Embeddings", "camera": "Cam"}.get(name, name) for name in stored.column_names]
    pq.write_table(stored.rename_columns(names), indexed)
    whole, _ = read_aloud(indexed)
    mapped, said = read_aloud(indexed)
    assert (is_mapped(mapped), said) == (True, [])
    assert_equal(mapped, whole)


def test_other_features_have_another_index(indexed):
    write_features(drawn(1), indexed)
    table, said = read_aloud(indexed)
    assert_equal(table, drawn(1))
    assert "it belongs to other features" in said[0]
    assert said[0].endswith("; it is made anew")
    table, said = read_aloud(indexed)
    assert (is_mapped(table), said) == (True, [])
    assert_equal(table, drawn(1))


def test_other_features_of_the_same_size_and_time_are_noticed(file):
    """By the values between which the columns lie, which Parquet writes at its end."""

    def write(features):
        write_features(replace(drawn(0), features=features), file)
        pq.write_table(pq.read_table(file), file, compression="none", use_dictionary=False)
        os.utime(file, ns=(10**18, 10**18))
        return file.stat().st_size

    features = drawn(0).features.copy()
    size = write(features)
    read_indexed_features(file)
    features[5] = np.eye(WIDTH, dtype=np.float32)[7]
    assert write(features) == size
    table, said = read_aloud(file)
    assert "it belongs to other features" in said[0]
    assert np.array_equal(table.features, features)


def cut(index):
    os.truncate(index, index.stat().st_size // 2)


def lengthen(index):
    with index.open("ab") as stream:
        stream.write(b"\0" * 64)


def flip(place):
    def flip_one_bit(index):
        with index.open("r+b") as stream:
            stream.seek(place, os.SEEK_END if place < 0 else os.SEEK_SET)
            byte = stream.read(1)
            stream.seek(-1, os.SEEK_CUR)
            stream.write(bytes([byte[0] ^ 1]))

    return flip_one_bit


def lose_a_block(index):
    with index.open("r+b") as stream:
        stream.seek(2**20)
        stream.write(bytes(4096))


def exchange_rows(index):
    content = bytearray(index.read_bytes())
    content[4096:5120], content[5120:6144] = content[5120:6144], content[4096:5120]
    index.write_bytes(content)


DAMAGES = [exchange_rows, cut, lengthen, flip(0), flip(30), flip(4096), flip(2**21), flip(-1), lose_a_block]
DAMAGES += [lambda index: index.write_bytes(b""), lambda index: index.write_bytes(b"mine")]
DAMAGES += [lambda index: index.write_bytes(b'{"layout": 2, "of": []}')]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_made_anew(indexed, damage):
    damage(index_of(indexed))
    table, said = read_aloud(indexed)
    assert_equal(table, drawn(0))
    assert len(said) == 2
    assert said[0].endswith("; it is made anew")
    table, said = read_aloud(indexed)
    assert (is_mapped(table), said) == (True, [])
    assert_equal(table, drawn(0))


def test_the_index_of_another_file_is_not_taken(indexed, tmp_path):
    other = tmp_path / "other.parquet"
    write_features(drawn(2), other)
    shutil.copy2(index_of(indexed), index_of(other))
    table, said = read_aloud(other)
    assert "it belongs to other features" in said[0]
    assert_equal(table, drawn(2))


def test_where_none_can_be_written_the_file_is_read(file):
    (index_of(file) / "taken").mkdir(parents=True)
    for _ in range(2):
        table, said = read_aloud(file)
        assert_equal(table, drawn(0))
        assert [line for line in said if line.startswith("no index is kept")] == said[1:]
        assert len(said) == 2
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name, index_of(file).name]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only(file):
    file.parent.chmod(0o500)
    try:
        table, said = read_aloud(file)
    finally:
        file.parent.chmod(0o700)
    assert_equal(table, drawn(0))
    assert len(said) == 1
    assert said[0].startswith("no index is kept, each search reads the whole file: ")


def test_who_may_not_read_the_features_may_not_read_the_index(file):
    file.chmod(0o600)
    read_indexed_features(file)
    assert index_of(file).stat().st_mode & 0o777 == 0o600


def test_a_small_file_has_no_index(tmp_path):
    write_features(drawn(0, 20), tmp_path / "small.parquet")
    table, said = read_aloud(tmp_path / "small.parquet")
    assert_equal(table, drawn(0, 20))
    assert said == []
    assert not index_of(tmp_path / "small.parquet").exists()


def test_what_is_wrong_with_the_file_is_said_as_without_an_index(file):
    with pytest.raises(DataError, match="no such file"):
        read_indexed_features(file.with_name("none.parquet"))
    os.truncate(file, file.stat().st_size - 100)
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_indexed_features(file)
    write_features(drawn(0), file)
    stored = pq.read_table(file)
    twice = stored.set_column(0, "tracklet_id", stored["tracklet_id"].take([0, *range(ROWS - 1)]))
    pq.write_table(twice, file)
    with pytest.raises(DataError, match="'träck 0' is not unique"):
        read_indexed_features(file)
    assert not index_of(file).exists()


@pytest.mark.timeout(60)
def test_a_pipe_in_the_place_of_the_file_or_its_index_is_not_waited_for(file):
    os.mkfifo(index_of(file))
    table, lines = read_aloud(file)
    assert_equal(table, drawn(0))
    assert "cannot be read (not a regular file); it is made anew" in lines[0]
    assert is_mapped(read_indexed_features(file))
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DataError, match="not a regular file"):
        read_indexed_features(file)


def test_a_file_whose_index_would_have_too_long_a_name_is_read_without(file):
    named = file.rename(file.with_name("é" * 123 + ".parquet"))
    table, lines = read_aloud(named)
    assert_equal(table, drawn(0))
    assert "no index is kept" in lines[-1]
