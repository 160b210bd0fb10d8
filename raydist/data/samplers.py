"""Plans of batches as arrays of row numbers: labels in, *global* batches out; a rank takes its slice.

A plan is a function of its arguments and its generator alone, so it is the same on every rank. Both plans
deal from one deck after another: each deck holds everything once, shuffled, and is used up before the next,
so nothing is seen twice while something else waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.errors import ClusteringError, DataError
from raydist.types import NOISE, Ints, Labels


def identity_batches(
    labels: Labels,
    *,
    num_identities: int,
    num_instances: int,
    iterations: int,
    rng: np.random.Generator,
    groups: NDArray[Any] | None = None,
) -> Ints:
    """P x K batches: P clusters of K instances (Dai et al., Cluster Contrast, 2021).

    The clusters of a batch are distinct; if there are fewer than P, all occur as often as fits and the rest
    once more. Of a cluster, one instance is drawn, and then K-1 from other groups than its own (from the same
    group if the cluster knows no other), without repetition where there are that many; a cluster of one row
    yields it K times. Rows of `NOISE` are never drawn.

    Args:
        labels: int64 [N].
        num_identities: P.
        num_instances: K.
        iterations: batches.
        rng: where chance comes from.
        groups: [N], such as the camera of each row; None for no preference.

    Returns:
        int64 [iterations, P*K] rows, the K of a cluster beside each other.

    Raises:
        ClusteringError: all rows are noise.

    >>> rng = np.random.default_rng(0)
    >>> labels = np.array([0, 0, 1, -1])
    >>> rows = identity_batches(labels, num_identities=2, num_instances=2, iterations=1, rng=rng)
    >>> sorted(rows[0].tolist())
    [0, 1, 2, 2]
    """
    members = rows_by_label(labels)
    if not members:
        raise ClusteringError(f"no cluster to draw from: all {len(labels)} rows are noise")
    clusters = np.array(list(members))
    drawn = _deal(lambda: rng.permutation(clusters), num_each=num_identities, iterations=iterations)
    batches = [
        [draw_instances(members[cluster], num_instances, rng=rng, groups=groups) for cluster in batch]
        for batch in drawn
    ]
    return np.array(batches, np.int64).reshape(iterations, num_identities * num_instances)


def rows_by_label(labels: Labels) -> dict[int, Ints]:
    """The rows of each cluster, upwards, by one sort of all labels; noise is left out.

    Args:
        labels: int64 [N].

    >>> rows_by_label(np.array([7, 2, -1, 7]))
    {2: array([1]), 7: array([0, 3])}
    """
    order = np.argsort(labels, kind="stable")
    order = order[labels[order] != NOISE]
    clusters, starts = np.unique(labels[order], return_index=True)
    return dict(zip(clusters.tolist(), np.split(order, starts[1:]), strict=True)) if len(order) else {}


def draw_instances(
    members: Ints, num_instances: int, *, rng: np.random.Generator, groups: NDArray[Any] | None
) -> Ints:
    """K rows of one cluster: an anchor, then rows of other groups if there are any; see `identity_batches`.

    Args:
        members: int64 [n], the rows of the cluster; n >= 1.
        num_instances: K.
        rng: where chance comes from.
        groups: [N], such as the camera of each row; None for no preference.

    Returns:
        int64 [K], the anchor first.
    """
    anchor = rng.choice(members)
    others = members[members != anchor]
    if groups is not None:
        other_cameras = others[groups[others] != groups[anchor]]
        others = other_cameras if other_cameras.size else others
    if not others.size:
        return np.full(num_instances, anchor)
    more = rng.choice(others, num_instances - 1, replace=len(others) < num_instances - 1)
    return np.concatenate([[anchor], more])


def tracklet_batches(
    view: Ints, *, batch: int, iterations: int, rng: np.random.Generator, views_per_batch: int = 4
) -> Ints:
    """Batches of distinct tracklets, several of each view.

    So each tracklet meets negatives of its own view.

    Every row is seen equally often, give or take one. If there are fewer rows than a batch holds, all occur
    as often as fits and the rest once more.

    Args:
        view: int64 [N], the view (modality and camera) of each tracklet.
        batch: tracklets a batch.
        iterations: batches.
        rng: where chance comes from.
        views_per_batch: about how many views share a batch; the tracklets of a view come in runs of
            about batch / views_per_batch.

    Returns:
        int64 [iterations, batch] rows.

    Raises:
        DataError: there is no tracklet.
    """
    if not view.size:
        raise DataError("no tracklet to draw from: the table is empty")
    run = max(1, batch // views_per_batch)
    return _deal(lambda: _view_runs(view, run=run, rng=rng), num_each=batch, iterations=iterations)


def _deal(new_deck: Callable[[], Ints], *, num_each: int, iterations: int) -> Ints:
    """Deal hands of `num_each` cards from one deck after another, int64 [iterations, num_each].

    A hand holds no card twice unless the deck is smaller than a hand; then it opens with the whole deck as
    often as that fits.
    """
    deck = new_deck()
    whole, rest = divmod(num_each, len(deck))
    hands = []
    for _ in range(iterations):
        hand, deck = deck[:rest], deck[rest:]
        if len(hand) < rest:
            deck = new_deck()
            fresh = np.flatnonzero(~np.isin(deck, hand))[: rest - len(hand)]
            hand, deck = np.concatenate([hand, deck[fresh]]), np.delete(deck, fresh)
        hands.append(np.concatenate([*(new_deck() for _ in range(whole)), hand]))
    return np.array(hands, np.int64).reshape(iterations, num_each)


def _view_runs(view: Ints, *, run: int, rng: np.random.Generator) -> Ints:
    """All rows, shuffled within views, in evenly spread runs of about `run` rows of one view."""
    runs: list[Ints] = []
    places: list[float] = []
    for one in np.unique(view):
        rows = rng.permutation(np.flatnonzero(view == one))
        pieces = np.array_split(rows, -(-len(rows) // run))
        runs += pieces
        places += list((np.arange(len(pieces)) + rng.random(len(pieces))) / len(pieces))
    return np.concatenate([runs[i] for i in np.argsort(places)])
