"""The whole way from features to the sparse graph of small Jaccard distances, in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.distance import Distance, join_lists
from raydist.neighbours.jaccard.edges import Edges, jaccard_edges
from raydist.neighbours.jaccard.locality import local_order
from raydist.neighbours.jaccard.ranked_lists import RankedLists
from raydist.neighbours.jaccard.reciprocal import expand_rows, mutual_ranks, reciprocal_sets, v_rows
from raydist.neighbours.jaccard.slabs import row_slabs, stack_rows
from raydist.neighbours.search.backends import Search, exact_search
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import GroupedLists, merge_topk
from raydist.neighbours.search.raw import check_lengths
from raydist.types import Floats, Ints, check_features

Watch = Callable[[str], AbstractContextManager[object]]
"""Stage name -> context manager around the stage: a clock, a progress bar, `nullcontext`."""


def merge_lists(parts: Sequence[GroupedLists], spec: Distance) -> GroupedLists:
    """The neighbours of some rows in all shards, out of those in each."""
    within, across = zip(*parts, strict=True)
    return merge_topk(within, k=spec.num_within), merge_topk(across, k=spec.num_across)


@dataclass(frozen=True)
class Graph:
    """The graph of small distances, and how much was in between.

    Attributes:
        edges: the pairs.
        v_entries, expanded_entries: stored values of V before and after query expansion.
        searched: what the search tells of itself, such as ``recall``.
    """

    edges: Edges
    v_entries: int
    expanded_entries: int
    searched: Mapping[str, float]


def jaccard_graph(
    features: Floats,
    spec: Distance,
    group: NDArray[np.generic] | None = None,
    *,
    eps_max: float = 0.8,
    search: Search | None = None,
    num_slabs: int = 1,
    threads: int = 1,
    watch: Watch = nullcontext,
) -> Graph:
    """The graph of small Jaccard distances, in one process, step by step as shards compute it.

    The stages are ``search``, ``encode`` (sets and V), ``expand`` and ``edges``. Those after the search work
    on rows in `local_order`, which changes the time and never the result.

    Args:
        features: float32 [N, D], rows of unit length, or up to 1 where ``spec.ranking`` allows it.
        spec: the distance.
        group: [N] of any sortable type, the camera or the modality of each row, whichever ``spec.group``
            names; not looked at where it names none.
        eps_max: see `jaccard_edges`.
        search: how neighbours are searched; None is the exact search.
        num_slabs: into how many slabs the rows are cut, each computed as a shard would; never changes the
            result.
        threads: how many work at once; changes the time, never the result.
        watch: surrounds each stage, called with its name.

    Raises:
        FeatureError: a value is not finite, or a row does not have the length that it should.
        ConfigError: the distance needs groups that are not given, or eps_max is out of range.

    >>> from raydist.neighbours.jaccard.plain import PlainJaccard
    >>> x = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> edges = jaccard_graph(x, PlainJaccard(k1=2, k2=1), eps_max=0.6).edges
    >>> edges.i.tolist(), edges.j.tolist(), edges.distance.tolist()
    ([0], [1], [0.0])
    """
    squares = None
    if spec.ranking == "unit":
        check_features(features)
    else:
        squares = check_lengths(features)
    numbers = _numbered_groups(spec, group, len(features))
    slabs = row_slabs(len(features), num_slabs)
    with watch("search"):
        search = search or exact_search(SearchOptions(threads=threads))
        neighbours, searched = search(features, spec, numbers)
        lists = join_lists(spec, [np.arange(len(features))], [neighbours], squares)
        del neighbours
    with watch("encode"):
        order = local_order(lists.ids)
        lists = lists.renumbered(order)
        v = _encoded(lists, features, order, spec.half, slabs, threads)
        lists, v_entries = lists.for_expansion(), v.nnz
    with watch("expand"):
        v = stack_rows([expand_rows(rows, lists, v, threads=threads) for rows in slabs])
        expanded_entries = v.nnz
        del lists
    with watch("edges"):
        inverted = v.tocsc()
        parts = [
            jaccard_edges(rows, v, eps_max=eps_max, inverted=inverted, threads=threads) for rows in slabs
        ]
        del v, inverted
        return Graph(Edges.join(parts).renamed(order), v_entries, expanded_entries, searched)


def _encoded(
    lists: RankedLists, features: Floats, order: Ints, half: int, slabs: list[Ints], threads: int
) -> csr_array:
    """V of all rows before expansion, where the row r of the lists has the feature ``order[r]``."""
    mutual = np.concatenate([mutual_ranks(rows, lists, threads=threads) for rows in slabs])
    sets = [reciprocal_sets(rows, lists, mutual, half=half, threads=threads) for rows in slabs]
    parts = zip(sets, slabs, strict=True)
    return stack_rows([v_rows(part, rows, features, places=order, threads=threads) for part, rows in parts])


def _numbered_groups(spec: Distance, group: NDArray[np.generic] | None, num_rows: int) -> Ints | None:
    if spec.group is None:
        return None
    if group is None or len(group) != num_rows:
        given = "none" if group is None else f"{len(group)} values"
        raise ConfigError(
            f"the {spec.name} distance needs the {spec.group} of each of {num_rows} rows: {given} given"
        )
    return np.unique(group, return_inverse=True)[1].astype(np.int64)
