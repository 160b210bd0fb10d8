"""Ways to search for the neighbours that a Jaccard distance asks for, each with what is worth telling of the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from itertools import chain

import numpy as np

from raydist.errors import ConfigError
from raydist.neighbours.distance import DistanceSpec
from raydist.neighbours.ranked import GroupedLists, empty_lists
from raydist.neighbours.search import Precision, neighbour_lists
from raydist.neighbours.slabs import map_slabs
from raydist.randomness import stream
from raydist.types import Floats, Ints

Found = tuple[GroupedLists, Mapping[str, float]]
"""The lists of all rows, and figures: ``uncertified`` lists that were searched twice, or the ``recall``."""

Search = Callable[[Floats, DistanceSpec, Ints | None], Found]
"""(features [N, D], distance, group of each row or None) -> the neighbours within and across."""


def exact_search(*, threads: int, precision: Precision = "auto", memory_budget: int | None = None) -> Search:
    """Among all rows.

    Args:
        threads: see `neighbour_lists`; so are the others.
        precision: of the products.
        memory_budget: bytes above the features.
    """

    def search(features: Floats, metric: DistanceSpec, group: Ints | None) -> Found:
        lists, report = neighbour_lists(
            features, num_within=metric.num_within, num_across=metric.num_across, group=group,
            precision=precision, threads=threads, memory_budget=memory_budget,
        )  # fmt: skip
        return lists, {"uncertified": report.uncertified}

    return search


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


def approximate_search(*, threads: int, num_probes: int, seed: int = 0) -> Search:
    """In an inverted file of k-means cells, most of the nearest are found.

    Args:
        threads: see `approximate_lists`.
        num_probes: cells that a row looks into.
        seed: of k-means, and of the rows whose recall is measured.

    Raises:
        ConfigError: faiss is not installed.
    """
    if find_spec("faiss") is None:
        raise ConfigError("the search ivf needs faiss, which is not installed: install raydist[cpu], or take exact")
    from raydist.neighbours.approximate import approximate_lists

    def search(features: Floats, metric: DistanceSpec, group: Ints | None) -> Found:
        lists, recall = approximate_lists(
            features, num_within=metric.num_within, num_across=metric.num_across, group=group,
            num_probes=num_probes, rng=stream(seed, "ivf"), threads=threads,
        )  # fmt: skip
        return lists, {"recall": recall}

    return search
