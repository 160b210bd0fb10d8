import json
from dataclasses import replace

import numpy as np

from raydist.reports import tracklet_map as module
from raydist.reports.tracklet_map import GRID, on_grid, tracklet_map
from raydist.types import NOISE, UNKNOWN_IDENTITY


def names_of(points, colouring):
    of = points["colourings"][colouring]
    return [of["names"][code] for code in of["codes"]]


def test_every_point_has_the_groups_of_its_tracklet(table):
    labels = np.where(np.arange(len(table)) % 5 == 0, NOISE, np.arange(len(table)) // 4 + 3)
    points = json.loads(tracklet_map(table, labels).as_json)
    assert points["ids"] == table.tracklet_id.tolist()
    assert names_of(points, "cluster") == ["noise" if c == NOISE else f"cluster {c}" for c in labels]
    assert names_of(points, "camera") == [f"camera {name}" for name in table.camera]
    assert names_of(points, "modality") == [("visible", "infrared")[m] for m in table.modality]
    assert names_of(points, "identity") == [f"identity {p}" for p in table.identity]
    assert points["colourings"]["cluster"]["rest"] is True
    positions = np.array(points["positions"]["PCA"])
    assert positions.shape == (len(table), 2)
    assert positions.min() >= 0
    assert positions.max() <= GRID


def test_what_is_not_known_is_no_colour(table):
    for identity in (None, np.full(len(table), UNKNOWN_IDENTITY)):
        colourings = tracklet_map(replace(table, identity=identity)).colourings
        assert list(colourings) == ["modality", "camera"]
    assert "cluster" not in tracklet_map(table, np.full(len(table), NOISE)).colourings


def test_many_tracklets_are_sampled_and_few_have_no_map(table, monkeypatch):
    monkeypatch.setattr(module, "MAX_POINTS", 7)
    shown = tracklet_map(table, np.arange(len(table)))
    assert (len(shown.ids), shown.num_tracklets) == (7, len(table))
    assert {shown.ids[0], shown.ids[-1]} == {"t00", "t47"}
    assert tracklet_map(table.take(np.arange(2))) is None


def test_equal_points_stay_on_the_grid():
    assert on_grid(np.ones((3, 2))).tolist() == [[GRID // 2] * 2] * 3
