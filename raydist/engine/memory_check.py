"""What the memories of a run take on every worker, checked before it starts."""

from __future__ import annotations

from raydist.encoders.build import feature_width as encoder_width
from raydist.engine.schema import Config
from raydist.errors import ConfigError

BYTES_PER_VALUE = 4


def feature_width(config: Config) -> int:
    """D of the configured encoder, without building it."""
    encoder = config.encoder
    return encoder_width(encoder.name, pooling=encoder.pooling, branches=encoder.branches)


def check_memory(config: Config, num_tracklets: int, width: int) -> float:
    """What a copy of the largest memory, one row a tracklet, takes on every worker.

    Args:
        config: the whole configuration.
        num_tracklets: N.
        width: D.

    Returns:
        Megabytes.

    Raises:
        ConfigError: more than ``memory.replicate_mb``.
    """
    megabytes = num_tracklets * width * BYTES_PER_VALUE / 1e6
    if megabytes > config.memory.replicate_mb:
        raise ConfigError(
            f"a memory of {num_tracklets:,} tracklets x {width} takes {megabytes:,.0f} MB on every worker; "
            f"memory.replicate_mb = {config.memory.replicate_mb} allows less: raise it, or train on "
            "fewer tracklets"
        )
    return megabytes
