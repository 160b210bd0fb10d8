"""The similarities of infrared and visible tracklets, by whether both show one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from raydist.errors import DataError
from raydist.evaluation.directions import DIRECTIONS, directions
from raydist.evaluation.protocols import Protocol
from raydist.evaluation.retrieval import evenly_spaced
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Floats, Ints

MAX_ROWS = 1500
"""Tracklets of each side that are compared, at most: they are taken at even distances."""


@dataclass(frozen=True)
class SimilarityPairs:
    """Similarities of pairs of a query and a gallery tracklet.

    Attributes:
        by_kind: ``same`` and ``different``, or ``unknown`` where identities are not known -> [n].
        num_queries, num_gallery: tracklets that are compared.
        is_sample: whether there are more of them.
    """

    by_kind: Mapping[str, Floats]
    num_queries: int
    num_gallery: int
    is_sample: bool


def similarity_pairs(table: FeatureTable, protocol: Protocol) -> SimilarityPairs | None:
    """Pairs of an infrared query and a visible gallery tracklet, by what is known of their persons.

    Args:
        table: features; where there are no splits, all tracklets of each modality.
        protocol: pairs that it leaves out of rankings are left out here.

    Returns:
        None where nothing of one modality meets anything of the other.
    """
    queries, gallery = _sides(table)
    if not len(queries) or not len(gallery):
        return None
    rows = (queries[evenly_spaced(len(queries), MAX_ROWS)], gallery[evenly_spaced(len(gallery), MAX_ROWS)])
    values = table.features[rows[0]] @ table.features[rows[1]].T
    is_sample = len(rows[0]) < len(queries) or len(rows[1]) < len(gallery)
    return SimilarityPairs(_by_kind(table, values, rows, protocol), len(rows[0]), len(rows[1]), is_sample)


def _sides(table: FeatureTable) -> tuple[Ints, Ints]:
    """Infrared queries and their visible gallery; without splits, all tracklets of each modality."""
    try:
        return directions(table)["infrared_to_visible"]
    except DataError:
        query, gallery = DIRECTIONS["infrared_to_visible"]
        return np.flatnonzero(table.modality == query), np.flatnonzero(table.modality == gallery)


def _by_kind(
    table: FeatureTable, values: Floats, rows: tuple[Ints, Ints], protocol: Protocol
) -> dict[str, Floats]:
    """The similarities float32 [q, G] of rows by what is known of them; kinds without pairs are left out."""
    if table.identity is None or (table.identity[rows[0]] == UNKNOWN_IDENTITY).all():
        return {"unknown": values.ravel()}
    query, gallery = (table.identity[side] for side in rows)
    known = (query != UNKNOWN_IDENTITY)[:, None] & (gallery != UNKNOWN_IDENTITY)[None]
    known &= ~protocol.ignore(table, *rows)
    equal = query[:, None] == gallery[None]
    kinds = {"same": values[known & equal], "different": values[known & ~equal]}
    return {kind: of for kind, of in kinds.items() if len(of)} or {"unknown": values.ravel()}
