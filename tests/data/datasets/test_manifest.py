import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.data.datasets.manifest import read
from raydist.data.frames.files import FrameFiles
from raydist.data.frames.store import open_files
from raydist.data.tracklet_rules import SCHEMA
from raydist.errors import DataError
from raydist.types import Modality

CSV_OF_SPELLINGS = """tracklet_id,split,modality,camera,identity,frames
a,train,visible,c1,007,x/1.jpg
b,train,infrared,c2,7,x/2.jpg
"""

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


def test_times(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "tracklet_id,split,modality,camera,frames,Time\n"
        "a,train,visible,D1,x,1970-01-01T00:01Z\nb,train,infrared,D1,y,\nc,train,infrared,D1,z,2.5\n"
    )
    table, notes = read(tmp_path)
    np.testing.assert_array_equal(table.time, [60.0, np.nan, 2.5])
    assert notes.lines() == []
    days = pa.array([0, 86_400_000], pa.timestamp("ms"))
    pq.write_table(parquet_table(time=days), tmp_path / "manifest.parquet")
    assert read(tmp_path)[0].time.tolist() == [0.0, 86400.0]


def test_a_name_that_no_file_has(tmp_path):
    for name in ("n" * 300, "a\0b"):
        with pytest.raises(DataError, match="expected a manifest"):
            read(tmp_path / name)


def test_numbers_written_in_two_ways_are_noted(tmp_path):
    (tmp_path / "manifest.csv").write_text(CSV_OF_SPELLINGS)
    table, notes = read(tmp_path)
    assert table.identity.tolist() == [7, 7]
    assert notes.lines() == ["identities written in two ways and taken for one: 1 (007 and 7)"]


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
        (
            "tracklet_id,split,modality,camera,frames,time\na,train,visible,c,x,8 o'clock\n",
            'column time: "8 o\'clock" in row 2 is no time; write seconds, or a date',
        ),
        (
            "tracklet_id,split,modality,camera,frames\na,train, Thermal,c,x\n",
            "modality: 'Thermal' in row 2, expected one of visible, infrared; write 'infrared'",
        ),
        (
            "tracklet_id,split,modality,camera,frames\na,Test,RGB,c,x\n",
            "split: 'Test' in row 2, expected one of train, query, gallery",
        ),
        (CSV.replace("a,train,visible,NA", "a,train,visible,"), "camera: empty in row 2"),
        (CSV.replace("x/1.jpg|x/2.jpg", ""), "0 frames in row 2"),
        (CSV.replace("x/2.jpg", ""), "an empty path in row 2"),
        (
            CSV.replace("x/2.jpg", "/etc/passwd"),
            "a path out of the root in row 2, the first is '/etc/passwd'.*data.outside_frames=true",
        ),
        (CSV.replace("x/2.jpg", "../secret.jpg"), "a path out of the root in row 2"),
        (CSV.replace("identity", "camera"), "column camera occurs 2 times"),
        (CSV + "d,train\n", "row 5 has 2 cells, the headings are 6: 'd,train'"),
        (CSV.replace("x/2.jpg", "\0"), "a path with a NUL character in row 2"),
        (CSV.replace("visible,NA", "visible,\0"), "column camera: a NUL character in row 2"),
        ("", "the file is empty"),
        ("a,split\n1,2\n", "column tracklet_id: missing .*; the headings are a, split"),
        ("a,b\n1,2\n", "the first row is 'a,b' and has none of the headings tracklet_id, split"),
    ],
)
def test_bad_csv_is_refused(tmp_path, text, message):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_one_message_has_all_problems(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "Tracklet;split;camera;frames;identity\n"
        "a;train;D1;x/1.jpg;1\n"
        "a;test;D1;['x/1.jpg'];2\n"
        "b;train\n"
        ";train;;x\\1.jpg;3\n"
        "c;train;D1;/x/1.jpg;4\n"
    )
    with pytest.raises(DataError, match="9 problem") as error:
        read(tmp_path)
    for line in (
        "the headings are row 1",
        "row 4 has 2 cells, the headings are 5: 'b;train'",
        "frames: the text of a list in row 3",
        "frames: back slashes in row 5",
        "column modality: missing",
        "tracklet_id: empty in row 5",
        "camera: empty in row 5",
        "split: 'test' in row 3, expected one of train, query, gallery",
        "tracklet_id: 'a' is not unique, it stands in rows 2, 3",
        "frames: a path out of the root in row 6",
    ):
        assert line in str(error.value)


def test_text_in_parquet_is_read_like_csv(tmp_path):
    table = parquet_table(
        frames=pa.array(["x | y", "z"]), identity=pa.array(["q", "p"]), split=pa.array(["Train ", "TRAIN"])
    )
    pq.write_table(table, tmp_path / "manifest.parquet")
    tracklets, notes = read(tmp_path)
    assert tracklets.frames == [["x", "y"], ["z"]]
    assert tracklets.split.tolist() == ["train", "train"]
    assert tracklets.identity.tolist() == [2, 1]
    assert tracklets.identity_names == {1: "p", 2: "q"}
    assert tracklets.take(np.array([1])).identity_names == {1: "p", 2: "q"}
    assert notes.counts == {"identities that are text, numbered in their order": 2}


def test_wrong_types_are_refused(tmp_path):
    table = parquet_table(
        frames=pa.array([[1], [2]]), identity=pa.array([1.5, 2]), camera=pa.array([[1], [2]])
    )
    pq.write_table(table, tmp_path / "manifest.parquet")
    with pytest.raises(DataError, match="3 problem") as error:
        read(tmp_path)
    assert "column frames: type list" in str(error.value)
    assert "column camera: type list" in str(error.value)
    assert "column identity: 1.5 in row 0 is no whole number" in str(error.value)


def test_pandas_files_are_read(tmp_path):
    frame = pd.DataFrame(
        {
            "Tracklet ID": ["a", "b", "c"],
            "split": pd.Categorical(["train"] * 3),
            "modality": ["visible", "infrared", "infrared"],
            "cam": [1, 2, 2],
            "pid": [4.0, None, 6.0],
            "frames": [["x"], ["y", "z"], ["w"]],
            "stream": [None] * 3,
        }
    )
    frame.to_parquet(tmp_path / "own.parquet")
    frame.assign(frames=frame["frames"].map("|".join)).to_csv(tmp_path / "own.csv", sep=";")
    tables = [read(tmp_path / name) for name in ("own.parquet", "own.csv")]
    for table, notes in tables:
        assert table.tracklet_id.tolist() == ["a", "b", "c"]
        assert table.camera.tolist() == ["1", "2", "2"]
        assert table.identity.tolist() == [4, -1, 6]
        assert table.frames == [["x"], ["y", "z"], ["w"]]
        assert notes.examples["columns read by another heading"] == ["cam as camera", "pid as identity"]
    assert tables[1][1].examples["columns left out"] == ["without a heading"]


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
    assert read(root, outside_frames=True)[0].frames[0] == ["x/1.jpg"]
    with pytest.raises(DataError, match=r"1 frame paths lead out of .* in row 0, .*x/1\.jpg"):
        read(root)


def test_links_inside_and_a_linked_root_are_fine(tmp_path, write_jpeg):
    root = tmp_path / "root"
    write_jpeg(root / "store" / "1.jpg", 0)
    (root / "x").symlink_to(root / "store")
    pq.write_table(parquet_table(), root / "manifest.parquet")
    (tmp_path / "alias").symlink_to(root)
    table, _ = read(tmp_path / "alias")
    assert table.take(np.array([0])).frames == [["x/1.jpg"]]


def test_frames_may_be_elsewhere(tmp_path, write_jpeg):
    for path in ("x/1.jpg", "y/1.jpg", "y/2.jpg"):
        write_jpeg(tmp_path / "frames" / path, 0)
    (tmp_path / "lists").mkdir()
    pq.write_table(parquet_table(), tmp_path / "lists" / "manifest.parquet")
    table, _ = read(tmp_path / "lists", frames_root=str(tmp_path / "frames"))
    assert table.root == tmp_path / "frames"
    assert all((table.root / path).is_file() for paths in table.frames for path in paths)
    with pytest.raises(DataError, match=r"data\.frames_root .*nowhere: there is no such folder"):
        read(tmp_path / "lists", frames_root=str(tmp_path / "nowhere"))


def test_paths_out_of_the_folder_are_followed_when_asked_for(tmp_path, write_jpeg):
    write_jpeg(tmp_path / "frames" / "1.jpg", 3)
    (tmp_path / "lists").mkdir()
    frames = pa.array([[str(tmp_path / "frames" / "1.jpg")], ["../frames/1.jpg"]])
    pq.write_table(parquet_table(frames=frames), tmp_path / "lists" / "manifest.parquet")
    with pytest.raises(DataError, match="a path out of the root in rows 0, 1"):
        read(tmp_path / "lists")
    table, _ = read(tmp_path / "lists", outside_frames=True)
    turned = table.take(np.array([1, 0]))
    store = open_files(FrameFiles.of(turned, height=16, width=8), turned.num_frames)
    assert store.digest[0] == store.digest[1]


NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "200"))
"""Inputs of each fuzz test; ``RAYDIST_FUZZ=10000`` tries more of them."""

CELLS = st.one_of(
    st.sampled_from(["", "a", "train", "query", "visible", "infrared", "7", "7.0", "-1", "nan", "x/1.jpg|y"]),
    st.sampled_from(["['a']", "a\\b", "/etc/x", "../x", "a\0b", " x | y ", '"', "\n", ";", "1e400", "🎥"]),
    st.text(max_size=8),
)
HEADINGS = st.sampled_from([*SCHEMA.names, "Camera ", "PID", "cam", "", "extra", "paths"])
KINDS = [pa.string(), pa.large_string(), pa.string_view(), pa.int8(), pa.uint64(), pa.float16(), pa.float64()]
KINDS += [pa.null(), pa.bool_(), pa.binary(), pa.date32(), pa.decimal128(12, 3), pa.timestamp("s")]
KINDS += [pa.dictionary(pa.int32(), pa.string()), pa.struct([("a", pa.int8())])]
KINDS += [of(kind) for of in (pa.list_, pa.large_list) for kind in (pa.string(), pa.int32(), pa.binary())]
KINDS += [pa.list_(pa.string(), 2), pa.list_(pa.large_string()), pa.list_(pa.list_(pa.string()))]


def column_of(draw, kind, length):
    """A column of an Arrow type; values that it has no room for are null."""
    values = st.one_of(st.none(), VALUES.get(kind, CELLS))
    return pa.array(draw(st.lists(values, min_size=length, max_size=length)), kind)


VALUES = {
    pa.int8(): st.integers(-128, 127),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float16(): st.floats(width=16).map(np.float16),
    pa.float64(): st.one_of(st.floats(), st.integers(0, 5).map(float)),
    pa.null(): st.none(),
    pa.bool_(): st.booleans(),
    pa.binary(): st.one_of(st.binary(max_size=6), CELLS.map(str.encode)),
    pa.date32(): st.dates(),
    pa.decimal128(12, 3): st.decimals(-(10**8), 10**8, places=3),
    pa.timestamp("s"): st.datetimes(),
    pa.struct([("a", pa.int8())]): st.fixed_dictionaries({"a": st.integers(-3, 3)}),
    pa.list_(pa.int32()): st.lists(st.integers(0, 9), max_size=3),
    pa.large_list(pa.int32()): st.lists(st.integers(0, 9), max_size=3),
    pa.list_(pa.binary()): st.lists(st.binary(max_size=3), max_size=3),
    pa.large_list(pa.binary()): st.lists(st.binary(max_size=3), max_size=3),
    pa.list_(pa.string(), 2): st.lists(CELLS, min_size=2, max_size=2),
    pa.list_(pa.list_(pa.string())): st.lists(st.lists(CELLS, max_size=2), max_size=2),
}
VALUES |= {
    of(kind): st.lists(st.one_of(st.none(), CELLS), max_size=3)
    for of, kind in ((pa.list_, pa.string()), (pa.large_list, pa.string()), (pa.list_, pa.large_string()))
}


@st.composite
def parquet_tables(draw):
    """Tables with columns of any type under any heading."""
    length = draw(st.integers(0, 4))
    names = draw(st.lists(HEADINGS, max_size=9))
    plain = parquet_table().slice(0, min(length, 2))
    columns = [column_of(draw, draw(st.sampled_from(KINDS)), len(plain)) for _ in names]
    if draw(st.booleans()):
        names, columns = [*plain.column_names, *names], [*plain.columns, *columns]
    return pa.Table.from_arrays(columns, names=names)


@st.composite
def csv_files(draw):
    """Bytes that are, or nearly are, a CSV file."""
    delimiter, newline = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    head = draw(st.one_of(st.just(list(SCHEMA.names[:6])), st.lists(HEADINGS, max_size=9)))
    quote = draw(st.sampled_from(["", '"']))
    rows = draw(st.lists(st.lists(CELLS, min_size=len(head), max_size=len(head)), max_size=4))
    rows += draw(st.lists(st.lists(CELLS, max_size=8), max_size=1))
    text = newline.join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) for row in [head, *rows])
    encoded = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])), "surrogatepass")
    place = draw(st.integers(0, len(encoded)))
    return encoded[:place] + draw(st.sampled_from([b"", b"\xff", b"\0", b'"'])) + encoded[place:]


def is_sound(table):
    """Whether a table that was read has a value of the right kind in each row."""
    columns = (table.tracklet_id, table.camera, table.split, table.identity, table.num_frames)
    return {len(column) for column in columns} == {len(table)} and table.identity.dtype == np.int64


@settings(max_examples=NUM_FUZZED, derandomize=True, deadline=None)
@given(content=csv_files())
def test_any_csv_is_read_or_refused(read_or_refuse, content):
    result = read_or_refuse(read, "manifest.csv", lambda file: file.write_bytes(content))
    assert result is None or is_sound(result[0])


@settings(max_examples=NUM_FUZZED, derandomize=True, deadline=None)
@given(table=parquet_tables())
def test_any_parquet_is_read_or_refused(read_or_refuse, table):
    result = read_or_refuse(read, "manifest.parquet", lambda file: pq.write_table(table, file))
    assert result is None or is_sound(result[0])


@settings(max_examples=NUM_FUZZED, derandomize=True, deadline=None)
@given(place=st.integers(0, 5000), damage=st.binary(min_size=1, max_size=4), cut=st.integers(0, 5000))
def test_damaged_parquet_is_read_or_refused(read_or_refuse, damage_file, place, damage, cut):
    def write(file):
        pq.write_table(parquet_table(identity=pa.array(["p", None])), file)
        damage_file(file, place, damage, cut)

    result = read_or_refuse(read, "manifest.parquet", write)
    assert result is None or is_sound(result[0])
