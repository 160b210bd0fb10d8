"""The encoder of a run in a program of one's own: features of tracklets and clips, and their matches."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray

from raydist.api.clips import Clip, ClipFrames
from raydist.api.columns import ModalityColumn, TextColumn, require_no_columns
from raydist.api.matches import Matches, nearest_in
from raydist.api.same_encoder import require_same_encoder
from raydist.data.frames.ranges import Ranges
from raydist.data.frames.survey import CameraPixels, require_grey_levels, survey
from raydist.data.tracklets import TrackletTable
from raydist.engine.best import TEST_SPLIT
from raydist.engine.trained import SECTIONS, Trained
from raydist.errors import ConfigError
from raydist.types import FeatureTable, Floats

log = logging.getLogger(__name__)


class RunEncoder:
    """The encoder of a run as one of its checkpoints has it; `load` gives one.

    Args:
        trained: the encoder, with the configuration of its run.
    """

    def __init__(self, trained: Trained) -> None:
        self._trained = trained

    def __repr__(self) -> str:
        chosen = self._trained.chosen
        return f"RunEncoder({chosen.run}, after {chosen.line()}, width {self.width})"

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self._trained.chosen.run

    @property
    def epoch(self) -> int:
        """The epoch of the checkpoint."""
        return self._trained.epoch

    @property
    def width(self) -> int:
        """The width D of its features."""
        return self._trained.encoder.width

    @overload
    def embed(self, tracklets: TrackletTable) -> FeatureTable: ...

    @overload
    def embed(
        self,
        tracklets: Sequence[Clip] | NDArray[Any],
        *,
        modality: ModalityColumn,
        camera: TextColumn | None = None,
    ) -> Floats: ...

    def embed(
        self,
        tracklets: TrackletTable | Sequence[Clip] | NDArray[Any],
        *,
        modality: ModalityColumn | None = None,
        camera: TextColumn | None = None,
    ) -> FeatureTable | Floats:
        """Features of unit length, one for each tracklet, as `raydist embed` takes them.

        Frames are decoded, brought into the range of their camera or modality, and resized as the run's
        configuration says; so are sub-tracklets, pooling and flips.

        Args:
            tracklets: a table, see `raydist.read_tracklets`; or N clips, each the frames of one tracklet in
                the order of time: uint8 [T, H, W, 3] in the order red, green, blue (or [T, H, W, 1] of grey,
                or the type that the run was trained on), or a list of paths or of such pictures.
            modality: of clips, ``visible`` or ``infrared``, for all or one for each.
            camera: of clips, likewise; needed only where the run has a range for this camera.

        Returns:
            Of a table, the table of features, without tracklets of which no frame can be read, where the run
            leaves these out. Of clips, float32 [N, D].

        Raises:
            ConfigError: clips without a modality, a table with one, or something that is no clip.
            DataError: a frame cannot be read, the range leaves one grey level of a camera, or a table is
                empty.
        """
        if isinstance(tracklets, TrackletTable):
            require_no_columns({"modality": modality, "camera": camera}, "a table of tracklets")
            _warn(survey(tracklets, Ranges.of(self._trained.data.range)))
            return FeatureTable.join(list(self._trained.features(tracklets)))
        clips = ClipFrames.of(tracklets, modality=modality, camera=camera, data=self._trained.data)
        _warn(clips.survey())
        return self._trained.of_frames(clips, clips.modality, np.arange(len(clips.clips)))

    def search(
        self,
        features: FeatureTable | Floats,
        gallery: FeatureTable,
        *,
        top: int = 20,
        threads: int | None = None,
    ) -> Matches:
        """The most similar tracklets of a gallery for each feature, by the cosine; exact.

        Args:
            features: Q queries, a table or float32 [Q, D]; one that is in the gallery too is its own first
                match.
            gallery: features by this encoder.
            top: how many for each; all of a smaller gallery.
            threads: how many work at once, all cores by default; changes the time, never the result.

        Raises:
            ConfigError: `top` or `threads` is below 1.
            DataError: the gallery is empty, or one of both is by another encoder, or by another epoch of
                this one.
            FeatureError: features have another width than the gallery, or are not of unit length.
        """
        require_same_encoder(gallery, self._trained)
        if isinstance(features, FeatureTable):
            require_same_encoder(features, self._trained, name="the queries")
        return nearest_in(gallery, features, top=top, threads=threads)


def load(
    run: str | os.PathLike[str],
    checkpoint: str | int | None = None,
    *,
    overrides: Sequence[str] = (),
    device: str | None = None,
) -> RunEncoder:
    """The encoder of a run.

    Args:
        run: its folder; a checkpoint may stand behind it, as in ``runs/mine@best``.
        checkpoint: ``last`` (the newest, which is the default), ``best``, or the number of an epoch.
        overrides: ``data.key=value`` and ``evaluation.resize=value``, as with `raydist embed`, such as the
            range of a camera that the run did not see.
        device: a torch device; by default the GPU for a run that used one, if there is one here, else the
            CPU.

    Raises:
        CheckpointError: the run has no whole checkpoint, or that one is damaged.
        ConfigError: no run or no such checkpoint is there (the message says which are), a word of
            `overrides` is wrong, or there is no such device.
        DataError: the best epoch is not known.

    >>> load("runs/nowhere", "best")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    raydist.errors.ConfigError: runs/nowhere holds no run: expected a folder with config.yaml, ...
    """
    name = os.fspath(run)
    trained = Trained.load(
        name if checkpoint is None else f"{name}@{checkpoint}", list(overrides), sections=SECTIONS
    )
    if trained.chosen.picked_on == TEST_SPLIT:
        log.warning(
            "%s, after %s; last is the checkpoint to trust", trained.chosen.run, trained.chosen.line()
        )
    return RunEncoder(trained if device is None else _moved(trained, device))


def searched_tracklets(trained: Trained) -> TrackletTable:
    """The queries and the gallery of the run's own data, or all of it where there are none."""
    ranked = trained.ranked()
    return ranked if len(ranked) else trained.tracklets()


def _moved(trained: Trained, device: str) -> Trained:
    try:
        place = torch.device(device)
        return replace(trained, encoder=trained.encoder.to(place), device=place)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {device!r}: {str(error).splitlines()[0]}") from error


def _warn(cameras: Sequence[CameraPixels]) -> None:
    """Log the cameras whose frames lose most of their grey levels, and refuse those that have one left."""
    require_grey_levels(cameras)
    for pixels in cameras:
        if pixels.loses_levels:
            log.warning("%s", pixels.warning())
