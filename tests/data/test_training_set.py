import dataclasses

import numpy as np
import pytest

from raydist.data.datasets.hitsz_vcm import read
from raydist.data.frames.files import FrameFiles
from raydist.data.frames.store import FrameStore, open_files
from raydist.data.training_set import training_set
from raydist.errors import DataError
from raydist.types import Modality


def opened(table) -> FrameStore:
    return open_files(FrameFiles.of(table, height=16, width=8), table.num_frames)


def build(table, **options):
    return training_set(table, opened(table), **options)


def pixels_of(tracklets):
    return [
        tracklets.frames.read(np.array([row]), np.arange(num)[None])
        for row, num in enumerate(tracklets.frames.num_frames)
    ]


def assert_same(left, right):
    for name in ("modality", "camera", "view"):
        assert (getattr(left, name) == getattr(right, name)).all()
    assert all((a == b).all() for a, b in zip(pixels_of(left), pixels_of(right), strict=True))


def test_rows_are_sorted_by_modality_camera_and_content(make_table):
    table = make_table([2] * 10, identity=list(range(10)))
    tracklets, truth, order = build(table)
    store = opened(table)
    keys = [(table.modality[row], table.camera[row], store.digest[row]) for row in order]
    assert keys == sorted(keys)
    assert sorted(order.tolist()) == list(range(10))
    assert truth.identity.tolist() == table.identity[order].tolist()
    assert tracklets.modality.tolist() == table.modality[order].tolist()
    assert [("D1", "D2")[code] for code in tracklets.camera] == table.camera[order].tolist()
    assert len(tracklets) == 10


def test_views_are_numbered_without_gaps(make_table):
    table = make_table([1] * 8).take(np.array([0, 1, 3, 4]))  # visible D1 twice, infrared D1 and D2
    tracklets, _, _ = build(table)
    assert tracklets.view.tolist() == [0, 0, 1, 2]
    assert tracklets.view.dtype == np.int64


def test_many_cameras_do_not_overflow(make_table):
    table = make_table([1] * 300)
    cameras = [f"C{row // 2:03d}" for row in range(300)]
    renamed = table.table.set_column(table.table.column_names.index("camera"), "camera", [cameras])
    tracklets, _, _ = build(dataclasses.replace(table, table=renamed))
    assert tracklets.view.tolist() == list(range(300))


def test_row_order_leaves_no_trace(make_table):
    table = make_table([2, 3, 1, 2, 4, 2])
    shuffled = table.take(np.array([3, 0, 5, 1, 4, 2]))
    (tracklets, _, order), (others, _, other_order) = build(table), build(shuffled)
    assert_same(tracklets, others)
    assert table.tracklet_id[order].tolist() == shuffled.tracklet_id[other_order].tolist()


def test_identities_renamed_on_disk_leave_no_trace(hitsz_vcm, tmp_path):
    tracks = [("train", 1 + i % 2, 7 + i // 2, 1 + i % 3, range(1, 4)) for i in range(8)] + [
        ("test", 1, 99, 1, range(1, 4))
    ]
    root = hitsz_vcm(tracks, "1")
    table, _ = read(root, min_frames=1)
    renamed = rename_identities(root, tmp_path / "renamed", {7: 42, 8: 3, 9: 100, 10: 8})
    other, _ = read(renamed, min_frames=1)
    (tracklets, truth, _), (others, other_truth, _) = (
        build(each.select(split="train")) for each in (table, other)
    )
    assert_same(tracklets, others)
    assert other_truth.identity.tolist() == [
        {7: 42, 8: 3, 9: 100, 10: 8}[person] for person in truth.identity.tolist()
    ]


def rename_identities(root, target, new):
    """The same training data with other person numbers, in the reverse order of rows and with other frame
    numbers."""
    lines = (root / "info" / "track_train_info.txt").read_text().splitlines()
    names, tracks = [], []
    for line in reversed(lines):
        modality, start, end, person, camera = map(int, line.split())
        kind = {1: "ir", 2: "rgb"}[modality]
        tracks.append(f"{modality} {len(names) + 1} {len(names) + 1 + end - start} {new[person]} {camera}")
        for frame in range(1, end - start + 2):
            content = (root / "Train" / f"{person:04d}" / kind / f"D{camera}" / f"{frame}.jpg").read_bytes()
            names.append(f"{new[person]:04d}M{modality}D{camera}T9F{frame + 500}.jpg")
            file = target / "Train" / f"{new[person]:04d}" / kind / f"D{camera}" / f"{frame + 500}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    (target / "info").mkdir()
    for name in ("test_name.txt", "track_test_info.txt", "query_IDX.txt"):
        (target / "info" / name).write_bytes((root / "info" / name).read_bytes())
    (target / "info" / "train_name.txt").write_text("\n".join(names))
    (target / "info" / "track_train_info.txt").write_text("\n".join(tracks))
    return target


def test_pairs_are_codes_and_only_on_request(make_table):
    table = make_table([1] * 4, pair=["z", "a", None, "z"], stream=[None, "s", "s", "s"])
    plain, _, _ = build(table)
    assert plain.pair is None
    assert plain.stream is None
    tracklets, _, order = build(table, use_pair=True, use_stream=True)
    pair = {int(row): int(code) for row, code in zip(order, tracklets.pair, strict=True)}
    assert pair[0] == pair[3]
    assert pair[2] == -1
    assert sorted(set(pair.values())) == [-1, 0, 1]
    first_seen = [code for code in dict.fromkeys(tracklets.pair.tolist()) if code >= 0]
    assert first_seen == [0, 1]
    assert sorted(tracklets.stream.tolist()) == [-1, 0, 0, 0]
    with pytest.raises(DataError, match="no column pair"):
        build(make_table([1, 1]), use_pair=True)


def test_nothing_but_numbers_is_handed_on(make_table):
    tracklets, _, _ = build(make_table([1] * 4, identity=[1, 2, 3, 4]))
    names = {field.name for field in dataclasses.fields(tracklets)}
    assert names == {"frames", "modality", "camera", "view", "pair", "stream"}
    assert all(getattr(tracklets, name).dtype.kind == "i" for name in ("modality", "camera", "view"))


def test_both_modalities_are_needed(make_table):
    table = make_table([1] * 4)
    with pytest.raises(DataError, match="training needs tracklets of both modalities"):
        build(table.take(table.modality == Modality.INFRARED))


def test_store_and_table_must_belong_together(make_table):
    table = make_table([1] * 4)
    store = opened(table.take(np.arange(3)))
    with pytest.raises(DataError, match="frames of 3 tracklets for a table of 4"):
        training_set(table, store)
