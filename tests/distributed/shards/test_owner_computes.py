"""What a refresh takes in the process that asks the shards: no table of all rows, however many there are."""

import tracemalloc

import numpy as np
import pytest

from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.distributed.shards.sharded_features import Shards
from raydist.engine.schema import method_params
from raydist.methods.method import MethodContext
from raydist.methods.registry import method_class
from raydist.methods.schedule import Epoch
from raydist.types import Modality

PEOPLE, PARTS, WIDTH = 12, 2, 1024
FEW, MANY = 240, 960
MOST_A_ROW = 400
"""Bytes by which the peak may grow with a row; a feature alone has 4,096."""

pytestmark = pytest.mark.usefixtures("cluster")


def pieces_of(place, num_rows):
    """Planted people in pieces of two workers."""
    rng, person = np.random.default_rng(0), np.arange(num_rows) % PEOPLE
    look = rng.normal(size=(PEOPLE, WIDTH))
    for first in (0, num_rows // 2):
        rows = np.arange(first, first + num_rows // 2)
        x = look[person[rows]][:, None] + 0.3 * rng.normal(size=(len(rows), PARTS, WIDTH))
        unit = (x / np.linalg.norm(x, axis=2, keepdims=True)).astype(np.float32)
        yield from place.put(unit, first, num_rows)


def context_of(num_rows, method):
    half, camera = np.arange(num_rows) // (num_rows // 2), np.arange(num_rows) // PEOPLE % 2
    spec = ClusterSpec(k1=10, k2=3, min_samples=3)
    return MethodContext(
        TrainingSet(None, half.astype(np.int8), camera, 2 * half + camera),
        dict.fromkeys(Modality, spec),
        dict.fromkeys(Modality, 4),
        2,
    )


def peak_of(shards, method, stage_name, num_rows, epoch):
    """Bytes at the peak of a refresh in this process, beyond what there was before it."""
    context = context_of(num_rows, method)
    stages = method_class(method)(method_params({"name": method}), context).stages()
    (stage,) = (one for one in stages if one.name == stage_name)
    place = Shards(shards[:2], context.tracklets)
    pieces = list(pieces_of(place, num_rows))
    tracemalloc.start()
    try:
        features = place.features(pieces)
        targets = stage.refresh(features, None, epoch, np.random.default_rng(0))
        return tracemalloc.get_traced_memory()[1], targets, features
    finally:
        tracemalloc.stop()
        place.clear()


@pytest.mark.parametrize(
    ("method", "stage", "epoch"),
    [
        ("dcl", "warm-up", 2),
        ("dcl", "dual-contrast", 0),
        ("pgm", "dual-contrast", 0),
        ("pgm", "cross-contrast", 0),
        ("bmil", "hybrid-contrast", 0),
        ("bmil", "joint-contrast", 0),
        ("dmdl", "intra", 0),
        ("dmdl", "cross", 0),
        ("hitpro", "hierarchical", 20),
        ("cba", "intervention", 2),
        ("cba", "intra", 0),
        ("cba", "refinement", 0),
    ],
)
def test_the_peak_grows_by_less_than_the_features(shards, method, stage, epoch):
    peak_of(shards, method, stage, FEW, Epoch(epoch, 40))  # what is loaded at the first time only
    few, many = (peak_of(shards, method, stage, rows, Epoch(epoch, 40))[0] for rows in (FEW, MANY))
    assert (many - few) / (MANY - FEW) < MOST_A_ROW


def test_what_gathers_all_rows_is_noticed(shards):
    def peak(num_rows):
        place = Shards(shards[:2], context_of(num_rows, "pgm").tracklets)
        features = place.features(list(pieces_of(place, num_rows)))
        tracemalloc.start()
        try:
            features.means().gathered()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (peak(MANY) - peak(FEW)) / (MANY - FEW) > MOST_A_ROW
