"""How long clustering takes on feature shards, and how fast the object store is: on the machines of a cluster
as it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray

from raydist.clustering.spec import ClusterSpec
from raydist.distributed.driver.clustering import put_on, shards_of
from raydist.distributed.shards.sharded_features import Shards
from raydist.types import FeatureTable, Labels

STORE_BYTES = 100_000_000
REPEATS = 3


@dataclass(frozen=True)
class ShardedTime:
    """Seconds on the wall of a clustering on shards.

    Attributes:
        handing_over: bringing the features to the shards.
        clustering: from there to the labels.
        labels: int64 [N].
    """

    handing_over: float
    clustering: float
    labels: Labels


def time_shards(table: FeatureTable, spec: ClusterSpec, *, num_shards: int, threads: int = 1) -> ShardedTime:
    """Cluster all rows of a table on shards that have done the same once before.

    Args:
        table: N rows.
        spec: the distance, the algorithm and their parameters.
        num_shards: how many shards.
        threads: of each shard.
    """
    with shards_of(table, num_shards=num_shards, threads=threads) as shards:
        _time_once(shards, table, spec)
        return _time_once(shards, table, spec)


def _time_once(shards: Shards, table: FeatureTable, spec: ClusterSpec) -> ShardedTime:
    began = time.perf_counter()
    features = put_on(shards, table)
    features.fill()
    handed = time.perf_counter()
    labels = features.cluster(np.arange(len(table)), spec).labels
    return ShardedTime(handed - began, time.perf_counter() - handed, labels)


def store_rates(*, num_bytes: int = STORE_BYTES, repeats: int = REPEATS) -> tuple[float, float]:
    """Bytes a second into the object store of this node, and out of it into another process.

    Args:
        num_bytes: of the object.
        repeats: the best of so many counts.
    """
    values = np.ones(num_bytes // 4, np.float32)
    read = ray.remote(num_cpus=0)(_seconds_to_read)
    put = get = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        reference = ray.put(values)
        put = min(put, time.perf_counter() - began)
        get = min(get, ray.get(read.remote([reference])))
    return num_bytes / put, num_bytes / get


def _seconds_to_read(box: list[Any]) -> float:
    began = time.perf_counter()
    ray.get(box[0]).sum()
    return time.perf_counter() - began
