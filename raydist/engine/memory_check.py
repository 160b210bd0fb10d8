"""What the memories of a run take on every worker, checked before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from raydist.encoders.build import feature_width as encoder_width
from raydist.engine.schema import Config
from raydist.errors import ConfigError

BYTES_PER_VALUE = 4

REFRESH_BYTES = 400
"""A tracklet in a refresh, in the process that asks the shards, at most: 140 to 393 were measured."""


@dataclass(frozen=True)
class SlotMemory:
    """What the slots of single tracklets take.

    Attributes:
        worker_mb: megabytes on every worker; 0 for a method that has prototypes of clusters alone.
        parted: whether each worker has a part of them; otherwise it has them all.
    """

    worker_mb: float
    parted: bool = False


def feature_width(config: Config) -> int:
    """D of the configured encoder, without building it."""
    encoder = config.encoder
    return encoder_width(encoder.name, pooling=encoder.pooling, branches=encoder.branches)


def table_mb(num_rows: int, width: int) -> float:
    """Megabytes of a table of N rows of D values."""
    return num_rows * width * BYTES_PER_VALUE / 1e6


def slots_are_parted(config: Config, num_rows: int, width: int, num_workers: int) -> bool:
    """Whether N slots of D values are more than every worker may have."""
    return num_workers > 1 and table_mb(num_rows, width) > config.memory.replicate_mb


def check_slots(config: Config, num_tracklets: int, width: int) -> SlotMemory:
    """What the slots of a run take.

    Args:
        config: the whole configuration.
        num_tracklets: N.
        width: D.

    Raises:
        ConfigError: they are more than ``memory.replicate_mb``, and there are no other workers to share them.
    """
    if not config.method.has_slots:
        return SlotMemory(0)
    workers, whole = config.ray.fewest_workers, table_mb(num_tracklets, width)
    if slots_are_parted(config, num_tracklets, width, workers):
        return SlotMemory(whole / workers, parted=True)
    if whole > config.memory.replicate_mb:
        raise ConfigError(
            f"the slots of {num_tracklets:,} tracklets x {width} take {whole:,.0f} MB on one worker; "
            f"memory.replicate_mb = {config.memory.replicate_mb} allows less: raise it, or raise "
            "ray.num_workers, so that each has a part"
        )
    return SlotMemory(whole)
