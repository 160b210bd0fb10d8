import shutil

import cv2
import numpy as np
import pytest

from raydist.data.frames.files import FrameFiles
from raydist.data.frames.measuring import (
    VALUES_OF_A_FRAME,
    frame_values,
    measured,
    sample_by_content,
    some_values,
)
from raydist.data.frames.ranges import Ranges
from raydist.data.frames.store import open_files
from raydist.data.frames.survey import range_warnings, survey
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError


def values_of(table, *cameras):
    frames = [
        path
        for camera, paths in zip(table.camera, table.frames, strict=True)
        if camera in cameras
        for path in paths
    ]
    return np.concatenate(
        [cv2.imread(str(table.root / path), cv2.IMREAD_UNCHANGED).ravel() for path in frames]
    )


def test_percentages_become_the_percentiles_of_the_frames_they_hold_for(thermal):
    table = thermal()
    of = {"infrared": ("10%", "90%"), "ir4": ("0%", "100%"), "cam1": (3.0, 9.0)}
    entries = measured(Ranges.of(of), table).entries
    assert entries["infrared"] == tuple(np.rint(np.percentile(values_of(table, "ir3"), (10, 90))))
    assert entries["ir4"] == (values_of(table, "ir4").min(), values_of(table, "ir4").max())
    assert entries["cam1"] == (3.0, 9.0)


def test_one_for_all_is_measured_for_each_modality(thermal, monkeypatch):
    table = thermal()
    monkeypatch.chdir(table.root.parent)
    entries = measured(
        Ranges.of(("5%", "95%")), TrackletTable(table.table, table.root.relative_to(table.root.parent))
    ).entries
    assert set(entries) == {"visible", "infrared"}
    assert entries["infrared"] == tuple(np.rint(np.percentile(values_of(table, "ir3", "ir4"), (5, 95))))
    assert entries["visible"] == tuple(np.rint(np.percentile(values_of(table, "cam1", "cam2"), (5, 95))))


def test_names_and_order_decide_nothing(thermal, tmp_path):
    """Training must not learn from them; more frames than are measured, so that the choice counts."""
    table, ranges = thermal(frames=40), Ranges.of({"infrared": ("3%", "97%")})
    first = measured(ranges, table)
    order = np.random.default_rng(0).permutation(len(table))
    assert measured(ranges, table.take(order)) == first
    rows = table.table.to_pylist()
    for number, row in enumerate(rows):
        renamed = [
            f"{len(rows) - number}/{len(row['frames']) - place}.png" for place in range(len(row["frames"]))
        ]
        for old, new in zip(row["frames"], renamed, strict=True):
            (tmp_path / "renamed" / new).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(table.root / old, tmp_path / "renamed" / new)
        row["frames"] = renamed
    assert measured(ranges, TrackletTable.from_rows(rows, tmp_path / "renamed")) == first


def test_a_sample_is_a_function_of_content(tmp_path):
    contents = [bytes([number]) * (100 + number % 3) for number in range(60)]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}").write_bytes(content)
        (tmp_path / f"x{59 - number}").write_bytes(content)
    (tmp_path / "empty").touch()
    one = sample_by_content(tmp_path, [*map(str, range(60)), "empty", "missing"], 25)
    other = sample_by_content(tmp_path, [f"x{number}" for number in range(60)], 25)
    assert len(one) == len(set(one)) == 25
    assert {(tmp_path / path).read_bytes() for path in one} == {
        (tmp_path / path).read_bytes() for path in other
    }
    assert set(sample_by_content(tmp_path, map(str, range(60)), 100)) == set(map(str, range(60)))


def test_what_cannot_be_measured_is_refused(thermal):
    table = thermal()
    with pytest.raises(
        DataError, match=r"data\.range\.ir9: there is no readable training frame .* give numbers"
    ):
        measured(Ranges.of({"ir9": ("1%", "99%")}), table)
    for path in table.frames[6]:
        cv2.imwrite(str(table.root / path), np.full((4, 4), 9, np.uint8))
    with pytest.raises(
        DataError, match=r"data\.range\.ir3: training frames of different types \(uint16, uint8\)"
    ):
        measured(Ranges.of({"ir3": ("1%", "99%")}), table)
    for paths in table.frames[7:9]:
        for path in paths:
            cv2.imwrite(str(table.root / path), np.full((4, 4), 9, np.uint8))
    with pytest.raises(DataError, match=r"data\.range\.ir3: \[1%,99%\] .* is from 9 to 9; give numbers"):
        measured(Ranges.of({"ir3": ("1%", "99%")}), table)


def test_damaged_frames_are_not_measured(thermal):
    table = thermal()
    before = measured(Ranges.of({"ir3": ("0%", "100%")}), table)
    row = next(paths for paths in table.frames if paths[0].startswith("ir3"))
    (table.root / "damaged.png").write_bytes((table.root / row[0]).read_bytes()[:90])
    assert len(list(frame_values(table.root, [*row, "damaged.png", "missing.png"]))) == len(row)
    assert before.entries["ir3"] == (values_of(table, "ir3").min(), values_of(table, "ir3").max())


def test_of_a_large_frame_some_values_are_taken():
    pixels = np.arange(3 * VALUES_OF_A_FRAME + 5, dtype=np.uint32)
    assert some_values(pixels).tolist() == pixels[::4].tolist()
    colours = np.dstack([np.full((4, 4, 3), 7, np.uint8), np.full((4, 4), 200, np.uint8)])
    assert set(some_values(colours).tolist()) == {7}


def in_degrees(table, camera, change):
    """Turn the frames of a camera into TIFF files of degrees; `change(pixels)` spoils some of them."""
    rows = table.table.to_pylist()
    for row in [row for row in rows if row["camera"] == camera]:
        for path in row["frames"]:
            counts = cv2.imread(str(table.root / path), cv2.IMREAD_UNCHANGED)
            degrees = (counts.astype(np.float32) - 7000) / 20
            change(degrees)
            cv2.imwrite(str((table.root / path).with_suffix(".tiff")), degrees)
        row["frames"] = [path.replace(".png", ".tiff") for path in row["frames"]]
    return TrackletTable.from_rows(rows, table.root)


@pytest.mark.parametrize("spoilt", [np.nan, np.inf, -np.inf, -3.4e38])
def test_pixels_without_a_value_are_not_measured(thermal, spoilt):
    def change(pixels):
        pixels[:7] = spoilt

    table = in_degrees(thermal(), "ir3", change)
    ranges = measured(Ranges.of({"ir3": ("0%", "100%"), "ir4": (9000, 9100)}), table)
    low, high = ranges.entries["ir3"]
    clean = [cv2.imread(str(table.root / path), -1)[7:] for row in table.frames[6:9] for path in row]
    assert (low, high) == (np.min(clean), np.max(clean))
    camera = next(pixels for pixels in survey(table, ranges) if pixels.camera == "ir3")
    assert (camera.low, camera.high) == (low, high)
    assert low <= camera.suggested[0] < camera.suggested[1] <= high
    assert range_warnings(table, ranges) == []


@pytest.mark.parametrize("spoilt", [np.nan, np.inf])
def test_pictures_without_a_value_are_unreadable(thermal, spoilt):
    table = in_degrees(thermal(), "ir3", lambda pixels: pixels.fill(spoilt))
    with pytest.raises(
        DataError, match=r"data\.range\.ir3: there is no readable training frame .*12 cannot be read"
    ):
        measured(Ranges.of({"ir3": ("1%", "99%")}), table)
    assert "ir3" not in {pixels.camera for pixels in survey(table, Ranges.of("full"))}
    spoilt_part = table.take(np.arange(6, 9))
    files = FrameFiles.of(spoilt_part, height=16, width=8, ranges=Ranges.of((0, 40)))
    with pytest.raises(
        DataError, match=r"12 of 12 frames .*\n  ir3/0/0.tiff \(all its pixels are NaN or infinite\)"
    ):
        open_files(files, spoilt_part.num_frames, cache="off")
