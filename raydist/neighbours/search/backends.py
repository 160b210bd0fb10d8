"""Searches as a Jaccard distance calls them: exact, or approximate by an inverted file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.search.lists import neighbour_lists
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import GroupedLists
from raydist.neighbours.search.raw import lists_by_distance
from raydist.neighbours.search.rows import Rows
from raydist.types import Floats, Ints

SearchResult = tuple[GroupedLists, Mapping[str, float]]
"""The lists of all rows, and counts by name: how many lists were ``uncertified`` and searched twice, or the
``recall``."""

Search = Callable[[Floats, Distance, Ints | None], SearchResult]
"""(features [N, D], distance, group of each row or None) -> the neighbours within and across."""


def exact_search(options: SearchOptions = SearchOptions()) -> Search:
    """The exact neighbours among all rows.

    Args:
        options: of `neighbour_lists`.
    """

    def search(features: Floats, metric: Distance, group: Ints | None) -> SearchResult:
        within, across = metric.num_within, metric.num_across
        if metric.ranking == "distance":
            rows = Rows(features, group=group)
            return lists_by_distance(rows, rows, num_within=within, num_across=across, options=options), {}
        lists, report = neighbour_lists(
            features, num_within=within, num_across=across, group=group, options=options
        )
        return lists, {"uncertified": report.uncertified}

    return search


def approximate_search(*, threads: int, num_probes: int, rng: np.random.Generator) -> Search:
    """Most of the nearest neighbours, by an inverted file of k-means cells.

    Args:
        threads: how many threads faiss may use.
        num_probes: cells that a row looks into.
        rng: draws the start of k-means, and the rows whose recall is measured.

    Raises:
        ConfigError: faiss is not installed.
    """
    if find_spec("faiss") is None:
        raise ConfigError(
            "the search ivf needs faiss, which is not installed: install raydist[cpu], or take exact"
        )
    from raydist.neighbours.search.approximate import InvertedFile, approximate_lists

    def search(features: Floats, metric: Distance, group: Ints | None) -> SearchResult:
        if metric.ranking != "unit":
            raise ConfigError(
                "the search ivf ranks features of unit length: with renormalise = False take exact"
            )
        lists, recall = approximate_lists(
            features, num_within=metric.num_within, num_across=metric.num_across, group=group,
            index=InvertedFile(num_probes=num_probes), rng=rng, threads=threads,
        )  # fmt: skip
        return lists, {"recall": recall}

    return search
