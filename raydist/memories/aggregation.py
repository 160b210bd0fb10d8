"""Cross-modality memory aggregation, CMA: prototypes drawn to their partners of the other modality.

ADCA (Yang et al., ACM MM 2022).
"""

from __future__ import annotations

import numpy as np

from raydist.types import Floats, Ints, unit_rows


def blend_partners(
    prototypes: Floats, others: Floats, partners: Ints, *, blend: float, renormalise: bool = False
) -> Floats:
    """Every prototype with a share of its partner's: M_a <- (1 - blend) M_a + blend N_b, b the partner of a.

    Args:
        prototypes: M, float32 [C, D] unit rows.
        others: N, float32 [C', D] unit rows.
        partners: int64 [C], the partner of each prototype, negative for none, which stays as it is.
        blend: share of the partner, 0 to 1.
        renormalise: whether a blended row gets unit length again; else it is shorter, the more so the less
            alike both are.

    Returns:
        float32 [C, D], a new table.

    >>> x = np.eye(2, dtype=np.float32)
    >>> blend_partners(x, x, np.array([1, -1]), blend=0.75).tolist()
    [[0.25, 0.75], [0.0, 1.0]]
    """
    blended, rows = prototypes.copy(), np.flatnonzero(partners >= 0)
    moved = (1 - blend) * prototypes[rows] + blend * others[partners[rows]]
    blended[rows] = unit_rows(moved) if renormalise else moved
    return blended
