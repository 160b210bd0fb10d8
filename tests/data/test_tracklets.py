from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from raydist.data.tracklets import SCHEMA, TrackletTable, hold_out_identities
from raydist.errors import ConfigError, DataError
from raydist.types import Modality

ROOT = Path("somewhere")


def rows_of(num, **changes):
    rows = []
    for row in range(num):
        modality = ("visible", "infrared")[row % 2]
        rows.append(
            {
                "tracklet_id": f"t{row}",
                "split": "train",
                "modality": modality,
                "camera": "D1",
                "frames": [f"{row}/1.jpg"],
                "identity": row // 2,
            }
        )
    for name, value in changes.items():
        rows[1][name] = value
    return rows


def table_of(num, **changes):
    return TrackletTable.from_rows(rows_of(num, **changes), ROOT)


def test_columns_as_arrays():
    table = table_of(4, identity=None, camera="D2", frames=["a.jpg", "b.jpg"])
    assert len(table) == 4
    assert table.modality.dtype == np.int8
    assert table.modality.tolist() == [Modality.VISIBLE, Modality.INFRARED] * 2
    assert table.camera.tolist() == ["D1", "D2", "D1", "D1"]
    assert table.identity.tolist() == [0, -1, 1, 1]
    assert table.identity.dtype == np.int64
    assert table.num_frames.tolist() == [1, 2, 1, 1]
    assert table.frames[1] == ["a.jpg", "b.jpg"]
    assert table.tracklet_id.tolist() == ["t0", "t1", "t2", "t3"]


def test_identity_is_optional():
    table = table_of(3)
    without = TrackletTable(table.table.drop_columns(["identity"]), ROOT)
    assert without.identity.tolist() == [-1, -1, -1]


def test_time_is_optional_and_may_be_unknown():
    assert table_of(3).time is None
    table = table_of(3, time=2.5)
    np.testing.assert_array_equal(table.time, [np.nan, 2.5, np.nan])
    features = table.take(np.array([1, 2])).with_features(np.ones((2, 1), np.float32))
    np.testing.assert_array_equal(features.time, [2.5, np.nan])
    with pytest.raises(DataError, match="time: infinite in row 1"):
        table_of(3, time=-np.inf)


@pytest.mark.parametrize("chunked", [False, True])
def test_take_and_select(chunked):
    table = table_of(6, split="query")
    if chunked:
        table = TrackletTable(pa.concat_tables([table.table.slice(0, 2), table.table.slice(2)]), ROOT)
    assert table.take(np.array([4, 0])).tracklet_id.tolist() == ["t4", "t0"]
    assert table.take(table.identity == 1).tracklet_id.tolist() == ["t2", "t3"]
    assert table.select(split="query").tracklet_id.tolist() == ["t1"]
    empty = table.select(split="gallery")
    assert len(empty) == 0
    assert empty.camera.dtype.kind == "U"
    with pytest.raises(ConfigError, match="expected one of train, query, gallery"):
        table.select(split="test")


@pytest.mark.parametrize("seed", range(5))
def test_frames_are_taken_as_by_a_loop(seed):
    rng = np.random.default_rng(seed)
    rows = [
        row | {"frames": [f"{number}/{frame}.jpg" for frame in range(rng.integers(1, 5))]}
        for number, row in enumerate(rows_of(20))
    ]
    table = TrackletTable(
        pa.concat_tables([TrackletTable.from_rows(part, ROOT).table for part in (rows[:7], rows[7:])]), ROOT
    )
    taken = rng.random(int(table.num_frames.sum())) < 0.3
    marks = iter(taken.tolist())
    expected = [row | {"frames": [path for path in row["frames"] if next(marks)]} for row in rows]
    expected = [row for row in expected if row["frames"]]
    assert 0 < len(expected) < 20
    assert table.take_frames(taken).table.to_pylist() == expected
    assert table.take_frames(np.ones(len(taken), bool)) is table
    assert len(table.take_frames(np.zeros(len(taken), bool))) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tracklet_id": "t0"}, "'t0' is not unique, it stands in rows 0, 1"),
        ({"tracklet_id": None}, "tracklet_id: null in row 1"),
        ({"tracklet_id": ""}, "tracklet_id: empty in row 1"),
        ({"camera": None}, "camera: null in row 1"),
        ({"camera": ""}, "camera: empty in row 1"),
        ({"modality": "thermal"}, "modality: 'thermal' in row 1, expected one of visible, infrared"),
        ({"split": "test"}, "split: 'test' in row 1, expected one of train, query, gallery"),
        ({"frames": []}, "0 frames in row 1"),
        ({"frames": None}, "frames: null in row 1"),
        ({"frames": [None]}, "a null path in row 1"),
        ({"frames": ["a.jpg", ""]}, "an empty path in row 1"),
        ({"frames": ["/etc/passwd"]}, "a path out of the root in row 1, the first is '/etc/passwd'"),
        ({"frames": ["a/../../b.jpg"]}, "a path out of the root in row 1"),
        ({"frames": [".."]}, "a path out of the root in row 1"),
        ({"frames": ["a\\..\\b.jpg"]}, "a path out of the root in row 1"),
        ({"frames": ["C:/b.jpg"]}, "a path out of the root in row 1"),
        ({"frames": ["a\0.jpg"]}, "a path with a NUL character in row 1"),
    ],
)
def test_bad_values_are_refused_with_their_rows(changes, message):
    with pytest.raises(DataError, match="1 problem") as error:
        table_of(3, **changes)
    assert message in str(error.value)


def test_every_problem_has_a_line():
    with pytest.raises(DataError) as error:
        table_of(20, camera=None, modality="x", frames=[])
    assert "3 problems;" in str(error.value)
    assert len(str(error.value).splitlines()) == 4


def test_many_rows_are_counted_not_listed():
    rows = [row | {"camera": None} for row in rows_of(50)]
    with pytest.raises(DataError, match=r"rows 0, 1, .*, 9, \.\.\. \(50 rows\)"):
        TrackletTable.from_rows(rows, ROOT)


def test_bad_columns_are_refused():
    table = table_of(3).table
    typed = (
        table.set_column(3, "camera", pa.array([1, 2, 3]))
        .drop_columns(["split"])
        .append_column("age", pa.array([1, 2, 3]))
    )
    with pytest.raises(DataError) as error:
        TrackletTable(typed, ROOT)
    for line in (
        "column split: missing",
        "column camera: type int64, expected string",
        "column age: unknown",
    ):
        assert line in str(error.value)
    with pytest.raises(DataError, match="column camera: occurs 2 times"):
        TrackletTable(table.append_column("camera", table["camera"]), ROOT)


def test_unusual_names_are_fine():
    table = table_of(2, frames=["Ünï cødé/行人 1.jpg", "a..b/..c/" + "x" * 300 + ".jpg"])
    assert table.frames[1][0] == "Ünï cødé/行人 1.jpg"


def test_both_modalities_are_required():
    table = table_of(4)
    table.require_both_modalities()
    with pytest.raises(
        DataError, match=r"modalities, but all 2 .* are visible .*column modality\): add .* infrared cameras"
    ):
        table.take(table.modality == Modality.VISIBLE).require_both_modalities()
    with pytest.raises(DataError, match=r"but none of /.* is for training: give rows with split 'train'"):
        table.select(split="query").require_both_modalities()


def test_summary_counts():
    summary = table_of(4, frames=["a", "b"], identity=None).summary()
    assert summary == {
        "train": {
            "visible": {"tracklets": 2, "frames": 2, "identities": 2, "cameras": 1},
            "infrared": {"tracklets": 2, "frames": 3, "identities": 1, "cameras": 1},
        }
    }


def test_hold_out_splits_identities():
    table = table_of(40)
    validation, train = hold_out_identities(table, 0.25, seed=3)
    assert set(validation.identity) & set(train.identity) == set()
    assert len(set(validation.identity)) == 5
    assert len(validation) + len(train) == 40
    assert set(train.split) == {"train"}
    assert (validation.split[validation.modality == Modality.INFRARED] == "query").all()
    assert (validation.split[validation.modality == Modality.VISIBLE] == "gallery").all()


def test_holding_out_everything_names_the_key():
    with pytest.raises(DataError, match=r"data\.validation_identities = 0\.99 holds out all 20 training"):
        hold_out_identities(table_of(40), 0.99, seed=3)


def test_hold_out_depends_on_the_seed_and_not_on_the_row_order():
    table = table_of(40)
    chosen = set(hold_out_identities(table, 0.25, seed=3)[0].identity)
    assert chosen == set(hold_out_identities(table.take(np.arange(40)[::-1]), 0.25, seed=3)[0].identity)
    assert chosen != set(hold_out_identities(table, 0.25, seed=4)[0].identity)


def test_hold_out_takes_identities_of_both_modalities_only():
    rows = rows_of(8)
    rows[1]["identity"], rows[3]["identity"] = (
        50,
        51,
    )  # identities 0 and 1 are visible only, 50 and 51 infrared only
    rows[5]["identity"] = None
    table = TrackletTable.from_rows(rows, ROOT)
    validation, train = hold_out_identities(table, 0.1, seed=0)
    assert set(validation.identity) == {3}
    assert -1 in train.identity
    with pytest.raises(DataError, match="has 1 training identity seen in both"):
        hold_out_identities(table, 0.9, seed=0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_hold_out_share_is_checked(share):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        hold_out_identities(table_of(4), share, seed=0)


def test_schema_names_are_the_published_ones():
    assert SCHEMA.names == [
        "tracklet_id",
        "split",
        "modality",
        "camera",
        "frames",
        "identity",
        "pair",
        "stream",
        "time",
    ]
