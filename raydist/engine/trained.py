"""The encoder of a run as its newest checkpoint has it, and the features that it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from raydist.config import overrides
from raydist.data.frames.store import FrameStore
from raydist.data.tracklets import TrackletTable
from raydist.encoders.build import build_encoder
from raydist.encoders.encoder import Encoder
from raydist.engine.checkpoint import load_encoder
from raydist.engine.extraction import extract
from raydist.engine.inputs import frames_of, read_tracklets, split_tables
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config, anchored, with_values
from raydist.errors import CheckpointError, ConfigError
from raydist.home import cache_folder
from raydist.types import FeatureTable, tracklet_means

ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Trained:
    """An encoder that is used and no longer trained.

    Attributes:
        config: of its run, with what the command line changed.
        epoch: how long it was trained.
        encoder: on `device`.
        device: the GPU for a run that used one, if there is one here; else the CPU.
    """

    config: Config
    epoch: int
    encoder: Encoder
    device: torch.device

    @classmethod
    def load(cls, path: Path, words: Sequence[str] | None, *, sections: Sequence[str]) -> Trained:
        """The encoder of the newest whole checkpoint.

        Args:
            path: the run's folder.
            words: ``section.key=value`` to lay over its configuration.
            sections: which sections may be changed.

        Raises:
            CheckpointError: the run has no whole checkpoint.
            ConfigError: no run is there, or a word changes another section, or is wrong.
        """
        folder = RunFolder.open(path)
        config = _laid_over(folder.config(), words or (), sections)
        newest = folder.checkpoints.newest()
        if newest is None:
            raise CheckpointError(
                f"{path} has no whole checkpoint: its first epoch has not ended; go on with --resume {path}"
            )
        epoch, files = newest
        device = torch.device("cuda" if config.ray.use_gpu and torch.cuda.is_available() else "cpu")
        encoder = build_encoder(**config.encoder.model_dump(), seed=config.run.seed)
        load_encoder(encoder, files)
        return cls(config, epoch, encoder.to(device), device)

    def ranked(self) -> TrackletTable:
        """The queries and the gallery that the configuration evaluates on."""
        return split_tables(self.config, read_tracklets(self.config.data, cache_folder())[1])[1]

    def frames(self, table: TrackletTable) -> FrameStore:
        """The frames of tracklets, at the size that the encoder was trained on."""
        return frames_of(table, self.config.data, cache_folder())

    def features(self, table: TrackletTable, *, rows_at_once: int = ROWS_AT_ONCE) -> Iterator[FeatureTable]:
        """The features of tracklets, block by block in the order of the table, so that memory stays bounded.

        Args:
            table: N tracklets.
            rows_at_once: how many of them make a block.

        Raises:
            DataError: the table is empty, or a frame cannot be read.
        """
        store = self.frames(table)
        for start in range(0, len(table), rows_at_once):
            rows = np.arange(start, min(start + rows_at_once, len(table)))
            parts = extract(
                self.encoder, store, table.modality, rows, data=self.config.data, device=self.device
            )
            yield table.take(rows).with_features(tracklet_means(parts))


def _laid_over(config: Config, words: Sequence[str], sections: Sequence[str]) -> Config:
    """The configuration with words laid over; without the published weights, which the checkpoint
    replaces."""
    changes = list(overrides(words))
    for path, _ in changes:
        if path[0] not in sections:
            allowed = " and ".join(f"{section}.*" for section in sections)
            raise ConfigError(
                f"{'.'.join(path)}: the run was trained with its own value; only {allowed} can be "
                "changed here"
            )
    return anchored(with_values(config, [(("encoder", "weights"), None), *changes]))
