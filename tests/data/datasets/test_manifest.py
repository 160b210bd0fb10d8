import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raydist.data.datasets.manifest import read
from raydist.errors import DataError
from raydist.types import Modality

CSV = """tracklet_id,split,modality,camera,identity,frames
a,train,visible,NA,1,x/1.jpg|x/2.jpg
b,train,infrared,12,,"y 1/1.jpg"
ç,query,infrared,12,3,z/1.jpg
"""


def parquet_table(**changes):
    columns = {
        "tracklet_id": pa.array(["a", "b"]),
        "split": pa.array(["train", "train"]),
        "modality": pa.array(["visible", "infrared"]),
        "camera": pa.array(["D1", "D2"]),
        "frames": pa.array([["x/1.jpg"], ["y/1.jpg", "y/2.jpg"]]),
    }
    return pa.table(columns | changes)


@pytest.mark.parametrize("as_folder", [True, False])
def test_csv(tmp_path, as_folder):
    file = tmp_path / "manifest.csv"
    file.write_text(CSV)
    table, notes = read(tmp_path if as_folder else file)
    assert table.root == tmp_path
    assert table.tracklet_id.tolist() == ["a", "b", "ç"]
    assert table.camera.tolist() == ["NA", "12", "12"]
    assert table.identity.tolist() == [1, -1, 3]
    assert table.modality.tolist() == [Modality.VISIBLE, Modality.INFRARED, Modality.INFRARED]
    assert table.frames == [["x/1.jpg", "x/2.jpg"], ["y 1/1.jpg"], ["z/1.jpg"]]
    assert notes.lines() == []


def test_parquet_without_identity(tmp_path):
    pq.write_table(parquet_table(), tmp_path / "manifest.parquet")
    table, _ = read(tmp_path)
    assert table.identity.tolist() == [-1, -1]
    assert table.frames == [["x/1.jpg"], ["y/1.jpg", "y/2.jpg"]]


def test_both_formats_say_the_same(tmp_path):
    (tmp_path / "manifest.csv").write_text(CSV)
    from_csv, _ = read(tmp_path)
    pq.write_table(from_csv.table, tmp_path / "own.parquet")
    assert read(tmp_path / "own.parquet")[0].table.equals(from_csv.table)


def test_close_types_are_converted(tmp_path):
    table = parquet_table(
        tracklet_id=pa.array(["a", "b"], pa.large_string()),
        modality=pa.array(["visible", "infrared"]).dictionary_encode(),
        frames=pa.array([["x"], ["y"]], pa.large_list(pa.large_string())),
        identity=pa.array([4, None], pa.int32()),
        camera=pa.array([7, 8]),
    )
    pq.write_table(table, tmp_path / "manifest.parquet")
    tracklets, _ = read(tmp_path)
    assert tracklets.identity.tolist() == [4, -1]
    assert tracklets.camera.tolist() == ["7", "8"]


def test_pair_and_stream_may_be_empty(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "tracklet_id,split,modality,camera,frames,pair,stream\n"
        "a,train,visible,D1,x,p,\nb,train,infrared,D1,y,p,s\n"
    )
    table, _ = read(tmp_path)
    assert table.table["pair"].to_pylist() == ["p", "p"]
    assert table.table["stream"].to_pylist() == [None, "s"]


def test_other_columns_are_noted(tmp_path):
    pq.write_table(parquet_table(weather=pa.array(["sun", "rain"])), tmp_path / "manifest.parquet")
    table, notes = read(tmp_path)
    assert "weather" not in table.table.column_names
    assert notes.lines() == ["columns left out: 1 (weather)"]
    assert notes.to_dict() == {"columns left out": {"count": 1, "examples": ["weather"]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tracklet_id,split,modality,frames\na,train,visible,x\n", "column camera: missing"),
        (CSV.replace("a,train,visible,NA", "a,train,visible,"), "camera: empty in row 0"),
        (CSV.replace("x/1.jpg|x/2.jpg", ""), "0 frames in row 0"),
        (CSV.replace("x/2.jpg", ""), "a path out of the root in row 0"),
        (
            CSV.replace("x/2.jpg", "/etc/passwd"),
            "a path out of the root in row 0, the first is '/etc/passwd'",
        ),
        (CSV.replace("x/2.jpg", "../secret.jpg"), "a path out of the root in row 0"),
        (CSV.replace(",3,", ",three,"), "not a readable CSV file .*three"),
        (CSV.replace("identity", "camera"), "column camera occurs 2 times"),
        (CSV + "d,train\n", "not a readable CSV file"),
        ("", "not a readable CSV file"),
    ],
)
def test_bad_csv_is_refused(tmp_path, text, message):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_wrong_types_are_refused(tmp_path):
    pq.write_table(
        parquet_table(frames=pa.array(["x|y", "z"]), identity=pa.array(["p", "q"])),
        tmp_path / "manifest.parquet",
    )
    with pytest.raises(DataError, match="2 problem") as error:
        read(tmp_path)
    assert "column frames: type string" in str(error.value)
    assert "column identity: type string, expected int64" in str(error.value)


def test_truncated_parquet_is_refused(tmp_path):
    file = tmp_path / "manifest.parquet"
    pq.write_table(parquet_table(), file)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read(tmp_path)


def test_no_manifest(tmp_path):
    with pytest.raises(DataError, match=r"a folder with manifest\.parquet or manifest\.csv"):
        read(tmp_path)


@pytest.mark.parametrize("link", ["file", "folder"])
def test_links_out_of_the_folder_are_refused(tmp_path, link, write_jpeg):
    root, secret = tmp_path / "root", tmp_path / "secret"
    write_jpeg(secret / "1.jpg", 0)
    (root / "x").mkdir(parents=True)
    if link == "file":
        (root / "x" / "1.jpg").symlink_to(secret / "1.jpg")
    else:
        (root / "x").rmdir()
        (root / "x").symlink_to(secret)
    pq.write_table(parquet_table(), root / "manifest.parquet")
    with pytest.raises(DataError, match=r"1 frame paths of .* lead out of the folder .*x/1\.jpg"):
        read(root)


def test_links_inside_and_a_linked_root_are_fine(tmp_path, write_jpeg):
    root = tmp_path / "root"
    write_jpeg(root / "store" / "1.jpg", 0)
    (root / "x").symlink_to(root / "store")
    pq.write_table(parquet_table(), root / "manifest.parquet")
    (tmp_path / "alias").symlink_to(root)
    table, _ = read(tmp_path / "alias")
    assert table.take(np.array([0])).frames == [["x/1.jpg"]]
