"""What a refresh on feature shards takes: seconds, and the memory of the process that asks them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import ray

from raydist.benchmarks.features import draw_features
from raydist.benchmarks.measure import StageClock
from raydist.clustering.quality import num_clusters
from raydist.data.training_set import TrainingSet
from raydist.distributed.driver.clustering import tracklets_of
from raydist.distributed.job import ActorHandle
from raydist.distributed.object_store import bytes_put
from raydist.distributed.references import Piece
from raydist.distributed.shards.feature_shard import ShardActor
from raydist.distributed.shards.sharded_features import Shards
from raydist.distributed.shards.start import start_shards
from raydist.engine.schema import Config, load_config
from raydist.engine.state import method_on
from raydist.memory_meter import SampledPeak
from raydist.methods.method import Stage
from raydist.methods.schedule import Epoch
from raydist.randomness import stream
from raydist.types import FeatureTable, unit_rows

CHUNK = 50_000
"""Tracklets whose features are drawn and handed over at one time, as those of one worker."""

NOISE = 0.3
"""The length of what a part of a tracklet differs from it by."""

LATE = Epoch(20, 40)
"""An epoch in which all of a stage has begun."""


@dataclass(frozen=True)
class RefreshTask:
    """A refresh of the last stage of a recipe.

    Attributes:
        recipe: whose method and clustering.
        num_rows: N tracklets of both modalities.
        width: D.
        num_parts: K.
        num_shards: S.
        threads: of each shard.
        seed: of what is drawn.
    """

    recipe: str
    num_rows: int
    width: int = 64
    num_parts: int = 4
    num_shards: int = 2
    threads: int = 1
    seed: int = 0


@dataclass(frozen=True)
class RefreshOutcome:
    """What it took.

    Attributes:
        seconds: on the wall.
        own_mb: what the process that asks took at its peak, above what it had before.
        asking_mb: the same with all that it read of the object store, which the processes of a node share.
        clusters: of all tracklets; 0 for a method that makes none.
        through_store: bytes that went through the object stores, from the features to the targets, over those
            of the features.
    """

    seconds: float
    own_mb: float
    asking_mb: float
    clusters: int
    through_store: float


def measure_refresh(task: RefreshTask) -> RefreshOutcome:
    """Draw features, bring them to shards of their own, and refresh once in a process of its own.

    The process is warmed up by a small refresh of the same kind, so that compiled code does not count.

    Args:
        task: what is refreshed.
    """
    config = load_config(task.recipe, [])
    asking: ActorHandle = ray.remote(num_cpus=0)(_Asking).remote(config)
    actors = start_shards(task.num_shards, threads=task.threads)
    try:
        for num_rows in (min(2000, task.num_rows), task.num_rows):
            table = draw_features(num_rows, task.width, seed=task.seed, shuffled=True).table
            tracklets = tracklets_of(table)
            before = bytes_put()
            pieces = list(_pieces(Shards(actors, tracklets), table, task))
            outcome: RefreshOutcome = ray.get(asking.refresh.remote(actors, tracklets, pieces))
            del pieces
        feature_bytes = task.num_rows * task.num_parts * task.width * 4
        return replace(outcome, through_store=(bytes_put() - before) / feature_bytes)
    finally:
        for actor in (asking, *actors):
            ray.kill(actor)


class _Asking:
    """The process that asks shards for what a refresh needs.

    Args:
        config: of the method and the clustering.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    def refresh(
        self, actors: list[ShardActor], tracklets: TrainingSet, pieces: list[Piece]
    ) -> RefreshOutcome:
        """What the last stage's refresh takes."""
        stage, shards, clock = last_stage(self._config, tracklets), Shards(actors, tracklets), StageClock()
        own = SampledPeak(own=True)
        own.restart()
        before = own.now()
        with clock.stage("refresh"):
            targets = stage.refresh(shards.features(pieces), None, LATE, np.random.default_rng(0))
        shards.clear()
        cost = clock.costs["refresh"]
        own_mb = (own.read() - before) / 1e6
        return RefreshOutcome(cost.wall, own_mb, cost.peak_mb, num_clusters(targets.labels), math.nan)


def last_stage(config: Config, tracklets: TrainingSet) -> Stage:
    """The last stage of a configuration's method, on other tracklets."""
    return list(method_on(config, tracklets).stages())[-1]


def _pieces(shards: Shards, table: FeatureTable, task: RefreshTask) -> Iterator[Piece]:
    """The features of all parts of the tracklets, chunk by chunk, in the object store."""
    for number, first in enumerate(range(0, len(table), CHUNK)):
        rows = table.features[first : first + CHUNK]
        shape = (len(rows), task.num_parts, rows.shape[1])
        noise = stream(task.seed, "parts", number).standard_normal(shape, dtype=np.float32)
        parts = rows[:, None] + noise * np.float32(NOISE / np.sqrt(rows.shape[1]))
        yield from shards.put([unit_rows(parts).astype(np.float32)], first, len(table))
