"""The features of a data set by the encoder of a run, on several Ray actors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import ray
import torch

from raydist.data.tracklets import TrackletTable
from raydist.distributed.driver.actors import in_order, result_of, started
from raydist.engine.extraction import rows_at_once
from raydist.engine.inputs import readable_part
from raydist.engine.trained import Trained
from raydist.home import cache_folder
from raydist.types import FeatureTable

BLOCKS_OF_A_WORKER = 4
"""Into how many blocks the tracklets are cut for every actor, at least, so that all end at about one time."""


def embed_on_workers(trained: Trained, table: TrackletTable, *, num_workers: int) -> Iterator[FeatureTable]:
    """The features block by block, in the order of the tracklets, on the cluster that this process is in.

    The encoder and the table travel; the frames are read where the actors are. Blocks end where a batch of
    the encoder ends, so that every tracklet is in the batch in which one process would have it.

    Args:
        trained: the encoder; on a GPU, every actor has one.
        table: N tracklets.
        num_workers: actors, each with an encoder of its own on one CPU.

    Raises:
        ConfigError: see `raydist.distributed.driver.actors.started`.
    """
    use_gpu = trained.device.type == "cuda"
    whole = ray.put((replace(trained, encoder=trained.encoder.cpu()), table))
    with started(_Embedder, whole, num_workers=num_workers, use_gpu=use_gpu) as actors:
        num_rows, batch = result_of(actors[0].size.remote())
        step = batch * max(1, num_rows // (batch * num_workers * BLOCKS_OF_A_WORKER))
        yield from in_order(
            actors,
            lambda actor, start: actor.block.remote(start, min(start + step, num_rows)),
            range(0, num_rows, step),
        )


class _Embedder:
    """The encoder of a run, and the tracklets of which it gives features.

    Args:
        whole: both.
    """

    def __init__(self, whole: tuple[Trained, TrackletTable]) -> None:
        torch.set_num_threads(1)
        trained, table = whole
        self._trained = replace(trained, encoder=trained.encoder.to(trained.device))
        self._table, self._frames = readable_part(table, trained.data, cache_folder())

    def size(self) -> tuple[int, int]:
        """How many tracklets there are, and how many make a batch of the encoder."""
        return len(self._table), rows_at_once(self._trained.config.data, self._trained.device)

    def block(self, start: int, stop: int) -> FeatureTable:
        """The features of some consecutive tracklets."""
        return self._trained.block(self._table, self._frames, np.arange(start, stop))
