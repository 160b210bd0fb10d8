"""Neighbours among rows that need not be of unit length: by Euclidean distance, or by dot product.

Of rows of different lengths the nearest are not those of the largest dot product. Since |x_i - x_j|^2 is
|x_i|^2 - 2 (x_i . x_j - |x_j|^2 / 2), they are those of the largest ``x_i . x_j - |x_j|^2 / 2``: a product of
rows with two more coordinates, (x_i, 1, 1) and (x_j, b_j, c_j), where the float32 numbers b_j and c_j add up
to -|x_j|^2 / 2, but for some 1e-15. It is not symmetric, so every pair is multiplied twice.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from raydist.errors import FeatureError
from raydist.neighbours.search.exact import squared_lengths
from raydist.neighbours.search.lists import shard_topk_by_group
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import GroupedLists, NumNeighbours
from raydist.neighbours.search.rows import Rows, check_search
from raydist.types import Doubles, Floats


def lists_by_distance(
    rows: Rows, others: Rows, *, num_within: int, num_across: int, options: SearchOptions = SearchOptions()
) -> GroupedLists:
    """The other rows that are nearest by Euclidean distance, the row itself left out.

    Args:
        rows: q rows.
        others: m rows; those with the id of a row are that row itself.
        num_within: neighbours from the row's own group; from all rows without groups.
        num_across: neighbours from all other groups.
        options: of the search; they change its time, never the result.

    Returns:
        The lists within [q, min(num_within, m)] and across [q, min(num_across, m)] as `neighbour_lists` gives
        them, with ``x_i . x_j - |x_j|^2 / 2`` in the place of similarities.

    >>> x = Rows(np.array([[1.0], [0.9], [0.5]], np.float32))
    >>> lists_by_distance(x, x, num_within=1, num_across=0)[0][0].tolist()
    [[1], [0], [1]]
    """
    ones = np.ones((len(rows), 2), np.float32)
    half = squared_lengths(others.features) / -2
    coarse = half.astype(np.float32)
    fine = (half - coarse).astype(np.float32)
    left = replace(rows, features=np.hstack((rows.features, ones)))
    right = replace(others, features=np.hstack((others.features, coarse[:, None], fine[:, None])))
    return shard_topk_by_group(
        left, right, num_within=num_within, num_across=num_across, exclude=rows.row_ids, options=options
    )


def check_lengths(features: Floats) -> Doubles:
    """The squared length of every row, at most 1.

    Raises:
        FeatureError: a value is not finite, or a row is longer than 1.
    """
    check_search({"features": features}, NumNeighbours(0, 0))
    squares = squared_lengths(features)
    longer = np.flatnonzero(squares > 1.002)
    if longer.size:
        raise FeatureError(
            f"{longer.size} of {len(features)} features are longer than 1, up to {squares.max() ** 0.5:.4g}: "
            "means of unit features are expected; check what computed them"
        )
    return squares
