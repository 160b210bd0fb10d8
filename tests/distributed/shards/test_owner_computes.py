"""A refresh on shards: the targets of one process, and no table of all rows in the process that asks."""

import tracemalloc

import numpy as np
import pytest
import ray
from scipy.sparse import issparse

from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.distributed.shards.sharded_features import Shards
from raydist.engine.local_features import LocalFeatures
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


def planted(num_rows, width=WIDTH, noise=0.3):
    """Planted people, in the halves of two workers."""
    rng, person = np.random.default_rng(0), np.arange(num_rows) % PEOPLE
    look = rng.normal(size=(PEOPLE, width))
    for first in (0, num_rows // 2):
        rows = np.arange(first, first + num_rows // 2)
        x = look[person[rows]][:, None] + noise * rng.normal(size=(len(rows), PARTS, width))
        yield first, (x / np.linalg.norm(x, axis=2, keepdims=True)).astype(np.float32)


def pieces_of(place, num_rows, **words):
    """Planted people in pieces of two workers."""
    for first, unit in planted(num_rows, **words):
        yield from place.put([unit], first, num_rows)


def context_of(num_rows, method):
    half, camera = np.arange(num_rows) // (num_rows // 2), np.arange(num_rows) // PEOPLE % 2
    spec = ClusterSpec(k1=10, k2=3, min_samples=3)
    return MethodContext(
        TrainingSet(None, half.astype(np.int8), camera, 2 * half + camera),
        dict.fromkeys(Modality, spec),
        dict.fromkeys(Modality, 4),
        2,
    )


def stages_of(method, num_rows):
    return method_class(method)(method_params({"name": method}), context_of(num_rows, method)).stages()


def same(one, other):
    """Whether two arrays, sparse or not, are equal to the bit."""
    if issparse(one):
        return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("data", "indices", "indptr"))
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@pytest.mark.parametrize(
    "method", ["dcl", "adca", "mbccm", "dotla", "pgm", "bmil", "dmdl", "hil", "sdcl", "cba", "hitpro"]
)
def test_the_targets_are_those_of_one_process(shards, method):
    num_rows, of_all = 120, {"width": 32, "noise": 0.6}
    features = np.concatenate([unit for _, unit in planted(num_rows, **of_all)])
    for stage in stages_of(method, num_rows):
        tracklets, epoch = stage.context.tracklets, Epoch(20, 40)
        local = LocalFeatures(features, tracklets)
        wanted = stage.refresh(local, None, epoch, np.random.default_rng(0))
        for number in (1, 3, 5):
            place = Shards(shards[:number], tracklets)
            on_shards = place.features(list(pieces_of(place, num_rows, **of_all)))
            found = stage.refresh(on_shards, None, epoch, np.random.default_rng(0))
            tables = sum(size for _, size in ray.get([one.peak_memory.remote() for one in shards[:number]]))
            assert tables <= method_class(method).num_tables(PARTS) * num_rows * 4 * of_all["width"]
            assert same(found.labels, wanted.labels)
            assert found.arrays.keys() == wanted.arrays.keys()
            assert all(same(found.arrays[name], value) for name, value in wanted.arrays.items())
            assert found.memories.keys() == wanted.memories.keys()
            assert all(same(found.memories[name], value) for name, value in wanted.memories.items())
            for name, new in wanted.slots.items():
                assert same(found.slots[name].part(0, num_rows)[1], new.part(0, num_rows)[1])


def peak_of(shards, method, stage_name, num_rows, epoch):
    """Bytes at the peak of a refresh in this process, beyond what there was before it."""
    (stage,) = (one for one in stages_of(method, num_rows) if one.name == stage_name)
    place = Shards(shards[:2], stage.context.tracklets)
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
        ("adca", "aggregation", 0),
        ("pgm", "dual-contrast", 0),
        ("pgm", "cross-contrast", 0),
        ("dotla", "transport", 0),
        ("bmil", "hybrid-contrast", 0),
        ("bmil", "joint-contrast", 0),
        ("dmdl", "intra", 0),
        ("dmdl", "cross", 0),
        ("hitpro", "hierarchical", 20),
        ("cba", "intervention", 2),
        ("cba", "intra", 0),
        ("cba", "refinement", 0),
        ("hil", "baseline", 0),
        ("hil", "hierarchy", 0),
        ("sdcl", "own-contrast", 0),
        ("sdcl", "shared-contrast", 0),
    ],
)
def test_the_peak_grows_by_less_than_the_features(shards, method, stage, epoch):
    peak_of(shards, method, stage, FEW, Epoch(epoch, 40))  # what is loaded at the first time only
    few, many = (peak_of(shards, method, stage, rows, Epoch(epoch, 40))[0] for rows in (FEW, MANY))
    assert (many - few) / (MANY - FEW) < MOST_A_ROW


def in_the_store(shard):
    """Whether each table of a shard is in the object store, oldest first."""
    return ray.get(
        shard.__ray_call__.remote(lambda self: [t.shared is not None for t in self._tables.values()])
    )


@pytest.mark.parametrize(
    ("method", "stage", "tables"),
    [
        ("pgm", "cross-contrast", [True, False]),
        ("adca", "aggregation", [True, False]),
        ("pgm", "warm-up", [True, True, False]),
    ],
)
def test_only_what_others_ask_for_is_in_the_object_store(shards, method, stage, tables):
    """The workers' features are; means are not, but for the neighbours of the ignore graph."""
    (stage,) = (one for one in stages_of(method, FEW) if one.name == stage)
    place = Shards(shards[:2], stage.context.tracklets)
    targets = stage.refresh(
        place.features(list(pieces_of(place, FEW))), None, Epoch(20, 40), np.random.default_rng(0)
    )
    assert [in_the_store(shard) for shard in shards[:2]] == [tables] * 2
    for new in targets.slots.values():  # the workers' slots are taken from there
        new.features.placed()
    assert all(in_the_store(shard)[-1] == bool(targets.slots) for shard in shards[:2])


def test_what_brings_all_rows_here_is_noticed(shards):
    def peak(num_rows):
        place = Shards(shards[:2], context_of(num_rows, "pgm").tracklets)
        features = place.features(list(pieces_of(place, num_rows)))
        tracemalloc.start()
        try:
            features.means().part(0, num_rows)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (peak(MANY) - peak(FEW)) / (MANY - FEW) > MOST_A_ROW
