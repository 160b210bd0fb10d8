"""A gallery: tracklets, what can be seen of them, and what a query finds among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raydist.api.clips import EncodedFrame
from raydist.api.query import Asked, Match, error_rates
from raydist.api.run_encoder import RunEncoder
from raydist.errors import ConfigError, FeatureError
from raydist.evaluation.threshold import Threshold
from raydist.gallery.catalogue import Catalogue, Wanted
from raydist.gallery.frames import Frames
from raydist.types import Floats, Modality, check_features


@dataclass(frozen=True)
class RowMatch:
    """A match, and which row of the gallery it is."""

    row: int
    match: Match


@dataclass(frozen=True)
class Gallery:
    """Tracklets to search in.

    Attributes:
        catalogue: the tracklets.
        frames: of them; None where the page shows none.
        no_frames: why it shows none; empty where it does.
        encoder: for pictures that are brought along; None where there is none.
        no_upload: why there is none; empty where there is one.
    """

    catalogue: Catalogue
    frames: Frames | None = None
    no_frames: str = ""
    encoder: RunEncoder | None = None
    no_upload: str = ""

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each tracklet, by its name."""
        return {name: row for row, name in enumerate(self.catalogue.table.tracklet_id.tolist())}

    @cached_property
    def suggested(self) -> Threshold | None:
        """The similarity at which both kinds of errors are as frequent; None without identities."""
        return error_rates(self.catalogue.table, None)

    def rates(self, least: float | None) -> Threshold | None:
        """The error rates of a similarity, of the suggested one if None; None without identities."""
        return self.suggested if least is None else error_rates(self.catalogue.table, least)

    def of_row(self, row: int) -> Asked:
        """A tracklet of the gallery as a query."""
        return Asked.of_row(self.catalogue.table, row)

    def of_feature(self, feature: Floats, modality: Modality) -> Asked:
        """A feature as a query.

        Args:
            feature: float32 [D].
            modality: of what it was taken of.

        Raises:
            FeatureError: it has another width than the gallery, is not finite, or not of unit length.
        """
        width = self.catalogue.table.features.shape[1]
        if feature.shape != (width,):
            raise FeatureError(f"a feature of {feature.size} numbers: the gallery has features of {width}")
        check_features(feature[None])
        return Asked("pictures of your own", feature[None], modality, self.catalogue.table)

    def embed(self, pictures: Sequence[EncodedFrame], *, modality: str, camera: str | None) -> Floats:
        """The feature float32 [D] of pictures of one person in the order of time.

        Raises:
            ConfigError: the gallery has no encoder.
            DataError: a picture cannot be read.
        """
        if self.encoder is None:
            raise ConfigError(self.no_upload)
        return self.encoder.embed([list(pictures)], modality=modality, camera=camera or None)[0]

    def search(
        self, asked: Asked, wanted: Wanted, *, top: int, least: float | None
    ) -> tuple[list[RowMatch], int]:
        """The most similar of the tracklets that are wanted, and among how many they are.

        Args:
            asked: the query.
            wanted: which tracklets are looked at.
            top: how many at most.
            least: the similarity that they have at least.
        """
        rows = self.catalogue.rows(wanted)
        rows = rows[rows != asked.row]
        if not len(rows):
            return [], 0
        matches = asked.matches_in(rows, top=top, least=least)
        return [RowMatch(self.row_of[match.tracklet_id], match) for match in matches], len(rows)

    def warm_up(self) -> None:
        """Search once, so that no visitor waits until the kernels are loaded."""
        self.search(self.of_row(0), Wanted(), top=1, least=None)

    def compare(self, asked: Asked, row: int) -> RowMatch:
        """A query beside one tracklet."""
        return RowMatch(row, asked.matches_in(np.array([row]), top=1, least=None)[0])
