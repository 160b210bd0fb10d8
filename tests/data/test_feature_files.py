import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raydist.data.feature_files import read_features, read_labels, write_features, write_labels
from raydist.errors import DataError, FeatureError
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
        a, b = getattr(left, name), getattr(right, name)
        assert (a is None) == (b is None)
        assert a is None or (a.shape == b.shape and (a == b).all())
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
        }
    table = table_of(num, **columns)
    write_features(table, tmp_path / "new" / "features.parquet")
    assert_equal(table, read_features(tmp_path / "new" / "features.parquet"))


def test_features_have_the_published_schema(tmp_path):
    file = tmp_path / "features.parquet"
    write_features(table_of(3, width=7, identity=np.array([-1, 2, 3]), split=np.array(["query"] * 3)), file)
    stored = pq.read_table(file)
    assert {field.name: str(field.type) for field in stored.schema} == {
        "tracklet_id": "string",
        "modality": "string",
        "camera": "string",
        "identity": "int64",
        "split": "string",
        "feature": "fixed_size_list<element: float>[7]",
    }
    assert stored["identity"].to_pylist() == [None, 2, 3]
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
        (
            "feature",
            pa.array([[1.0, 0.0]] * 2, pa.list_(pa.float32())),
            r"column feature has type list.*expected fixed_size_list",
        ),
        ("feature", pa.array([[1.0, 0.0]] * 2, pa.list_(pa.float64(), 2)), "column feature has type"),
        (
            "feature",
            pa.array([[1.0, 0.0], None], pa.list_(pa.float32(), 2)),
            "has null values|lists to be of size=2",
        ),
        (
            "feature",
            pa.array([[1.0, 0.0], [1.0, None]], pa.list_(pa.float32(), 2)),
            "column feature has null values",
        ),
        ("camera", pa.array([1, 2]), "column camera has type int64, expected string"),
        ("camera", pa.array(["D1", None]), "column camera is null in 1 rows"),
        (
            "modality",
            pa.array(["visible", "thermal"]),
            "modality 'thermal': expected 'visible' or 'infrared'",
        ),
        ("identity", pa.array(["a", "b"]), "column identity has type string, expected int64"),
        ("tracklet_id", pa.array(["a", "a"]), "occurs 2 times"),
    ],
)
def test_wrong_columns_are_refused(tmp_path, name, column, message):
    file = tmp_path / "features.parquet"
    write_features(table_of(2, identity=np.array([1, 2])), file)
    replaced(file, name, column)
    with pytest.raises(DataError, match=message):
        read_features(file)


def test_features_are_checked(tmp_path):
    file = tmp_path / "features.parquet"
    write_features(table_of(2), file)
    replaced(file, "feature", pa.array([[1.0, np.nan], [1.0, 0.0]], pa.list_(pa.float32(), 2)))
    with pytest.raises(FeatureError, match="NaN"):
        read_features(file)


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
    with pytest.raises(DataError, match=r"no column tracklet_id .*there are x"):
        read(file)


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
    with pytest.raises(DataError, match="2 labels for 1 tracklets"):
        write_labels(np.array(["a"]), np.array([1, 2]), file)
    write_labels(np.array(["a"]), np.array([-2]), file)
    with pytest.raises(DataError, match="label -2"):
        read_labels(file)
    pq.write_table(pa.table({"tracklet_id": ["a"], "label": [0.5]}), file)
    with pytest.raises(DataError, match="column label has type double, expected int64"):
        read_labels(file)


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "labels.parquet"
    write_labels(np.array(["a"]), np.array([1]), file)

    def disk_full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", disk_full)
    with pytest.raises(OSError, match="No space"):
        write_labels(np.array(["a"]), np.array([2]), file)
    assert read_labels(file)[1].tolist() == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["labels.parquet"]
