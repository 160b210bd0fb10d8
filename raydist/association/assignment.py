"""The one-to-one matching of two sets of centroids of largest total value, exact or, for many, nearly so."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import linear_sum_assignment

from raydist.association.auction import auction
from raydist.neighbours.search.exact import exact_products, similarities
from raydist.neighbours.search.ranked import NumNeighbours
from raydist.neighbours.search.rows import check_search
from raydist.types import Doubles, Floats, Ints

MOST_PAIRS = 1 << 22
"""So many pairs are put into a table, of 32 MB; more are assigned by an auction."""


def assign(
    rows: Floats, columns: Floats, value: Callable[[Doubles], Doubles], *, most_pairs: int = MOST_PAIRS
) -> tuple[Ints, Ints]:
    """Pairs of rows and columns, each in at most one, and as many as there can be.

    Up to `most_pairs` pairs the total value is the largest; beyond it is at most 1e-4 a pair below it, which
    is in the unit of `value`.

    Args:
        rows: float32 [R, D].
        columns: float32 [C, D].
        value: of a pair by its dot product, elementwise.
        most_pairs: R x C of the largest table.

    Returns:
        int64 [min(R, C)], the rows in ascending order, and the column of each.

    Raises:
        FeatureError: a value is not finite, or the widths differ.

    >>> x = np.eye(3, dtype=np.float32)
    >>> [side.tolist() for side in assign(x, x[[2, 0]], lambda dot: dot)]
    [[0, 2], [1, 0]]
    """
    if len(rows) * len(columns) <= most_pairs:
        return linear_sum_assignment(value(similarities(rows, columns)), maximize=True)
    check_search({"rows": rows, "columns": columns}, NumNeighbours(0, 0))
    if len(rows) > len(columns):
        of_column = _bought(columns, rows, value)
        order = np.argsort(of_column)
        return of_column[order], order
    return np.arange(len(rows)), _bought(rows, columns, value)


def _bought(bidders: Floats, objects: Floats, value: Callable[[Doubles], Doubles]) -> Ints:
    """The object of every bidder."""
    every = np.arange(len(objects))

    def values(some: Ints) -> Doubles:
        products = np.empty((len(some), len(objects)))
        exact_products(bidders, some, objects, every, products)
        return value(products)

    return auction(values, len(bidders), len(objects))
