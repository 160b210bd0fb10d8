"""What a search is for, and in what it looks: a tracklet of a file of features, or frames and a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from raydist.api.clips import Clip
from raydist.api.matches import nearest_in
from raydist.api.run_encoder import SECTIONS, RunEncoder
from raydist.api.selection import Selection, row_of
from raydist.cli.common import print_line
from raydist.data.feature_files import read_features
from raydist.data.importers.pictures import SUFFIXES, is_picture, natural_key
from raydist.data.times import time_text
from raydist.engine.trained import Trained
from raydist.errors import ConfigError, DataError
from raydist.evaluation.protocols import PLAIN
from raydist.evaluation.similarity_pairs import similarity_pairs
from raydist.evaluation.threshold import Threshold, equal_error_threshold, threshold_at
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Floats, Modality


@dataclass(frozen=True)
class Match:
    """A tracklet of the gallery.

    Attributes:
        tracklet_id: its name.
        modality: ``visible`` or ``infrared``.
        camera: that saw it.
        time: when it begins, in seconds on the clock of the gallery; None where not known.
        similarity: the cosine.
        same_person: whether it shows the person of the query; None where that is not known.
    """

    tracklet_id: str
    modality: str
    camera: str
    time: float | None
    similarity: float
    same_person: bool | None


@dataclass(frozen=True)
class Asked:
    """A query and its gallery.

    Attributes:
        title: the query in words.
        feature: float32 [1, D].
        modality: of the query.
        gallery: the tracklets that are searched in.
        row: of the query in the gallery, which is no match; None where it is not part of it.
    """

    title: str
    feature: Floats
    modality: Modality
    gallery: FeatureTable
    row: int | None = None

    def matches(self, selection: Selection, *, top: int, least: float | None) -> list[Match]:
        """The most similar tracklets, the most similar first.

        Args:
            selection: of the gallery.
            top: how many at most.
            least: the similarity that they have at least; None for any.
        """
        rows = selection.rows(self.gallery)
        chosen = self.gallery.take(rows[rows != self.row] if self.row is not None else rows)
        found = nearest_in(chosen, self.feature, top=top)
        person = UNKNOWN_IDENTITY
        if self.row is not None and self.gallery.identity is not None:
            person = int(self.gallery.identity[self.row])
        return [
            Match(
                tracklet_id=str(chosen.tracklet_id[row]),
                modality=Modality(int(chosen.modality[row])).label,
                camera=str(chosen.camera[row]),
                time=_time(chosen, int(row)),
                similarity=round(float(similarity), 6),
                same_person=_same(chosen, int(row), person),
            )
            for row, similarity in zip(found.row[0], found.similarity[0], strict=True)
            if least is None or similarity >= least
        ]

    def rates(self, similarity: float | None) -> Threshold | None:
        """The error rates of a similarity, or the one at which both are equal; None without identities."""
        pairs = similarity_pairs(self.gallery, PLAIN)
        kinds = {} if pairs is None else pairs.by_kind
        if not {"same", "different"} <= set(kinds):
            return None
        if similarity is None:
            return equal_error_threshold(kinds["same"], kinds["different"])
        return threshold_at(similarity, kinds["same"], kinds["different"])


def query_of_features(path: Path, tracklet: str) -> Asked:
    """A tracklet of a file, and all others of it.

    Raises:
        ConfigError: the file has no such tracklet.
        DataError: it is no file of features.
    """
    table = read_features(path)
    row = row_of(table, tracklet)
    kind = Modality(int(table.modality[row]))
    begins = _time(table, row)
    when = "" if begins is None else f", {time_text(begins)}"
    title = f"{tracklet} ({kind.label}, camera {table.camera[row]}{when})"
    return Asked(title, table.features[[row]], kind, table, row)


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
        DataError: a frame or the gallery cannot be read.
    """
    if modality is None:
        raise ConfigError("--modality visible or --modality infrared: frames do not say it")
    trained = Trained.load(run, None, sections=SECTIONS, checkpoint=checkpoint)
    encoder = RunEncoder(trained)
    frames = _frames(pictures)
    feature = encoder.embed([cast(Clip, frames)], modality=modality, camera=camera)
    table = _gallery(trained, encoder) if gallery is None else read_features(gallery)
    if table.features.shape[1] != encoder.width:
        raise DataError(
            f"{gallery}: features of width {table.features.shape[1]}, but those of {run} have width "
            f"{encoder.width}: embed the gallery by this encoder"
        )
    title = f"{len(frames)} {modality} frames, by {run} after {trained.chosen.line()}"
    return Asked(title, feature, Modality.parse(modality), table)


def _gallery(trained: Trained, encoder: RunEncoder) -> FeatureTable:
    """The queries and the gallery of the run's own data, or all of it where there are none."""
    chosen = trained.ranked()
    chosen = chosen if len(chosen) else trained.tracklets()
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


def _time(table: FeatureTable, row: int) -> float | None:
    return None if table.time is None or np.isnan(table.time[row]) else float(table.time[row])


def _same(table: FeatureTable, row: int, person: int) -> bool | None:
    if person == UNKNOWN_IDENTITY or table.identity is None or table.identity[row] == UNKNOWN_IDENTITY:
        return None
    return bool(table.identity[row] == person)
