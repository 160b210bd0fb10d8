"""The encoder of a run as one of its checkpoints has it, and the features that it gives."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from raydist.config import overrides
from raydist.data.frames.ranges import Ranges
from raydist.data.frames.store import FrameStore
from raydist.data.tracklets import TrackletTable
from raydist.encoders.build import build_encoder
from raydist.encoders.encoder import Encoder
from raydist.engine.checkpoint import encoder_digest, load_encoder
from raydist.engine.chosen_epoch import ChosenEpoch, read_checkpoint, split_run
from raydist.engine.data_section import DataSection
from raydist.engine.extraction import extract
from raydist.engine.inputs import frames_of, read_tracklets, readable_part, split_tables
from raydist.engine.precision import Precision, extraction_precision
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config, anchored, with_values
from raydist.errors import ConfigError
from raydist.home import cache_folder
from raydist.types import FeatureTable, Floats, FrameReader, Ints, tracklet_means

ROWS_AT_ONCE = 4096
SECTIONS = ("data", "evaluation.resize")
"""What may be changed of a run's configuration where its encoder is used on data."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """An encoder that is used and no longer trained.

    Attributes:
        config: of its run, with what the command line changed.
        chosen: the checkpoint of the run.
        encoder: on `device`.
        device: the GPU for a run that used one, if there is one here; else the CPU.
        digest: SHA-256 of the weights, see `FeatureTable.encoder`.
        ranges_of_the_run: the cameras and modalities to which the run itself gave a range of values.
    """

    config: Config
    chosen: ChosenEpoch
    encoder: Encoder
    device: torch.device
    digest: str
    ranges_of_the_run: frozenset[str] = frozenset()

    @classmethod
    def load(
        cls,
        run: str | Path,
        words: Sequence[str] | None,
        *,
        sections: Sequence[str],
        checkpoint: str | None = None,
    ) -> Trained:
        """The encoder of a whole checkpoint.

        Args:
            run: the run's folder, with ``@last`` (the default), ``@best`` or ``@N`` behind.
            words: ``section.key=value`` to lay over its configuration.
            sections: which sections may be changed, and which single keys, such as ``evaluation.resize``.
            checkpoint: ``last``, ``best`` or an epoch, given apart.

        Raises:
            CheckpointError: the run has no whole checkpoint, or that one is damaged.
            ConfigError: no run or no such epoch is there, or a word changes another section, or is wrong.
            DataError: the best epoch is not known.
        """
        path, which = split_run(run, checkpoint)
        own = RunFolder.open(path).config()
        config = _laid_over(own, words or (), sections)
        chosen, files = read_checkpoint(path, which)
        device = torch.device("cuda" if config.ray.use_gpu and torch.cuda.is_available() else "cpu")
        encoder = build_encoder(**config.encoder.model_dump(), seed=config.run.seed)
        load_encoder(encoder, files)
        ranges = frozenset(Ranges.of(own.data.range).entries)
        return cls(config, chosen, encoder.to(device), device, encoder_digest(files), ranges)

    @property
    def epoch(self) -> int:
        """How long it was trained."""
        return self.chosen.epoch

    @property
    def precision(self) -> Precision:
        """The format in which the run extracted features; on another kind of device, fp32."""
        same_device = (self.device.type == "cuda") == self.config.ray.use_gpu
        return extraction_precision(self.config.train.precision) if same_device else "fp32"

    def ranked(self) -> TrackletTable:
        """The queries and the gallery that the configuration evaluates on."""
        return split_tables(self.config, self.tracklets())[1]

    def tracklets(self) -> TrackletTable:
        """All tracklets of the data.

        Raises:
            ConfigError: the command line gives a range to a camera or modality that there is not.
        """
        _, table, _ = read_tracklets(self.config.data, cache_folder())
        Ranges.of(self.config.data.range).check_names({*table.camera.tolist(), *self.ranges_of_the_run})
        return table

    def frames(self, table: TrackletTable) -> FrameStore:
        """The frames of those tracklets of which one can be read, as queries and gallery are read."""
        return frames_of(table, self.data, cache_folder())

    @property
    def data(self) -> DataSection:
        """The section ``data`` with the pixels of queries and gallery, by which all features are taken."""
        return self.config.evaluation.pixels_of(self.config.data)

    def features(self, table: TrackletTable, *, rows_at_once: int = ROWS_AT_ONCE) -> Iterator[FeatureTable]:
        """The features of tracklets, block by block in the order of the table, so that memory stays bounded.

        Args:
            table: N tracklets; those without a readable frame have no feature where they may be skipped.
            rows_at_once: how many of them make a block.

        Raises:
            DataError: the table is empty, or a frame cannot be read.
        """
        table, store = readable_part(table, self.data, cache_folder())
        if store.notes:
            log.warning("; ".join(f"{name}: {number}" for name, number in store.notes.items()))
        for start in range(0, len(table), rows_at_once):
            rows = np.arange(start, min(start + rows_at_once, len(table)))
            yield self.block(table, store, rows)

    def block(self, table: TrackletTable, frames: FrameReader, rows: Ints) -> FeatureTable:
        """The features of some tracklets of a table.

        Args:
            table: N tracklets, with a readable frame each.
            frames: theirs.
            rows: int64 [n].
        """
        features = table.take(rows).with_features(self.of_frames(frames, table.modality, rows))
        return replace(features, encoder=self.digest)

    def of_frames(self, frames: FrameReader, modality: NDArray[np.int8], rows: Ints) -> Floats:
        """The features [n, D] of some rows of a reader of frames.

        Args:
            frames: at the size and in the range of the configuration.
            modality: int8 [N], of all rows.
            rows: int64 [n].
        """
        blocks = extract(
            self.encoder,
            frames,
            modality,
            rows,
            data=self.config.data,
            device=self.device,
            precision=self.precision,
        )
        return tracklet_means(np.concatenate(list(blocks)))


def _laid_over(config: Config, words: Sequence[str], sections: Sequence[str]) -> Config:
    """The configuration with words laid over; without the published weights, which the checkpoint
    replaces."""
    changes = list(overrides(words))
    for path, _ in changes:
        if path[0] not in sections and ".".join(path) not in sections:
            allowed = " and ".join(name if "." in name else f"{name}.*" for name in sections)
            raise ConfigError(
                f"{'.'.join(path)}: the run was trained with its own value; only {allowed} can be "
                "changed here"
            )
    return anchored(with_values(config, [(("encoder", "weights"), None), *changes]))
