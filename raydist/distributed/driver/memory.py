"""What a run takes of the memory of workers and feature shards, checked before anything is started."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from raydist.distributed.shards.memory import MEGABYTE, check_shard_memory, table_memory
from raydist.engine.memory_check import check_memory, feature_width
from raydist.engine.schema import Config
from raydist.types import Modality


@dataclass(frozen=True)
class GroupMemory:
    """What a group of workers and its shards take.

    Attributes:
        memory_mb: megabytes of a copy of the largest memory on every worker.
        shard_mb: megabytes of a feature shard for the larger modality.
        search_budget: bytes that the search of a shard may take.
    """

    memory_mb: float
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

        >>> GroupMemory.of_all([GroupMemory(1, 20, 5), GroupMemory(3, 10, 8)])
        GroupMemory(memory_mb=3, shard_mb=20, search_budget=5)
        """
        all_parts = list(parts)
        return cls(
            max(part.memory_mb for part in all_parts),
            max(part.shard_mb for part in all_parts),
            min(part.search_budget for part in all_parts),
        )


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
    return GroupMemory(check_memory(config, sum(sizes), width), shard_mb, search_budget)
