import os
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.data.feature_files import read_features, read_labels, write_features, write_labels
from raydist.errors import DataError, StorageError
from raydist.types import FeatureTable


def table_of(num, width=4, **columns):
    features = np.random.default_rng(0).normal(size=(num, width)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    ids = np.array([f"träck {row}" for row in range(num)], dtype=str)
    return FeatureTable(
        features, ids, (np.arange(num) % 2).astype(np.int8), np.array(["D1"] * num, dtype=str), **columns
    )


def assert_equal(left, right):
    for name in FeatureTable.__dataclass_fields__:
        a, b = np.asarray(getattr(left, name)), np.asarray(getattr(right, name))
        assert a.shape == b.shape
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    assert right.features.dtype == np.float32
    assert right.modality.dtype == np.int8


@pytest.mark.parametrize("num", [0, 1, 5])
@pytest.mark.parametrize("known", [True, False])
def test_features_come_back(tmp_path, num, known):
    columns = {}
    if known:
        columns = {
            "identity": np.arange(num) - 1,
            "split": np.array(["query", "gallery", "train", "query", "query"][:num], dtype=str),
            "time": np.array([1772353800.25, np.nan, -3.0, 0.0, 1e-3][:num]),
            "encoder": "12ab",
        }
    table = table_of(num, **columns)
    write_features(table, tmp_path / "new" / "features.parquet")
    assert_equal(table, read_features(tmp_path / "new" / "features.parquet"))


@pytest.mark.parametrize("name", ["tracklet_id", "camera"])
def test_what_could_not_be_read_back_is_not_written(tmp_path, name):
    table = table_of(3)
    getattr(table, name)[1] = ""
    with pytest.raises(DataError, match=f"{name}: empty in row 1"):
        write_features(table, tmp_path / "features.parquet")
    assert list(tmp_path.iterdir()) == []


def test_tables_of_several_encoders_have_none():
    one, two = (table_of(2, encoder=name) for name in ("12ab", "34cd"))
    two = replace(two, tracklet_id=np.array(["c", "d"]))
    assert FeatureTable.join([one, two]).encoder is None
    assert FeatureTable.join([one, replace(two, encoder="12ab")]).encoder == "12ab"
    assert one.take(np.array([1])).encoder == "12ab"


def test_features_have_the_published_schema(tmp_path):
    file = tmp_path / "features.parquet"
    known = {"split": np.array(["query"] * 3), "time": np.array([np.nan, 0.5, 2.0])}
    write_features(table_of(3, width=7, identity=np.array([-1, 2, 3]), **known), file)
    stored = pq.read_table(file)
    assert {field.name: str(field.type) for field in stored.schema} == {
        "tracklet_id": "string",
        "modality": "string",
        "camera": "string",
        "identity": "int64",
        "split": "string",
        "time": "double",
        "feature": "fixed_size_list<element: float>[7]",
    }
    assert stored["identity"].to_pylist() == [None, 2, 3]
    assert stored["time"].to_pylist() == [None, 0.5, 2.0]
    assert stored["modality"].to_pylist() == ["visible", "infrared", "visible"]


def test_row_groups_are_joined(tmp_path):
    file = tmp_path / "features.parquet"
    table = table_of(9)
    write_features(table, file)
    pq.write_table(pq.read_table(file), file, row_group_size=2)
    assert_equal(table, read_features(file))


def replaced(file, name, column):
    stored = pq.read_table(file)
    pq.write_table(stored.set_column(stored.column_names.index(name), name, column), file)


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("feature", pa.array(["[1.0, 0.0]"] * 2), "column feature: type string .* lists of numbers"),
        ("feature", pa.array([[1.0, 0.0], None]), "column feature is null in row 1"),
        ("feature", pa.array([[1.0, 0.0], [1.0]]), "numbers in row"),
        (
            "feature",
            pa.array([[1.0, 0.0], [1.0, None]], pa.list_(pa.float32(), 2)),
            "has null values in row 1",
        ),
        ("feature", pa.array([[1.0, 0.0], [1.0, np.nan]]), "NaN, infinite or huge in row 1"),
        ("feature", pa.array([[1.0, 0.0], [1e300, 0.0]]), "NaN, infinite or huge in row 1"),
        (
            "feature",
            pa.array([[2.0, 0.0], [1.0, 0.0]]),
            "another length than 1 in row 0, the first is of 'träck 0' and has length 2; divide",
        ),
        ("camera", pa.array(["D1", None]), "column camera is null in row 1"),
        (
            "modality",
            pa.array(["visible", "thermal"]),
            "modality: 'thermal' in row 1, expected one of visible, infrared; write 'infrared'",
        ),
        ("identity", pa.array([0.5, 1]), r"column identity: 0\.5 in row 0"),
        ("time", pa.array(["7", "noon"]), "column time: 'noon' in row 1 is no time; write seconds"),
        ("tracklet_id", pa.array(["a", "a"]), "'a' is not unique, it stands in rows 0, 1"),
    ],
)
def test_wrong_columns_are_refused(tmp_path, name, column, message):
    file = tmp_path / "features.parquet"
    write_features(table_of(2, identity=np.array([1, 2]), time=np.array([1.0, 2.0])), file)
    replaced(file, name, column)
    with pytest.raises(DataError, match=rf"features\.parquet has 1 problem(.|\n)*{message}"):
        read_features(file)


def test_one_message_has_all_problems(tmp_path):
    file = tmp_path / "features.parquet"
    write_features(table_of(4), file)
    replaced(file, "feature", pa.array([[1.0, 0.0], [np.nan, 0.0], [3.0, 0.0], [np.inf, 0.0]]))
    replaced(file, "modality", pa.array(["visible", "thermal", "infrared", "x"]))
    replaced(file, "tracklet_id", pa.array(["a", "b", "a", None]))
    pq.write_table(pq.read_table(file).drop_columns(["camera"]), file)
    with pytest.raises(DataError, match="7 problem") as error:
        read_features(file)
    for line in (
        "column camera: missing",
        "column tracklet_id is null in row 3",
        "modality: 'thermal' in row 1",
        "modality: 'x' in row 3",
        "tracklet_id: 'a' is not unique, it stands in rows 0, 2",
        "NaN, infinite or huge in rows 1, 3",
        "another length than 1 in row 2",
    ):
        assert line in str(error.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tracklet_id", pa.large_string()),
        ("modality", pa.dictionary(pa.int8(), pa.large_string())),
        ("camera", pa.string_view()),
        ("identity", pa.int8()),
        ("identity", pa.float64()),
        ("identity", pa.string()),
        ("feature", pa.list_(pa.float32())),
        ("feature", pa.large_list(pa.float64())),
        ("feature", pa.list_(pa.float64(), 4)),
    ],
)
def test_other_types_give_the_same_table(tmp_path, name, kind):
    file = tmp_path / "features.parquet"
    table = table_of(5, identity=np.array([3, -1, 3, 7, -1]))
    write_features(table, file)
    values = pq.read_table(file)[name].to_pylist()
    texts = [value if value is None else str(value) for value in values]
    replaced(file, name, pa.chunked_array([texts if kind == pa.string() else values], kind))
    assert_equal(table, read_features(file))


def test_half_precision_is_read_as_single(tmp_path):
    file = tmp_path / "features.parquet"
    table = table_of(5)
    write_features(table, file)
    halves = table.features.astype(np.float16)
    replaced(file, "feature", pa.FixedSizeListArray.from_arrays(pa.array(halves.ravel()), 4))
    assert (read_features(file).features == halves.astype(np.float32)).all()


def test_pandas_files_are_read(tmp_path):
    file = tmp_path / "features.parquet"
    table = table_of(6, identity=np.arange(6), split=np.array(["query", "gallery"] * 3))
    write_features(table, file)
    frame = pd.read_parquet(file)
    frame.rename(columns={"feature": "Embedding"}).to_parquet(file)
    assert_equal(table, read_features(file))


def test_the_texts_of_identities_are_a_column(tmp_path):
    file = tmp_path / "features.parquet"
    table = table_of(3, identity=np.array([2, -1, 1]))
    write_features(table, file, identity_names={1: "eve", 2: "li"})
    assert pq.read_table(file)["identity_name"].to_pylist() == ["li", None, "eve"]
    assert_equal(table, read_features(file))


@pytest.mark.parametrize("read", [read_features, read_labels])
def test_broken_files_are_refused(tmp_path, read):
    file = tmp_path / "file.parquet"
    with pytest.raises(DataError, match="no such file"):
        read(file)
    for content in (b"", b"PAR1", b"\x80\x04pickle"):
        file.write_bytes(content)
        with pytest.raises(DataError, match="not a readable Parquet file"):
            read(file)
    write_features(table_of(3), file)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read(file)
    pq.write_table(pa.table({"x": [1]}), file)
    with pytest.raises(DataError, match=r"column tracklet_id: missing .*the headings are x"):
        read(file)


@pytest.mark.parametrize("read", [read_features, read_labels])
def test_a_pickle_is_refused_and_not_executed(tmp_path, read, payload):
    (tmp_path / "file.parquet").write_bytes(pickle.dumps(payload))
    with pytest.raises(DataError, match=r"this is a pickle of Python; write the table as Parquet"):
        read(tmp_path / "file.parquet")


def test_labels_come_back(tmp_path):
    file = tmp_path / "labels.parquet"
    ids, labels = np.array(["b", "a", "c"]), np.array([2, -1, 0])
    write_labels(ids, labels, file)
    read_ids, read = read_labels(file)
    assert read_ids.tolist() == ["b", "a", "c"]
    assert read.tolist() == [2, -1, 0]
    assert read.dtype == np.int64
    assert [str(field.type) for field in pq.read_table(file).schema] == ["string", "int64"]


def test_labels_are_checked(tmp_path):
    file = tmp_path / "labels.parquet"
    with pytest.raises(DataError, match="2 labels for 1 tracklet"):
        write_labels(np.array(["a"]), np.array([1, 2]), file)
    write_labels(np.array(["a"]), np.array([-2]), file)
    with pytest.raises(DataError, match="label -2 in row 0"):
        read_labels(file)
    pq.write_table(pa.table({"tracklet_id": [7], "label": pa.array([3], pa.int8())}), file)
    assert [column.tolist() for column in read_labels(file)] == [["7"], [3]]
    pq.write_table(pa.table({"tracklet_id": ["a"], "label": [0.5]}), file)
    with pytest.raises(DataError, match=r"column label: 0\.5 in row 0 is no whole number"):
        read_labels(file)


def test_an_id_of_labels_occurs_once(tmp_path):
    pq.write_table(pa.table({"tracklet_id": ["a", "b", "a"], "label": [0, 1, 1]}), tmp_path / "l.parquet")
    with pytest.raises(DataError, match="tracklet_id: 'a' is not unique, it stands in rows 0, 2"):
        read_labels(tmp_path / "l.parquet")


@pytest.mark.parametrize("name", ["tracklet_id", "camera"])
@pytest.mark.parametrize(
    ("text", "message"), [("", "empty in row 1"), (" ", "empty in row 1"), ("a\0", "NUL")]
)
def test_names_are_filled_in(tmp_path, name, text, message):
    write_features(table_of(3), tmp_path / "f.parquet")
    table = pq.read_table(tmp_path / "f.parquet")
    names = table[name].to_pylist()
    place = table.column_names.index(name)
    pq.write_table(
        table.set_column(place, name, pa.array([names[0], text, names[2]])), tmp_path / "f.parquet"
    )
    with pytest.raises(DataError, match=f"{name}: .*{message}"):
        read_features(tmp_path / "f.parquet")


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "labels.parquet"
    write_labels(np.array(["a"]), np.array([1]), file)

    def disk_full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", disk_full)
    with pytest.raises(StorageError, match="No space"):
        write_labels(np.array(["a"]), np.array([2]), file)
    assert read_labels(file)[1].tolist() == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["labels.parquet"]


NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "200"))
"""Inputs of each fuzz test; ``RAYDIST_FUZZ=10000`` tries more of them."""

NUMBERS = st.one_of(st.none(), st.floats(), st.sampled_from([0.0, 1.0, 0.6, 0.8, -1.0]))
CELLS = st.one_of(
    st.none(), st.sampled_from(["a", "", "visible", "infrared", "query", "7", "nan"]), st.text()
)
COLUMNS = [
    *((kind, CELLS) for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.large_binary())),
    (pa.dictionary(pa.int32(), pa.string()), CELLS),
    (pa.binary(), st.binary(max_size=4)),
    (pa.int16(), st.one_of(st.none(), st.integers(-2, 9))),
    (pa.float64(), NUMBERS),
    (pa.bool_(), st.booleans()),
    (pa.null(), st.none()),
    (pa.timestamp("us"), st.datetimes()),
    *((of(pa.float64()), st.lists(NUMBERS, max_size=3)) for of in (pa.list_, pa.large_list)),
    (pa.list_(pa.float32(), 2), st.one_of(st.none(), st.lists(NUMBERS, min_size=2, max_size=2))),
    (pa.list_(pa.float64(), 0), st.just([])),
    (pa.list_(pa.string()), st.lists(CELLS, max_size=2)),
    (pa.list_(pa.list_(pa.float32())), st.just([[1.0]])),
]
NAMES = ["tracklet_id", "modality", "camera", "identity", "split", "feature", "Embedding", "label", "PID", ""]


@st.composite
def tables(draw):
    """A good table of which some columns are of another type, have another heading, or are absent."""
    length = draw(st.integers(0, 3))
    columns = {
        "tracklet_id": pa.array([f"t{row}" for row in range(length)]),
        "modality": pa.array(["visible", "infrared", "visible"][:length]),
        "camera": pa.array(["D1"] * length),
        "feature": pa.array([[0.6, 0.8]] * length, pa.list_(pa.float32(), 2)),
    }
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=4)):
        kind, values = draw(st.sampled_from(COLUMNS))
        drawn = draw(st.lists(values, min_size=length, max_size=length))
        if kind == pa.large_binary():
            drawn = [value if value is None else value.encode() for value in drawn]
        columns[name] = pa.array(drawn, kind)
    for name in draw(st.lists(st.sampled_from(list(columns)), max_size=1)):
        del columns[name]
    return pa.table(columns)


@settings(max_examples=NUM_FUZZED, derandomize=True, deadline=None)
@given(table=tables())
def test_any_parquet_is_read_or_refused(read_or_refuse, table):
    features = read_or_refuse(read_features, "f.parquet", lambda file: pq.write_table(table, file))
    assert features is None or (features.features.dtype == np.float32 and len(features) == len(table))
    labels = read_or_refuse(read_labels, "f.parquet", lambda file: pq.write_table(table, file))
    assert labels is None or (labels[1].dtype == np.int64 and labels[1].min(initial=0) >= -1)


@settings(max_examples=NUM_FUZZED, derandomize=True, deadline=None)
@given(place=st.integers(0, 10_000), damage=st.binary(min_size=1, max_size=4), cut=st.integers(0, 10_000))
def test_damaged_parquet_is_read_or_refused(read_or_refuse, damage_file, place, damage, cut):
    def write(file):
        write_features(table_of(4, identity=np.array([1, 2, 3, -1])), file)
        damage_file(file, place, damage, cut)

    features = read_or_refuse(read_features, "f.parquet", write)
    assert features is None or np.isfinite(features.features).all()
