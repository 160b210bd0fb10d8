"""Feature shards are started: on which nodes, with how many threads, and on which device each searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ray

from raydist.distributed.shards.feature_shard import FeatureShard, ShardActor
from raydist.distributed.shards.placement import (
    Node,
    actor_options,
    cluster_nodes,
    gpu_numbers,
    place_shards,
)
from raydist.errors import ConfigError
from raydist.neighbours.search.options import SearchOptions
from raydist.types import Device

NO_GPU, TAKE_THE_CPU = "ray.shard_device = cuda", "set ray.shard_device=cpu, or install torch with CUDA there"


def start_shards(
    num_shards: int,
    *,
    threads: int = 1,
    memory_budget: int | None = None,
    shard_bytes: float = 0,
    turn: int = 0,
    device: Device = "cpu",
) -> list[ShardActor]:
    """The shards as actors, in no placement group: inside a Tune trial one of their own would dead-lock.

    Args:
        num_shards: S.
        threads: of each shard.
        memory_budget: bytes that a search of a shard may take beside the features; None for no bound.
        shard_bytes: that a shard takes altogether; nodes with less are avoided.
        turn: see `place_shards`, which says on which nodes they are.
        device: where shards search for neighbours: on the CPU, or on the GPUs of their nodes, which they
            share with the workers there.

    Raises:
        ConfigError: no node has a GPU, or a shard sees none.
    """
    nodes = _suitable(cluster_nodes(), device)
    placement = place_shards(nodes, num_shards, shard_bytes=shard_bytes, turn=turn)
    options = SearchOptions(threads=threads, memory_budget=memory_budget)
    of_shards = [options] * num_shards
    if device == "cuda":
        of_shards = [replace(options, device=f"cuda:{gpu}") for gpu in gpu_numbers(placement, nodes)]
    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=1)(FeatureShard)
    asked = zip(actor_options(placement), of_shards, strict=True)
    shards: list[ShardActor] = [actor.options(**place).remote(of_shard) for place, of_shard in asked]
    if device == "cuda" and not all(ray.get([shard.has_device.remote() for shard in shards])):
        for shard in shards:
            ray.kill(shard)
        raise ConfigError(f"{NO_GPU}: torch finds no CUDA device where feature shards are; {TAKE_THE_CPU}")
    return shards


def _suitable(nodes: Sequence[Node], device: Device) -> Sequence[Node]:
    """The nodes that have such a device."""
    if device == "cpu":
        return nodes
    with_gpus = [node for node in nodes if node.gpus >= 1]
    if not with_gpus:
        raise ConfigError(f"{NO_GPU}: no node of the cluster has a GPU; set ray.shard_device=cpu")
    return with_gpus
