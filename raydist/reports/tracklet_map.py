"""A map of tracklets as compact data, which the script of the page draws and colours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raydist.evaluation.retrieval import evenly_spaced
from raydist.reports.projection import MIN_UMAP, has_umap, principal_components, umap_embedding
from raydist.types import NOISE, UNKNOWN_IDENTITY, Doubles, FeatureTable, Ints, Labels, Modality

MAX_POINTS = 3000
"""Tracklets on the map, at most: they are taken at even distances."""

GRID = 4000
"""Positions are whole numbers from 0 to this."""


@dataclass(frozen=True)
class Colouring:
    """What the points may be coloured by.

    Attributes:
        names: of the groups; the first may be that of what belongs to none.
        codes: which of them each point is in.
        has_rest: whether the first group is what belongs to none, such as noise.
    """

    names: Sequence[str]
    codes: Sequence[int]
    has_rest: bool = False


@dataclass(frozen=True)
class TrackletMap:
    """Points of a map.

    Attributes:
        ids: of the tracklets.
        positions: name of a projection -> int [n, 2], from 0 to `GRID`.
        colourings: cluster, camera, modality and identity, as far as they are known.
        num_tracklets: of which the points are a sample.
    """

    ids: Sequence[str]
    positions: Mapping[str, Sequence[Sequence[int]]]
    colourings: Mapping[str, Colouring]
    num_tracklets: int

    @property
    def as_json(self) -> str:
        """The points for the script of the page; it may stand in an element, since ``<`` is escaped."""
        colourings = {
            name: {"names": list(of.names), "codes": list(of.codes), "rest": of.has_rest}
            for name, of in self.colourings.items()
        }
        values = {"ids": list(self.ids), "positions": self.positions, "colourings": colourings}
        return json.dumps(values, separators=(",", ":")).replace("<", "\\u003c")


def tracklet_map(table: FeatureTable, labels: Labels | None = None) -> TrackletMap | None:
    """The map of a table of features.

    Args:
        table: N tracklets.
        labels: int64 [N], the clusters; None where there are none.

    Returns:
        None for less than three tracklets.
    """
    if len(table) < 3:
        return None
    rows = evenly_spaced(len(table), MAX_POINTS)
    shown = table.take(rows)
    positions = {"PCA": on_grid(principal_components(shown.features))}
    if len(shown) >= MIN_UMAP and has_umap():
        positions["UMAP"] = on_grid(umap_embedding(shown.features))
    return TrackletMap(
        shown.tracklet_id.tolist(),
        {name: points.tolist() for name, points in positions.items()},
        _colourings(shown, None if labels is None else labels[rows]),
        len(table),
    )


def on_grid(points: Doubles) -> Ints:
    """Points as whole numbers from 0 to `GRID`, with the same scale both ways.

    >>> on_grid(np.array([[0.0, 0.0], [2.0, 1.0]])).tolist()
    [[0, 1000], [4000, 3000]]
    """
    low, high = points.min(axis=0), points.max(axis=0)
    scale = GRID / max(float((high - low).max()), 1e-12)
    return ((points - (low + high) / 2) * scale + GRID / 2).round().astype(np.int64)


def _colourings(table: FeatureTable, labels: Labels | None) -> dict[str, Colouring]:
    result = {}
    if labels is not None and (labels != NOISE).any():
        result["cluster"] = _numbered(labels, NOISE, "noise", "cluster")
    result["modality"] = Colouring([m.label for m in Modality], table.modality.tolist())
    result["camera"] = _named(table.camera)
    if table.identity is not None and (table.identity != UNKNOWN_IDENTITY).any():
        result["identity"] = _numbered(table.identity, UNKNOWN_IDENTITY, "not known", "identity")
    return result


def _numbered(values: Ints, rest: int, rest_name: str, name: str) -> Colouring:
    """Groups of numbers; where none is `rest`, it stands first all the same, so that the rest stays grey."""
    numbers = np.unique(values[values != rest])
    codes = np.where(values == rest, 0, np.searchsorted(numbers, values) + 1)
    return Colouring([rest_name, *(f"{name} {number}" for number in numbers)], codes.tolist(), has_rest=True)


def _named(values: NDArray[np.str_]) -> Colouring:
    names, codes = np.unique(values, return_inverse=True)
    return Colouring([f"camera {name}" for name in names], codes.tolist())
