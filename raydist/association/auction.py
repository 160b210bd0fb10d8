"""The assignment of largest total value without a table of all pairs: bidders raise the prices of objects.

Bertsekas and Castañon, "A Forward/Reverse Auction Algorithm for Asymmetric Assignment Problems",
Computational Optimization and Applications 1, 1992; all bidders bid at once.

A bidder looks at all objects, writes down the few that are worth most to it, and looks again only when one
that it did not write down may be worth more. Prices only rise, so what is not on its list is never worth more
than it was then; lists change the time that an auction takes, not its outcome.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from raydist.types import Doubles, Ints

FREE = -1
"""An object without an owner."""

LISTED = 32
"""Objects on the list of a bidder."""

VALUES_AT_ONCE = 1 << 18
"""Values of pairs that are in memory together, 2 MB, and a few tables of this size besides."""

Values = Callable[[Ints], Doubles]
"""From the numbers of n bidders to float64 [n, O], what each object is worth to each of them."""


def auction(values: Values, num_bidders: int, num_objects: int, *, step: float = 1e-4) -> Ints:
    """An object for every bidder; the total value is at most ``num_bidders * step`` below the largest one.

    Memory is that of the lists, 16 bytes x 32 a bidder. The outcome depends on nothing but the values.

    Args:
        values: finite; asked for a few bidders at once, and for the same bidder again.
        num_bidders: B, at most `num_objects`.
        num_objects: O.
        step: the least by which a bid raises a price, in the unit of the values; above 0.

    Returns:
        int64 [B], different objects.

    Raises:
        ValueError: there are fewer objects than bidders.

    >>> table = np.array([[3.0, 2.0, 0.0], [3.0, 1.0, 0.0]])
    >>> auction(lambda bidders: table[bidders], 2, 3).tolist()
    [1, 0]
    """
    if num_objects < num_bidders:
        raise ValueError(f"{num_bidders} bidders for {num_objects} objects: every bidder must get one")
    lists = _Lists(values, num_bidders, num_objects)
    prices, owners = np.zeros(num_objects), np.full(num_objects, FREE)
    bidding = np.arange(num_bidders)
    while bidding.size:
        objects, bids = lists.bids(bidding, prices, step)
        wins = _highest(objects, bids)
        won = objects[wins]
        outbid = owners[won]
        owners[won], prices[won] = bidding[wins], bids[wins]
        bidding = np.concatenate([np.delete(bidding, wins), outbid[outbid != FREE]])
    return np.argsort(owners, kind="stable")[num_objects - num_bidders :]


def _highest(objects: Ints, bids: Doubles) -> Ints:
    """Where the highest bid for each object is; of equal ones the first."""
    order = np.lexsort((np.arange(len(bids)), -bids, objects))
    is_first = np.diff(objects[order], prepend=FREE) != 0
    first: Ints = order[is_first]
    return first


class _Lists:
    """What each bidder has written down.

    Args:
        values: see `auction`.
        num_bidders: B.
        num_objects: O.
    """

    def __init__(self, values: Values, num_bidders: int, num_objects: int) -> None:
        self._values = values
        self._at_once = max(1, VALUES_AT_ONCE // max(1, num_objects))
        self._objects = np.zeros((num_bidders, min(LISTED, num_objects)), np.int64)
        self._worth = np.full(self._objects.shape, -np.inf)  # so that everyone looks first
        # No object that is not on the list is worth more than this, less its price.
        self._others = np.full(num_bidders, np.inf)

    def bids(self, bidders: Ints, prices: Doubles, step: float) -> tuple[Ints, Doubles]:
        """For each bidder the object that is worth most to it, and the price up to which that stays so."""
        net = self._net(bidders, prices)
        looks_again = net.max(axis=1) < self._others[bidders]
        if looks_again.any():
            self._look(bidders[looks_again], prices)
            net[looks_again] = self._net(bidders[looks_again], prices)
        rows, best = np.arange(len(bidders)), net.argmax(axis=1)
        most = net[rows, best]
        net[rows, best] = -np.inf
        second = np.maximum(net.max(axis=1), self._others[bidders])
        objects = self._objects[bidders, best]
        return objects, prices[objects] + np.where(np.isfinite(second), most - second, 0) + step

    def _net(self, bidders: Ints, prices: Doubles) -> Doubles:
        """What the listed objects are worth less their prices, one row a bidder."""
        net: Doubles = self._worth[bidders] - prices[self._objects[bidders]]
        return net

    def _look(self, bidders: Ints, prices: Doubles) -> None:
        """Write new lists for some bidders."""
        for start in range(0, len(bidders), self._at_once):
            some = bidders[start : start + self._at_once]
            worth = self._values(some)
            net = worth - prices
            is_listed = _is_among_largest(net, self._objects.shape[1])
            self._objects[some] = np.nonzero(is_listed)[1].reshape(len(some), -1)
            self._worth[some] = worth[is_listed].reshape(len(some), -1)
            self._others[some] = np.where(is_listed, -np.inf, net).max(axis=1)


def _is_among_largest(table: Doubles, count: int) -> NDArray[np.bool_]:
    """Which `count` values of each row are its largest; of equal ones any."""
    chosen = np.argpartition(table, table.shape[1] - count, axis=1)[:, table.shape[1] - count :]
    is_chosen = np.zeros(table.shape, bool)
    np.put_along_axis(is_chosen, chosen, True, axis=1)
    return is_chosen
