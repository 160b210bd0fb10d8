"""Tables in the order in which they are searched, group by group; blocks are cut where groups change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from raydist.errors import FeatureError
from raydist.neighbours.search.certified.ranking import FeatureRows
from raydist.types import Floats, Ints


@dataclass(frozen=True)
class Table:
    """Rows in the order in which they are searched.

    Attributes:
        features: float32 [N, D], contiguous.
        rows: int64 [n], the row of the features at each position.
        ids: int64 [n], what it is called in results.
        group: int64 [n], ascending.
    """

    features: Floats
    rows: Ints
    ids: Ints
    group: Ints

    @staticmethod
    def of(features: Floats, ids: Ints, group: Ints | None) -> Table:
        """All rows of a table, sorted by group; one group if there are none.

        Raises:
            FeatureError: not as many ids or groups as rows.
        """
        for name, column in (("ids", ids), ("groups", group)):
            if column is not None and len(column) != len(features):
                raise FeatureError(
                    f"{len(column)} {name} for {len(features)} features: one is needed for each row"
                )
        group = np.zeros(len(features), np.int64) if group is None else group
        rows = np.argsort(group, kind="stable")
        return Table(np.ascontiguousarray(features), rows, np.asarray(ids, np.int64)[rows], group[rows])

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def feature_rows(self) -> FeatureRows:
        """The features and their order, for the ranking kernels."""
        return FeatureRows(self.features, self.rows)

    def block(self, span: slice) -> Floats:
        """The features at consecutive positions; not copied if they are consecutive in the features."""
        rows = self.rows[span]
        if rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return self.features[rows[0] : rows[-1] + 1]
        return self.features[rows]

    def take(self, positions: Ints) -> Table:
        """The rows at some positions, ascending."""
        return Table(self.features, self.rows[positions], self.ids[positions], self.group[positions])


def spans(num_rows: int, step: int) -> Iterator[slice]:
    """Rows 0..N-1 in consecutive slices.

    >>> [(span.start, span.stop) for span in spans(5, 2)]
    [(0, 2), (2, 4), (4, 5)]
    """
    return (slice(start, min(start + step, num_rows)) for start in range(0, num_rows, step))


Part = tuple[int, int, int, int]
"""A part of a block: first and last + 1 row, first and last + 1 column."""


def same_group_parts(left: Ints, right: Ints) -> Iterator[tuple[Part, bool]]:
    """Cut a block into parts in which all pairs are of one group, or none is.

    Args:
        left: int64 [R] ascending, groups of the block's rows.
        right: int64 [C] ascending, groups of its columns.

    Yields:
        Each part, and whether its pairs are of one group.

    >>> for part in same_group_parts(np.array([0, 0, 1]), np.array([1, 1, 2])):
    ...     print(part)
    ((0, 2, 0, 3), False)
    ((2, 3, 0, 2), True)
    ((2, 3, 2, 3), False)
    """
    if left[0] == left[-1] == right[0] == right[-1]:
        yield (0, len(left), 0, len(right)), True
        return
    # groups below or above all groups of the columns become one: they need no parts of their own
    left = np.clip(left, right[0] - 1, right[-1] + 1)
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(left)) + 1, [len(left)])).tolist()
    for up, down in pairwise(bounds):
        begin, end = np.searchsorted(right, [left[up], left[up] + 1]).tolist()
        for first, last, same in ((0, begin, False), (begin, end, True), (end, len(right), False)):
            if first < last:
                yield (up, down, first, last), same
