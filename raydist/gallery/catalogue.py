"""The tracklets of a gallery: what is known of each, and which of them are wanted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.api.query import time_of
from raydist.api.selection import Selection
from raydist.data.times import time_text
from raydist.errors import DataError
from raydist.types import NOISE, UNKNOWN_IDENTITY, FeatureTable, Ints, Labels, Modality

NO_LABEL = -2
"""The label of a tracklet that the labels do not cover."""


@dataclass(frozen=True)
class Entry:
    """A tracklet as the page shows it; None is what is not known.

    Attributes:
        row: its number in the gallery, which the page asks for it by.
        tracklet_id, modality, camera, split: of the tracklet.
        cluster: its label, NOISE = -1.
        identity: its person.
        time: when it begins, in words.
    """

    row: int
    tracklet_id: str
    modality: str
    camera: str
    split: str | None
    cluster: int | None
    identity: int | None
    time: str | None


@dataclass(frozen=True)
class Camera:
    """A camera of the gallery, the modalities that it has, and its number of tracklets."""

    name: str
    modalities: tuple[str, ...]
    tracklets: int


@dataclass(frozen=True)
class Wanted:
    """Which tracklets are asked for.

    Attributes:
        selection: by modality, camera, split and time.
        cluster: only those of this label; None for any.
        text: only those whose id holds it, in any case.
    """

    selection: Selection = field(default_factory=Selection)
    cluster: int | None = None
    text: str = ""


@dataclass(frozen=True)
class Catalogue:
    """N tracklets with their features.

    Attributes:
        name: where they come from, in words.
        table: the features.
        labels: int64 [N], NOISE = -1 and NO_LABEL = -2; None where there are no labels at all.
    """

    name: str
    table: FeatureTable
    labels: Labels | None = None

    def __len__(self) -> int:
        return len(self.table)

    def entry(self, row: int) -> Entry:
        """What is known of a row."""
        table = self.table
        label = NO_LABEL if self.labels is None else int(self.labels[row])
        identity = UNKNOWN_IDENTITY if table.identity is None else int(table.identity[row])
        return Entry(
            row,
            str(table.tracklet_id[row]),
            Modality(int(table.modality[row])).label,
            str(table.camera[row]),
            None if table.split is None else str(table.split[row]),
            None if label == NO_LABEL else label,
            None if identity == UNKNOWN_IDENTITY else identity,
            None if (begins := time_of(table, row)) is None else time_text(begins),
        )

    def rows(self, wanted: Wanted) -> Ints:
        """The rows that are wanted, ascending; maybe none.

        Raises:
            ConfigError: a camera or a split that no row has, or a time where none is known.
        """
        try:
            rows = wanted.selection.rows(self.table)
        except DataError:  # no row is so, which a page may well ask for
            return np.zeros(0, np.int64)
        if wanted.cluster is not None:
            labels = np.full(len(self), NO_LABEL) if self.labels is None else self.labels
            rows = rows[labels[rows] == wanted.cluster]
        if wanted.text:
            names = np.char.lower(self.table.tracklet_id[rows])
            rows = rows[np.char.find(names, wanted.text.lower()) >= 0]
        return rows

    def cameras(self) -> list[Camera]:
        """All cameras, by name."""
        return [
            Camera(
                str(name),
                tuple(m.label for m in Modality if (self.table.modality[of] == m).any()),
                int(of.sum()),
            )
            for name in np.unique(self.table.camera)
            for of in [self.table.camera == name]
        ]

    def counts(self) -> dict[str, int]:
        """The number of tracklets of each modality."""
        return {m.label: int((self.table.modality == m).sum()) for m in Modality}

    def splits(self) -> list[str]:
        """The splits that there are."""
        return [] if self.table.split is None else np.unique(self.table.split).tolist()

    def period(self) -> tuple[str, str] | None:
        """When the first and the last tracklet begin, in words; None where no time is known."""
        times = self.table.time
        if times is None or np.isnan(times).all():
            return None
        return time_text(float(np.nanmin(times))), time_text(float(np.nanmax(times)))

    def clusters(self) -> dict[str, int] | None:
        """How many clusters there are, tracklets without one and tracklets without a label; None without
        labels."""
        if self.labels is None:
            return None
        sizes = Counter(self.labels.tolist())
        noise, unknown = sizes.pop(NOISE, 0), sizes.pop(NO_LABEL, 0)
        return {"clusters": len(sizes), "noise": noise, "unlabelled": unknown}


def labels_where_known(ids: NDArray[Any], label_of: dict[str, int]) -> Labels | None:
    """The labels of tracklets, NO_LABEL where there is none.

    Args:
        ids: str [N].
        label_of: id -> label.

    Returns:
        None where no tracklet has one.

    >>> labels_where_known(np.array(["a", "b"]), {"b": 3}).tolist()
    [-2, 3]
    """
    labels = np.array([label_of.get(name, NO_LABEL) for name in ids.tolist()], np.int64)
    return None if (labels == NO_LABEL).all() else labels
