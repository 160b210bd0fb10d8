"""What a search is for, and in what it looks: a tracklet of a file of features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raydist.api.matches import nearest_in
from raydist.api.selection import Selection, row_of
from raydist.data.feature_index import read_indexed_features
from raydist.data.times import time_text
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
    table = read_indexed_features(path)
    row = row_of(table, tracklet)
    kind = Modality(int(table.modality[row]))
    begins = _time(table, row)
    when = "" if begins is None else f", {time_text(begins)}"
    title = f"{tracklet} ({kind.label}, camera {table.camera[row]}{when})"
    return Asked(title, table.features[[row]], kind, table, row)


def _time(table: FeatureTable, row: int) -> float | None:
    return None if table.time is None or np.isnan(table.time[row]) else float(table.time[row])


def _same(table: FeatureTable, row: int, person: int) -> bool | None:
    if person == UNKNOWN_IDENTITY or table.identity is None or table.identity[row] == UNKNOWN_IDENTITY:
        return None
    return bool(table.identity[row] == person)
