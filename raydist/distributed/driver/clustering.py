"""A file of features on shards of their own, to be clustered there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import ray

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.distributed.shards.sharded_features import ShardedFeatures, Shards
from raydist.distributed.shards.start import start_shards
from raydist.types import FeatureTable


def cluster_on_shards(
    table: FeatureTable, spec: ClusterSpec, *, num_shards: int, threads: int = 1
) -> Clustering:
    """Cluster all rows of a table on the cluster that this process is connected to.

    Args:
        table: N rows.
        spec: the distance, the algorithm and their parameters.
        num_shards: actors that share the rows; they change time and memory, never the labels.
        threads: of each.
    """
    with shards_of(table, num_shards=num_shards, threads=threads) as shards:
        clustering = put_on(shards, table).cluster(np.arange(len(table)), spec)
        return Clustering(clustering.labels, clustering.edges)  # brought here while the cluster is there


@contextmanager
def shards_of(table: FeatureTable, *, num_shards: int, threads: int) -> Iterator[Shards]:
    """Shards for the rows of a table, for the length of a block; see `cluster_on_shards`."""
    actors = start_shards(num_shards, threads=threads)
    try:
        yield Shards(actors, tracklets_of(table), threads)
    finally:
        for actor in actors:
            ray.kill(actor)


def put_on(shards: Shards, table: FeatureTable) -> ShardedFeatures:
    """The features [N, 1, D] of a table, on shards."""
    return shards.features(shards.put([table.features[:, None]], 0, len(table)))


def tracklets_of(table: FeatureTable) -> TrainingSet:
    """The rows of a table as tracklets without frames; every camera is a view of its own."""
    no_frames: Any = None
    camera = np.unique(table.camera, return_inverse=True)[1].astype(np.int64)
    return TrainingSet(frames=no_frames, modality=table.modality, camera=camera, view=camera)
