"""A query and its gallery: the most similar tracklets, whether they show the same person, and how often a
similarity is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raydist.api.matches import nearest_in
from raydist.api.selection import Selection
from raydist.data.times import time_text
from raydist.evaluation.protocols import PLAIN
from raydist.evaluation.similarity_pairs import similarity_pairs
from raydist.evaluation.threshold import Threshold, equal_error_threshold, threshold_at
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Floats, Ints, Modality

DIGITS = 6
"""Of a similarity behind the point."""


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

    @classmethod
    def of_row(cls, gallery: FeatureTable, row: int) -> Asked:
        """A tracklet of the gallery, and all others of it."""
        modality = Modality(int(gallery.modality[row]))
        begins = time_of(gallery, row)
        when = "" if begins is None else f", {time_text(begins)}"
        title = f"{gallery.tracklet_id[row]} ({modality.label}, camera {gallery.camera[row]}{when})"
        return cls(title, gallery.features[[row]], modality, gallery, row)

    def matches(self, selection: Selection, *, top: int, least: float | None) -> list[Match]:
        """The most similar tracklets, the most similar first.

        Args:
            selection: of the gallery.
            top: how many at most.
            least: the similarity that they have at least; None for any.

        Raises:
            ConfigError: the selection names what no row has.
            DataError: no tracklet is so.
        """
        return self.matches_in(selection.rows(self.gallery), top=top, least=least)

    def matches_in(self, rows: Ints, *, top: int, least: float | None) -> list[Match]:
        """The most similar of some rows of the gallery, see `matches`.

        Raises:
            DataError: there is no row but that of the query.
        """
        nearest = nearest_in(self.gallery, self.feature, top=top, rows=rows[rows != self.row])
        return [
            self.match(row, similarity)
            for row, similarity in zip(nearest.row[0].tolist(), nearest.similarity[0].tolist(), strict=True)
            if least is None or round(similarity, DIGITS) >= least  # as it is shown
        ]

    def match(self, row: int, similarity: float) -> Match:
        """What is known of a row of the gallery as a match."""
        return Match(
            tracklet_id=str(self.gallery.tracklet_id[row]),
            modality=Modality(int(self.gallery.modality[row])).label,
            camera=str(self.gallery.camera[row]),
            time=time_of(self.gallery, row),
            similarity=round(similarity, DIGITS),
            same_person=self._same_person(row),
        )

    def rates(self, similarity: float | None) -> Threshold | None:
        """The error rates of a similarity, or the one at which both are equal; None without identities."""
        return error_rates(self.gallery, similarity)

    def _same_person(self, row: int) -> bool | None:
        identity = self.gallery.identity
        if self.row is None or identity is None or UNKNOWN_IDENTITY in (identity[self.row], identity[row]):
            return None
        return bool(identity[self.row] == identity[row])


def time_of(table: FeatureTable, row: int) -> float | None:
    """When a tracklet begins; None where that is not known."""
    return None if table.time is None or np.isnan(table.time[row]) else float(table.time[row])


def error_rates(gallery: FeatureTable, similarity: float | None) -> Threshold | None:
    """How often a similarity is wrong in a gallery, across the modalities.

    Args:
        gallery: the tracklets.
        similarity: from which on two tracklets are taken for one person; None chooses the one at which both
            kinds of errors are as frequent.

    Returns:
        None where there are no pairs of one person, or none of two, whose identities are known.
    """
    pairs = similarity_pairs(gallery, PLAIN)
    kinds = {} if pairs is None else pairs.by_kind
    if not {"same", "different"} <= set(kinds):
        return None
    if similarity is None:
        return equal_error_threshold(kinds["same"], kinds["different"])
    return threshold_at(similarity, kinds["same"], kinds["different"])
