"""Tables as a search sees them: group by group, centred, and with bounds on how far a score is from its similarity.

Scores are products of centred rows. With c_i = x_i - m for some vector m,

    x_i . x_j - m . m  =  c_i . c_j + o_i + o_j        where o_i = x_i . m - m . m,

and the rounding error of c_i . c_j is relative to |c_i| |c_j|. So rows that are all alike, as those of an encoder that
has learned little yet, are told apart as well as any others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from raydist.errors import FeatureError
from raydist.neighbours.search.exact import exact_products
from raydist.neighbours.search.products import Product
from raydist.types import Doubles, Floats, Ints

_SINGLE_ROUNDOFF = 2.0**-24
_DOUBLE_ROUNDOFF = 2.0**-53
_UNDERFLOW = 2.0**-100

_CENTRE_ROWS = 512
_STEP = 1024


@dataclass(frozen=True)
class Table:
    """Rows in the order in which they are searched.

    Attributes:
        features: float32 [N, D], contiguous.
        rows: int64 [n], which row of the features stands at each place.
        ids: int64 [n], what it is called.
        group: int64 [n], ascending.
    """

    features: Floats
    rows: Ints
    ids: Ints
    group: Ints

    @staticmethod
    def of(features: Floats, ids: Ints, group: Ints | None) -> Table:
        """All rows of a table, by group; one group if there are none.

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

    def block(self, span: slice) -> Floats:
        """The features at consecutive places; not copied if they are consecutive in the table."""
        rows = self.rows[span]
        if rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return self.features[rows[0] : rows[-1] + 1]
        return self.features[rows]

    def take(self, places: Ints) -> Table:
        """The rows at some places, ascending."""
        return Table(self.features, self.rows[places], self.ids[places], self.group[places])


@dataclass(frozen=True)
class Operand:
    """A table that is multiplied.

    Attributes:
        table: its rows.
        centre: float32 [D], the vector m.
        offset: float32 [n], the numbers o_i.
        length: float64 [n], at least the length of c_i in that form.
        error: float64 [n], at least the length of what c_i lost on the way to it.
        product: how it is multiplied.
        held: the centred rows in the form that is multiplied; None to make them a block at a time.
    """

    table: Table
    centre: Floats
    offset: Floats
    length: Doubles
    error: Doubles
    product: Product
    held: Any = None

    @staticmethod
    def of(table: Table, centre: Floats, product: Product, *, hold: bool) -> Operand:
        """A table with its offsets and lengths measured."""
        num_rows, width = len(table), len(centre)
        offset, length, error = np.empty((num_rows, 1)), np.empty(num_rows), np.empty(num_rows)
        held: Any = product.room(num_rows, width) if hold else None
        for span in spans(num_rows, _STEP):
            exact_products(
                table.features, table.rows[span], centre[None], np.zeros(1, np.int64), offset[span]
            )
            centred = table.block(span) - centre
            prepared = product.prepare(centred)
            length[span] = np.sqrt(np.einsum("ij,ij->i", centred, centred))
            error[span] = product.rounding(centred, prepared)
            if hold:
                held[span] = prepared
        error *= 1 + (width + 8) * 2 * _SINGLE_ROUNDOFF  # the lengths are float32 sums
        length *= 1 + (width + 8) * 2 * _SINGLE_ROUNDOFF
        offset -= float(centre.astype(np.float64) @ centre.astype(np.float64))
        return Operand(table, centre, offset[:, 0].astype(np.float32), length + error, error, product, held)

    def block(self, span: slice) -> Any:
        """The centred rows of some places, in the form that is multiplied."""
        if self.held is not None:
            return self.held[span]
        return self.product.prepare(self.table.block(span) - self.centre)

    def slack(self, other: Operand) -> Doubles:
        """How far each row's score with a row of another table can be from their similarity minus m . m; float64 [n].

        The similarity is the float64 number that ranks them. The parts are the product, the float32 offsets and sums,
        the float64 sums, and products too small for float32.
        """
        width = len(self.centre)
        longest, lost, farthest = other.length.max(), other.error.max(), np.abs(other.offset).max()
        norm = float(np.linalg.norm(self.centre.astype(np.float64)))
        rounding = self.error * longest + self.length * lost
        product = (self.product.relative_error(width) + 2 * _SINGLE_ROUNDOFF) * self.length * longest
        offsets = 4 * _SINGLE_ROUNDOFF * (np.abs(self.offset) + farthest)
        doubles = 4 * (width + 8) * _DOUBLE_ROUNDOFF * (self.length + norm) * (longest + norm)
        underflow = (width + 8) * _UNDERFLOW * (1 + self.length) * (1 + longest)
        return rounding + product + offsets + doubles + underflow


def centre_of(tables: Sequence[Table]) -> Floats:
    """About the mean row of some tables; any vector would do, and some hundred rows tell this one."""
    step = max(1, sum(len(table) for table in tables) // _CENTRE_ROWS)
    sample = np.concatenate([table.features[table.rows[::step]] for table in tables])
    return sample.mean(axis=0, dtype=np.float64).astype(np.float32)


def spans(num_rows: int, step: int) -> Iterator[slice]:
    """Rows 0..N-1 in consecutive slices.

    >>> [(span.start, span.stop) for span in spans(5, 2)]
    [(0, 2), (2, 4), (4, 5)]
    """
    return (slice(start, min(start + step, num_rows)) for start in range(0, num_rows, step))


def same_group_parts(left: Ints, right: Ints) -> Iterator[tuple[tuple[int, int, int, int], bool]]:
    """Cut a block into parts in which all pairs are of one group, or none is.

    Args:
        left: int64 [R] ascending, groups of the block's rows.
        right: int64 [C] ascending, groups of its columns.

    Yields:
        First and last + 1 row, first and last + 1 column, and whether the groups are the same.

    >>> for part in same_group_parts(np.array([0, 0, 1]), np.array([1, 1, 2])):
    ...     print(part)
    ((0, 2, 0, 3), False)
    ((2, 3, 0, 2), True)
    ((2, 3, 2, 3), False)
    """
    if left[0] == left[-1] == right[0] == right[-1]:
        yield (0, len(left), 0, len(right)), True
        return
    left = np.clip(
        left, right[0] - 1, right[-1] + 1
    )  # groups that are not in the columns need no part of their own
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(left)) + 1, [len(left)])).tolist()
    for up, down in pairwise(bounds):
        begin, end = np.searchsorted(right, [left[up], left[up] + 1]).tolist()
        for first, last, same in ((0, begin, False), (begin, end, True), (end, len(right), False)):
            if first < last:
                yield (up, down, first, last), same
