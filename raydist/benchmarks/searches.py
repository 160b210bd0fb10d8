"""A search for tables that are too large for a full one, where the stages after it are what is measured."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np

from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.jaccard.slabs import map_slabs
from raydist.neighbours.search.backends import Search, SearchResult
from raydist.neighbours.search.lists import neighbour_lists
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import empty_lists
from raydist.types import Floats, Ints


def look_alike_search(look_alikes: Ints, options: SearchOptions = SearchOptions()) -> Search:
    """Among the rows that look alike, for tables that are too large for a full search.

    Args:
        look_alikes: int64 [N], one value for all rows of people who look alike.
        options: of the search; the threads work on one value each.
    """
    order = np.argsort(look_alikes, kind="stable")
    rows_of_values = np.split(order, np.flatnonzero(np.diff(look_alikes[order])) + 1)
    one_thread = replace(options, threads=1)

    def search(features: Floats, metric: Distance, group: Ints | None) -> SearchResult:
        whole = empty_lists(len(features), metric.num_within), empty_lists(len(features), metric.num_across)

        def fill(rows: Ints) -> int:
            lists, report = neighbour_lists(
                features[rows], num_within=metric.num_within, num_across=metric.num_across,
                group=None if group is None else group[rows], ids=rows, options=one_thread,
            )  # fmt: skip
            for table, values in zip(chain(*whole), chain(*lists), strict=True):
                table[rows, : values.shape[1]] = values
            return report.uncertified

        return whole, {"uncertified": sum(map_slabs(fill, rows_of_values, threads=options.threads))}

    return search
