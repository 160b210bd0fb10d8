"""A search for tables that are too large for a full one, where the stages after it are what is measured."""

from __future__ import annotations

from itertools import chain

import numpy as np

from raydist.neighbours.jaccard.distances import DistanceSpec
from raydist.neighbours.jaccard.slabs import map_slabs
from raydist.neighbours.search.backends import Found, Search
from raydist.neighbours.search.lists import Precision, neighbour_lists
from raydist.neighbours.search.ranked import empty_lists
from raydist.types import Floats, Ints


def look_alike_search(look_alikes: Ints, *, threads: int, precision: Precision = "auto") -> Search:
    """Among the rows that look alike, for tables that are too large for a full search.

    Args:
        look_alikes: int64 [N], the value that rows who look alike share.
        threads: how many values are worked on at once.
        precision: see `neighbour_lists`.
    """
    order = np.argsort(look_alikes, kind="stable")
    crowds = np.split(order, np.flatnonzero(np.diff(look_alikes[order])) + 1)

    def search(features: Floats, metric: DistanceSpec, group: Ints | None) -> Found:
        whole = empty_lists(len(features), metric.num_within), empty_lists(len(features), metric.num_across)

        def fill(rows: Ints) -> int:
            lists, report = neighbour_lists(
                features[rows], num_within=metric.num_within, num_across=metric.num_across,
                group=None if group is None else group[rows], ids=rows, precision=precision,
            )  # fmt: skip
            for seats, values in zip(chain(*whole), chain(*lists), strict=True):
                seats[rows, : values.shape[1]] = values
            return report.uncertified

        return whole, {"uncertified": sum(map_slabs(fill, crowds, threads=threads))}

    return search
