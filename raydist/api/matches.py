"""The most similar tracklets of a gallery."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.errors import ConfigError, DataError, FeatureError
from raydist.neighbours.search.lists import shard_topk
from raydist.neighbours.search.options import SearchOptions
from raydist.types import Doubles, FeatureTable, Floats, Ints, check_features


@dataclass(frozen=True)
class Matches:
    """For each of Q queries the K most similar tracklets, the most similar first.

    Attributes:
        tracklet_id: str [Q, K].
        similarity: float64 [Q, K], the cosine.
        row: int64 [Q, K], their rows of the gallery; ties are in the order of these.
    """

    tracklet_id: NDArray[Any]
    similarity: Doubles
    row: Ints


def nearest_in(
    gallery: FeatureTable,
    features: FeatureTable | Floats,
    *,
    top: int,
    rows: Ints | None = None,
    threads: int | None = None,
) -> Matches:
    """The most similar tracklets of a gallery, by exact search.

    Args:
        gallery: G tracklets.
        features: Q queries, a table or float32 [Q, D]; one that is in the gallery too is its own first match.
        top: K; G where the gallery is smaller.
        rows: int64 [R], ascending, the rows of the gallery that are searched; all by default.
        threads: how many work at once, all cores by default; changes the time, never the result.

    Raises:
        ConfigError: `top` or `threads` is below 1.
        DataError: the gallery is empty.
        FeatureError: the widths differ, or a feature is not finite or not of unit length.

    >>> x = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    >>> names, modality, camera = np.array(["a", "b", "c"]), np.zeros(3, np.int8), np.array(["k"] * 3)
    >>> gallery = FeatureTable(x, names, modality, camera)
    >>> matches = nearest_in(gallery, x[:1], top=2)
    >>> matches.tracklet_id.tolist(), matches.similarity.round(3).tolist()
    ([['a', 'b']], [[1.0, 0.6]])
    """
    queries = features.features if isinstance(features, FeatureTable) else np.asarray(features)
    check_features(queries)
    if queries.shape[1] != gallery.features.shape[1]:
        raise FeatureError(
            f"features of width {queries.shape[1]}, a gallery of width {gallery.features.shape[1]}: embed "
            "both by one encoder"
        )
    searched = np.arange(len(gallery)) if rows is None else rows
    if not len(searched):
        raise DataError("the gallery is empty: there is nothing to search in")
    if top < 1:
        raise ConfigError(f"top = {top}: give at least 1")
    options = SearchOptions(threads=num_threads(threads))
    table = gallery.features if rows is None else gallery.features[rows]
    found, similarity = shard_topk(queries, table, k=top, shard_ids=searched, options=options)
    return Matches(gallery.tracklet_id[found], similarity, found)


def num_threads(threads: int | None) -> int:
    """How many threads are meant; None is all cores.

    Raises:
        ConfigError: less than 1.
    """
    if threads is not None and threads < 1:
        raise ConfigError(f"threads = {threads}: give at least 1")
    return threads or os.cpu_count() or 1
