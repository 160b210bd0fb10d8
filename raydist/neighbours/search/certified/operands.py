"""Tables as they are multiplied: centred, and with a bound on how far a score is from its similarity.

Scores are products of centred rows. With c_i = x_i - m for some vector m,

    x_i . x_j - m . m  =  c_i . c_j + o_i + o_j        where o_i = x_i . m - m . m,

and the rounding error of c_i . c_j is relative to |c_i| |c_j|. So rows that are all alike, as those of an
encoder that has learned little yet, are distinguished as well as any others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raydist.neighbours.search.certified.products import PreparedRows, Product
from raydist.neighbours.search.certified.tables import Table, spans
from raydist.neighbours.search.exact import exact_products
from raydist.types import Doubles, Floats

_SINGLE_ROUNDOFF = 2.0**-24
_DOUBLE_ROUNDOFF = 2.0**-53
_UNDERFLOW = 2.0**-100

_CENTRE_ROWS = 512
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Operand:
    """A table that is multiplied.

    Attributes:
        table: its rows.
        centre: float32 [D], the vector m.
        offset: float32 [n], the numbers o_i.
        length: float64 [n], at least the length of c_i in the form that is multiplied.
        error: float64 [n], at least the length of what c_i lost on the way to it.
        product: how it is multiplied.
        prepared: the centred rows in the form that is multiplied; None to prepare them a block at a time.
    """

    table: Table
    centre: Floats
    offset: Floats
    length: Doubles
    error: Doubles
    product: Product
    prepared: PreparedRows = None

    @staticmethod
    def of(table: Table, centre: Floats, product: Product, *, prepare_all: bool) -> Operand:
        """A table with its offsets and lengths measured.

        Args:
            table: its rows.
            centre: float32 [D].
            product: how it is multiplied.
            prepare_all: whether all rows are kept in the form that is multiplied.
        """
        num_rows, width = len(table), len(centre)
        offset, length, error = np.empty((num_rows, 1)), np.empty(num_rows), np.empty(num_rows)
        prepared: PreparedRows = product.allocate(num_rows, width) if prepare_all else None
        for span in spans(num_rows, _ROWS_AT_ONCE):
            exact_products(
                table.features, table.rows[span], centre[None], np.zeros(1, np.int64), offset[span]
            )
            centred = table.block(span) - centre
            block = product.prepare(centred)
            length[span] = np.sqrt(np.einsum("ij,ij->i", centred, centred))
            error[span] = product.rounding(centred, block)
            if prepare_all:
                prepared[span] = block
        error *= 1 + (width + 8) * 2 * _SINGLE_ROUNDOFF  # the lengths are float32 sums
        length *= 1 + (width + 8) * 2 * _SINGLE_ROUNDOFF
        offset -= float(centre.astype(np.float64) @ centre.astype(np.float64))
        return Operand(
            table, centre, offset[:, 0].astype(np.float32), length + error, error, product, prepared
        )

    def block(self, span: slice) -> PreparedRows:
        """The centred rows at consecutive positions, in the form that is multiplied."""
        if self.prepared is not None:
            return self.prepared[span]
        return self.product.prepare(self.table.block(span) - self.centre)

    def slack(self, other: Operand) -> Doubles:
        """float64 [n], how far the score of a row and any other row can be from their similarity - m . m.

        The similarity is the float64 number that ranks them. The parts are the product, the float32 offsets
        and sums, the float64 sums, and products too small for float32.
        """
        width = len(self.centre)
        longest, lost, largest = other.length.max(), other.error.max(), np.abs(other.offset).max()
        norm = float(np.linalg.norm(self.centre.astype(np.float64)))
        rounding = self.error * longest + self.length * lost
        product = (self.product.relative_error(width) + 2 * _SINGLE_ROUNDOFF) * self.length * longest
        offsets = 4 * _SINGLE_ROUNDOFF * (np.abs(self.offset) + largest)
        doubles = 4 * (width + 8) * _DOUBLE_ROUNDOFF * (self.length + norm) * (longest + norm)
        underflow = (width + 8) * _UNDERFLOW * (1 + self.length) * (1 + longest)
        return rounding + product + offsets + doubles + underflow


def centre_of(tables: Sequence[Table]) -> Floats:
    """About the mean row of some tables, from some hundred of their rows; any vector would be correct."""
    step = max(1, sum(len(table) for table in tables) // _CENTRE_ROWS)
    sample = np.concatenate([table.features[table.rows[::step]] for table in tables])
    return sample.mean(axis=0, dtype=np.float64).astype(np.float32)
