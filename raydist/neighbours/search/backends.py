"""Ways to search for the neighbours that a Jaccard distance asks for, each with what is worth telling of the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.distances import DistanceSpec
from raydist.neighbours.search.lists import Precision, neighbour_lists
from raydist.neighbours.search.ranked import GroupedLists
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


def approximate_search(*, threads: int, num_probes: int, rng: np.random.Generator) -> Search:
    """In an inverted file of k-means cells, most of the nearest are found.

    Args:
        threads: see `approximate_lists`.
        num_probes: cells that a row looks into.
        rng: draws the start of k-means, and the rows whose recall is measured.

    Raises:
        ConfigError: faiss is not installed.
    """
    if find_spec("faiss") is None:
        raise ConfigError(
            "the search ivf needs faiss, which is not installed: install raydist[cpu], or take exact"
        )
    from raydist.neighbours.search.approximate import approximate_lists

    def search(features: Floats, metric: DistanceSpec, group: Ints | None) -> Found:
        lists, recall = approximate_lists(
            features, num_within=metric.num_within, num_across=metric.num_across, group=group,
            num_probes=num_probes, rng=rng, threads=threads,
        )  # fmt: skip
        return lists, {"recall": recall}

    return search
