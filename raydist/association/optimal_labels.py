"""Labels by optimal transport: rows go to clusters of another set, each of which takes a share of them.

OTLA (Wang et al., Optimal Transport for Label-Efficient Visible-Infrared Person Re-Identification, ECCV 2022)
labels one modality by the classes of the other so; DOTLA (Cheng et al., ACM MM 2023) does it both ways.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from raydist.association.sparse_rows import likeliest_column
from raydist.association.transport import sinkhorn
from raydist.types import NOISE, Doubles, Labels


def optimal_labels(
    similarity: csr_array,
    *,
    columns: Doubles,
    sharpness: float,
    num_iterations: int = 500,
    tolerance: float = 0.1,
) -> Labels:
    """The column that most of each row goes to, when every row gives the same and columns take their shares.

    The plan is diag(a) exp(-l D) diag(b) with D = 2 - 2 s, the squared distance of unit vectors; constants
    and what a row's distances share change nothing, so s / t of `raydist.association.transport.sinkhorn` is
    2 l s.

    Args:
        similarity: CSR [n, m], cosines s of rows and columns, at least one entry in every row unless m is 0.
        columns: [m] > 0, how much each column takes: equal numbers, or the sizes of clusters.
        sharpness: l > 0; the larger, the closer to an assignment of least total distance.
        num_iterations: rounds of the scaling at most.
        tolerance: of the scaling's end, see `raydist.association.transport.sinkhorn`; 0 for all rounds.

    Returns:
        int64 [n], columns; of equal shares the first. NOISE everywhere if there is no column.

    Raises:
        DataError: the shapes do not fit, a row has no entry, or a column takes nothing.
        ConfigError: the sharpness, the number of iterations or the tolerance is out of range.

    >>> s = csr_array(np.array([[0.9, 0.1], [0.8, 0.3]]))  # both rows are nearest to the first column
    >>> optimal_labels(s, columns=np.ones(2), sharpness=25.0)
    array([0, 1])
    """
    num_rows, num_columns = similarity.shape
    if num_rows == 0 or num_columns == 0:
        return np.full(num_rows, NOISE)
    plan = sinkhorn(
        similarity, rows=np.ones(num_rows), columns=columns, temperature=_temperature(sharpness),
        num_iterations=num_iterations, tolerance=tolerance,
    )  # fmt: skip
    return likeliest_column(plan)


def _temperature(sharpness: float) -> float:
    """t of s / t = 2 l s; a sharpness that is out of range gives a temperature that is."""
    return 0.5 / sharpness if sharpness > 0 else -1.0
