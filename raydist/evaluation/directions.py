"""The two directions of cross-modality retrieval: which rows are queries, and which are their gallery."""

from __future__ import annotations

import numpy as np

from raydist.errors import DataError
from raydist.types import FeatureTable, Ints, Modality

DIRECTIONS = {
    "infrared_to_visible": (Modality.INFRARED, Modality.VISIBLE),
    "visible_to_infrared": (Modality.VISIBLE, Modality.INFRARED),
}
"""Name of a direction -> modality of its queries, modality of its gallery."""


def directions(table: FeatureTable) -> dict[str, tuple[Ints, Ints]]:
    """Query rows and gallery rows of both directions.

    Queries of one modality meet the gallery of the other. Where a split holds one modality only (HITSZ-VCM:
    infrared queries, a visible gallery), the other direction swaps the roles of the very same rows.

    Args:
        table: features with a split column; rows of ``train`` take no part.

    Returns:
        Name of the direction -> (int64 [Q] query rows, int64 [G] gallery rows), both in the order of the
        table.

    Raises:
        DataError: there are no splits, no query, no gallery, or only one modality.
    """
    if table.split is None:
        raise DataError(
            "the features carry no split: evaluation needs rows of split 'query' and of split 'gallery'"
        )
    for split in ("query", "gallery"):
        if not (table.split == split).any():
            raise DataError(
                f"no row has split {split!r}: evaluation needs rows of split 'query' and of split 'gallery'"
            )
    return {name: _sides(table, *modalities) for name, modalities in DIRECTIONS.items()}


def _sides(table: FeatureTable, asking: Modality, asked: Modality) -> tuple[Ints, Ints]:
    """Rows of modality `asking` as queries and rows of modality `asked` as gallery."""
    for query_split, gallery_split in (("query", "gallery"), ("gallery", "query")):
        queries = np.flatnonzero((table.split == query_split) & (table.modality == asking))
        gallery = np.flatnonzero((table.split == gallery_split) & (table.modality == asked))
        if queries.size and gallery.size:
            return queries, gallery
    counts = ", ".join(
        f"{split} {((table.split == split) & (table.modality == modality)).sum()} {modality.label}"
        for split in ("query", "gallery")
        for modality in Modality
    )
    raise DataError(
        f"{asking.label} queries meet no gallery of {asked.label} tracklets ({counts}): "
        "cross-modality needs both modalities"
    )
