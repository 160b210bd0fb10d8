"""What a run takes of the memory of its processes: checked before anything starts, and looked up after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from raydist.distributed.job import GroupActors
from raydist.distributed.shards.memory import MEGABYTE, check_shard_memory, store_memory, table_memory
from raydist.engine.events import MemoryForecast, MemoryTaken
from raydist.engine.memory_check import REFRESH_BYTES, SlotMemory, check_slots, feature_width, table_mb
from raydist.engine.schema import Config
from raydist.engine.step_memory import NOT_FORECAST, StepMemory
from raydist.health.local_cluster import BOARD, PROCESS
from raydist.memory_meter import process_peak, process_size
from raydist.methods.registry import method_class
from raydist.types import Modality

AROUND_A_STEP = 400 * MEGABYTE
"""Code and workspaces of the steps, the extraction and the ranking, which the driver has not loaded: 240 to
420 MB were measured."""

SLACK = 1.1
"""Of memory that a step freed and its allocator has not given back: 4 to 12 % were measured."""

_TIMES_THE_ENCODER = 4
"""Values a weight on a worker: itself, its gradient, and two means of Adam."""

RAY_ITSELF = 4 * MEGABYTE
"""What Ray puts into the object stores for itself: 0 to 3 MB were measured."""


@dataclass(frozen=True)
class GroupMemory:
    """What a group of workers and its shards take.

    Attributes:
        slots: the slots of single tracklets on every worker.
        prototypes_mb: megabytes of a row for every tracklet; prototypes of clusters take less.
        shard_mb: megabytes of a feature shard for the larger modality.
        search_budget: bytes that the search of a shard may take.
        step: what the steps take on a worker.
        refresh_mb: megabytes that a refresh takes on the worker that asks the shards.
        store_mb: megabytes of a refresh in the object stores of all nodes.
    """

    slots: SlotMemory
    prototypes_mb: float
    shard_mb: float
    search_budget: int
    step: StepMemory
    refresh_mb: float
    store_mb: float

    @property
    def shard_bytes(self) -> float:
        """Bytes of a feature shard."""
        return self.shard_mb * MEGABYTE

    @classmethod
    def of_all(cls, parts: Iterable[GroupMemory]) -> GroupMemory:
        """What is enough for each of several data sets that one group is trained on, one at a time.

        Args:
            parts: of each data set, at least one.

        >>> small = GroupMemory(SlotMemory(1), 1, 20, 5, NOT_FORECAST, 1, 1)
        >>> large = GroupMemory(SlotMemory(3), 3, 10, 8, NOT_FORECAST, 1, 1)
        >>> GroupMemory.of_all([small, large]).search_budget
        5
        """
        all_parts = list(parts)
        return cls(
            max((part.slots for part in all_parts), key=lambda slots: slots.worker_mb),
            max(part.prototypes_mb for part in all_parts),
            max(part.shard_mb for part in all_parts),
            min(part.search_budget for part in all_parts),
            max((part.step for part in all_parts), key=lambda step: step.total + step.workspaces),
            max(part.refresh_mb for part in all_parts),
            max(part.store_mb for part in all_parts),
        )

    def worker_mb(self, *, use_gpu: bool) -> float:
        """Megabytes of the worker that takes most, beside its code and what lies on its GPU."""
        step = SLACK * self.step.total + self.step.workspaces
        on_device = 0 if use_gpu else step / MEGABYTE + self.slots.worker_mb
        return on_device + self.refresh_mb + AROUND_A_STEP / MEGABYTE

    def forecast(self, *, use_gpu: bool, before: int) -> MemoryForecast:
        """What all processes may take: the driver what it took so far, or takes to extract features for the
        report; a worker more than the code and the data set, of which the driver has the same.

        Args:
            use_gpu: whether workers compute on GPUs.
            before: bytes that this process took before it opened the data set: what a notebook holds besides
                is in no worker.
        """
        now = process_size()
        report = now + self.step.extraction + self.step.weights / _TIMES_THE_ENCODER + AROUND_A_STEP
        opened = PROCESS + max(now - before, 0)
        worker = opened + self.worker_mb(use_gpu=use_gpu) * MEGABYTE
        return MemoryForecast(
            driver_mb=_megabytes(max(process_peak(), report)),
            board_mb=_megabytes(BOARD),
            worker_mb=_megabytes(worker),
            shard_mb=_megabytes(PROCESS + self.shard_bytes),
            store_mb=round(self.store_mb + RAY_ITSELF / MEGABYTE, 1),
            step_mb=_megabytes(self.step.total),
            step_frames=self.step.frames,
            on_gpu=use_gpu,
        )


def memory_taken(actors: GroupActors, expected: MemoryForecast) -> MemoryTaken | None:
    """What the processes of a group took at their peaks; None where one of its actors does not answer."""
    import ray
    from ray.exceptions import RayError

    try:
        board, workers = ray.get(actors.board.peaks.remote())
        shards = ray.get([shard.process_peak.remote() for shard in actors.shards])
        stores = dict(ray.get([shard.store_peak.remote() for shard in actors.shards]))
    except RayError:
        return None
    return MemoryTaken(
        driver_mb=_megabytes(process_peak()),
        board_mb=_megabytes(board),
        workers_mb=[_megabytes(workers[rank]) for rank in sorted(workers)],
        shards_mb=[_megabytes(shard) for shard in shards],
        store_mb=_megabytes(sum(stores.values())),
        expected=expected,
    )


def with_report(taken: MemoryTaken) -> MemoryTaken:
    """What the processes took, with the driver as it is now that it has written the report."""
    return replace(taken, driver_mb=_megabytes(process_peak()))


def _megabytes(size: float) -> float:
    return round(size / MEGABYTE, 1)


def check_group_memory(config: Config, sizes: Sequence[int], step: StepMemory = NOT_FORECAST) -> GroupMemory:
    """What a run takes, if it is within the limits of the configuration.

    Args:
        config: the whole configuration.
        sizes: training tracklets of each modality.
        step: what the steps take on a worker, where that is forecast.

    Raises:
        ConfigError: more than ``memory.shard_mb`` on a shard, or more than ``memory.replicate_mb`` on a
            worker.
    """
    width, num_shards = feature_width(config), config.ray.num_shards
    num_tables = method_class(config.method.name).num_tables(config.data.sub_tracklets)
    metrics = [config.clustering.spec(modality).metric for modality in Modality]
    shard_mb, search_budget = check_shard_memory(
        sizes,
        width,
        metrics,
        num_shards=num_shards,
        threads=config.ray.shard_threads,
        budget_mb=config.memory.shard_mb,
        tables=table_memory(sum(sizes), num_tables, width, num_shards=num_shards),
    )
    return GroupMemory(
        check_slots(config, sum(sizes), width),
        table_mb(sum(sizes), width),
        shard_mb,
        search_budget,
        step,
        REFRESH_BYTES * sum(sizes) / MEGABYTE,
        store_memory(sizes, num_tables, width, metrics) / MEGABYTE,
    )
