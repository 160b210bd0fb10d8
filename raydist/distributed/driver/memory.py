"""What a run takes of the memory of its processes: checked before anything starts, and looked up after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from raydist.distributed.job import GroupActors
from raydist.distributed.shards.memory import MEGABYTE, check_shard_memory, table_memory
from raydist.engine.events import MemoryTaken
from raydist.engine.memory_check import SlotMemory, check_slots, feature_width, table_mb
from raydist.engine.schema import Config
from raydist.memory_meter import process_peak
from raydist.types import Modality


@dataclass(frozen=True)
class GroupMemory:
    """What a group of workers and its shards take.

    Attributes:
        slots: the slots of single tracklets on every worker.
        prototypes_mb: megabytes of a row for every tracklet; prototypes of clusters take less.
        shard_mb: megabytes of a feature shard for the larger modality.
        search_budget: bytes that the search of a shard may take.
    """

    slots: SlotMemory
    prototypes_mb: float
    shard_mb: float
    search_budget: int

    @property
    def shard_bytes(self) -> float:
        """Bytes of a feature shard."""
        return self.shard_mb * MEGABYTE

    @classmethod
    def of_all(cls, parts: Iterable[GroupMemory]) -> GroupMemory:
        """What is enough for each of several data sets that one group is trained on, one at a time.

        Args:
            parts: of each data set, at least one.

        >>> parts = GroupMemory(SlotMemory(1), 1, 20, 5), GroupMemory(SlotMemory(3), 3, 10, 8)
        >>> GroupMemory.of_all(parts).search_budget
        5
        """
        all_parts = list(parts)
        return cls(
            max((part.slots for part in all_parts), key=lambda slots: slots.worker_mb),
            max(part.prototypes_mb for part in all_parts),
            max(part.shard_mb for part in all_parts),
            min(part.search_budget for part in all_parts),
        )


def memory_taken(actors: GroupActors) -> MemoryTaken | None:
    """What the processes of a group took at their peaks; None where one of its actors does not answer."""
    import ray
    from ray.exceptions import RayError

    try:
        board, workers = ray.get(actors.board.peaks.remote())
        shards = ray.get([shard.process_peak.remote() for shard in actors.shards])
    except RayError:
        return None
    return MemoryTaken(
        driver_mb=_megabytes(process_peak()),
        board_mb=_megabytes(board),
        workers_mb=[_megabytes(workers[rank]) for rank in sorted(workers)],
        shards_mb=[_megabytes(shard) for shard in shards],
    )


def _megabytes(size: int) -> float:
    return round(size / MEGABYTE, 1)


def check_group_memory(config: Config, sizes: Sequence[int]) -> GroupMemory:
    """What a run takes, if it is within the limits of the configuration.

    Args:
        config: the whole configuration.
        sizes: training tracklets of each modality.

    Raises:
        ConfigError: more than ``memory.shard_mb`` on a shard, or more than ``memory.replicate_mb`` on a
            worker.
    """
    width, num_shards = feature_width(config), config.ray.num_shards
    shard_mb, search_budget = check_shard_memory(
        sizes,
        width,
        [config.clustering.spec(modality).metric for modality in Modality],
        num_shards=num_shards,
        threads=config.ray.shard_threads,
        budget_mb=config.memory.shard_mb,
        tables=table_memory(sum(sizes), config.data.sub_tracklets, width, num_shards=num_shards),
    )
    slots = check_slots(config, sum(sizes), width)
    return GroupMemory(slots, table_mb(sum(sizes), width), shard_mb, search_budget)
