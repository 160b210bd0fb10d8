import re

import cv2
import numpy as np
import pytest

from raydist.data.frames.ranges import FULL_RANGES, Ranges
from raydist.data.frames.survey import FEW_LEVELS, range_warnings, survey
from raydist.errors import DataError
from raydist.types import Modality


def by_camera(table, ranges=FULL_RANGES):
    return {pixels.camera: pixels for pixels in survey(table, ranges)}


def test_depth_values_and_levels_are_those_of_the_files(thermal):
    table = thermal()
    cameras = by_camera(table)
    assert list(cameras) == ["cam1", "cam2", "ir3", "ir4"]
    assert [pixels.bits for pixels in cameras.values()] == [8, 8, 16, 16]
    assert [pixels.modality for pixels in cameras.values()] == [Modality.VISIBLE] * 2 + [
        Modality.INFRARED
    ] * 2
    assert 7000 <= cameras["ir3"].low < 7010
    assert 7790 < cameras["ir3"].high <= 7800
    assert cameras["ir3"].levels == len(np.unique(np.arange(7000, 7801) // 257))
    assert 0.95 * cameras["cam1"].levels <= cameras["cam1"].possible_levels
    assert cameras["cam1"].levels > 100


def test_a_camera_whose_levels_are_lost_is_warned_of_once(thermal):
    table = thermal(ir4=(8000, 9100))
    first, second = range_warnings(table, FULL_RANGES)
    assert "camera ir3 (infrared)" in first
    assert "16 bits" in first
    low, high = by_camera(table)["ir3"].suggested
    levels = by_camera(table, Ranges.of({"ir3": (low, high)}))["ir3"].levels
    assert "frames of 16 bits keep 4 grey levels in the full range" in first
    assert f"would keep {levels} with data.range.ir3=[{low},{high}]" in first
    assert first.count("[") == 1
    assert "data.range.infrared" in first
    assert "camera ir4" in second


def test_no_more_levels_are_kept_than_are_possible(thermal):
    """Of colour pictures the suggested range cuts off the outer levels, which the full one keeps."""
    for ranges in (FULL_RANGES, Ranges.of((2, 253)), Ranges.of((7000, 7800))):
        assert all(pixels.levels <= pixels.possible_levels for pixels in survey(thermal(), ranges))
    assert by_camera(thermal())["cam1"].possible_levels == by_camera(thermal())["cam1"].levels


@pytest.mark.parametrize("camera", ["ir3", "ir4"])
def test_the_suggested_range_ends_the_warning_and_keeps_the_levels(thermal, camera):
    table = thermal()
    before = by_camera(table)[camera]
    after = by_camera(table, Ranges.of({camera: before.suggested}))[camera]
    assert f"data.range.{camera}=[{before.suggested[0]},{before.suggested[1]}]" in before.warning()
    assert before.loses_levels
    assert not after.loses_levels
    assert after.levels == before.possible_levels > 2 * before.levels
    assert after.levels > FEW_LEVELS


@pytest.mark.parametrize(
    ("ranges", "blind"),
    [
        ({"visible": "full", "infrared": (7000, 7800)}, ["ir4"]),
        ({"ir3": (7000, 7800), "ir4": (9000, 9100), "cam1": (300, 400)}, ["cam1"]),
        ({"infrared": (0, 10)}, ["ir3", "ir4"]),
        ({"ir3": (7000, 7800)}, ["ir4"]),
    ],
)
def test_a_range_that_leaves_one_grey_level_is_refused_with_the_interval_to_use(thermal, ranges, blind):
    """A camera of 100 counts in 65,536, the last case, has one grey level of the full range too."""
    table = thermal()
    with pytest.raises(DataError) as error:
        range_warnings(table, Ranges.of(ranges))
    lines = str(error.value).splitlines()
    assert [line.split()[1] for line in lines] == blind
    for camera, line in zip(blind, lines, strict=True):
        low, high = by_camera(table)[camera].suggested
        assert re.search(rf"keep 1 grey level in .*data\.range\.{camera}=\[{low},{high}\]", line)


def test_the_interval_that_is_named_is_accepted(thermal):
    table = thermal()
    of_the_files = {camera: pixels.suggested for camera, pixels in by_camera(table).items() if "ir" in camera}
    assert range_warnings(table, Ranges.of(of_the_files)) == []
    low, high = of_the_files["ir4"]
    two_levels = Ranges.of(of_the_files | {"ir4": (low, low + 1000 * (high - low))})
    with pytest.raises(DataError, match="camera ir4"):
        range_warnings(table, two_levels)
    few_levels = Ranges.of(of_the_files | {"ir4": (low, low + 20 * (high - low))})
    assert [line.split()[1] for line in range_warnings(table, few_levels)] == ["ir4"]


def test_flat_frames_have_no_levels_to_lose(thermal):
    table = thermal()
    for paths in table.frames:
        for path in paths:
            cv2.imwrite(str(table.root / path), np.full((20, 10), 7000, np.uint16))
    assert range_warnings(table, FULL_RANGES) == []


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        ([0, 20000, 65535], False),  # three levels are all there are
        (range(0, 65536, 2621), False),  # 26, and all of them are left
        (range(7000, 7600), True),  # 600, of which two or three are left
        ([7000] * 5000 + [7900], False),  # one and an outlier
        (range(60000), False),
    ],
)
def test_what_is_lost_is_compared_with_what_there_is(thermal, values, warned):
    """Few levels are no loss where the pictures have few."""
    table, rng = thermal(), np.random.default_rng(0)
    for paths in table.frames:
        for path in paths:
            pixels = rng.choice(np.array(values, np.uint16), (20, 10))
            cv2.imwrite(str(table.root / path), pixels)
    assert bool(range_warnings(table, FULL_RANGES)) == warned
    for pixels in survey(table, FULL_RANGES):
        (low, high), levels = pixels.suggested, pixels.possible_levels
        assert low < high or levels == 1
        if low < high:
            in_suggested = by_camera(table, Ranges.of((low, high)))[pixels.camera].levels
            assert levels == max(in_suggested, pixels.levels)


def test_names_that_are_no_words_are_quoted(thermal):
    table = thermal(ir4=(8000, 9100))
    rows = [row | {"camera": row["camera"].replace("ir3", "hall.3")} for row in table.table.to_pylist()]
    line = next(
        line
        for line in range_warnings(type(table).from_rows(rows, table.root), FULL_RANGES)
        if "hall" in line
    )
    assert "data.range={'hall.3': [70" in line


def test_what_cannot_be_read_is_passed_over(thermal):
    table = thermal(frames=2, tracklets=1)
    for path in table.frames[0]:
        (table.root / path).write_bytes(b"no picture")
    (table.root / table.frames[1][0]).unlink()
    assert list(by_camera(table)) == ["cam2", "ir3", "ir4"]


def test_a_camera_of_both_modalities_is_mended_by_the_modality(thermal):
    """A range of the camera would hold for its visible frames too, and blacken them."""
    table = thermal()
    rows = [row | {"camera": row["camera"].replace("cam1", "ir3")} for row in table.table.to_pylist()]
    both = type(table).from_rows(rows, table.root)
    of_infrared = {pixels.camera: pixels for pixels in survey(both, FULL_RANGES) if pixels.bits == 16}
    low, high = of_infrared["ir3"].suggested
    assert f"data.range.infrared=[{low},{high}]" in of_infrared["ir3"].warning()
    assert "data.range.ir3" not in of_infrared["ir3"].warning()
    assert "data.range.ir4=" in of_infrared["ir4"].warning()
    mended = Ranges.of({"infrared": (low, high), "ir4": of_infrared["ir4"].suggested})
    assert range_warnings(both, mended) == []
