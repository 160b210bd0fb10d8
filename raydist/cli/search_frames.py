"""A search for frames of one's own, by the encoder of a run; it needs torch, which other searches do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from raydist.api.clips import Clip
from raydist.api.query import Asked
from raydist.api.run_encoder import SECTIONS, RunEncoder, searched_tracklets
from raydist.api.same_encoder import require_same_encoder
from raydist.cli.common import print_line
from raydist.data.feature_index import read_indexed_features
from raydist.data.importers.pictures import SUFFIXES, is_picture, natural_key
from raydist.engine.trained import Trained
from raydist.errors import ConfigError, DataError
from raydist.types import FeatureTable, Modality


def query_of_frames(
    run: str,
    pictures: Sequence[Path],
    *,
    modality: str | None,
    camera: str | None,
    gallery: Path | None,
    checkpoint: str | None,
) -> Asked:
    """Frames of one person through the encoder of a run, and features by the same encoder.

    Raises:
        ConfigError: the modality is not given, or no run is there.
        DataError: a frame or the gallery cannot be read, or the gallery is by another encoder, or by another
            epoch of this one.
    """
    if modality is None:
        raise ConfigError("--modality visible or --modality infrared: frames do not say it")
    trained = Trained.load(run, None, sections=SECTIONS, checkpoint=checkpoint)
    encoder = RunEncoder(trained)
    frames = _frames(pictures)
    feature = encoder.embed([cast(Clip, frames)], modality=modality, camera=camera)
    table = _gallery(trained, encoder) if gallery is None else read_indexed_features(gallery)
    require_same_encoder(table, trained, name=str(gallery))
    title = f"{len(frames)} {modality} frames, by {run} after {trained.chosen.line()}"
    return Asked(title, feature, Modality.parse(modality), table)


def _gallery(trained: Trained, encoder: RunEncoder) -> FeatureTable:
    chosen = searched_tracklets(trained)
    print_line(f"features of {len(chosen):,} tracklets of the run's data; --gallery takes a file of them")
    return encoder.embed(chosen)


def _frames(paths: Sequence[Path]) -> list[Path]:
    """Pictures in the order in which they are given; those of a folder by their names."""
    if len(paths) > 1 or not paths[0].is_dir():
        return list(paths)
    pictures = [path for path in paths[0].iterdir() if is_picture(path.name)]
    if not pictures:
        raise DataError(f"{paths[0]}: no picture in this folder ({', '.join(sorted(SUFFIXES))})")
    return sorted(pictures, key=lambda path: natural_key(path.name))
