"""The prototypes that tracklets look at, as sparse rows: a few, so that no table of all pairs is made."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from raydist.association.sparse_rows import listed_rows
from raydist.methods.epoch_features import EpochFeatures
from raydist.neighbours.search.lists import shard_topk
from raydist.types import Floats


def nearest_prototypes(
    means: EpochFeatures, asked: NDArray[np.bool_], prototypes: Floats, *, number: int | None
) -> csr_array:
    """float32 CSR [n, C]: the similarities of the n rows that are asked for to their nearest prototypes.

    Args:
        means: [N, 1, D], unit rows.
        asked: bool [N].
        prototypes: float32 [C, D], C >= 1.
        number: how many each row looks at; all where there are fewer, or with None.

    Returns:
        In each row min(number, C) entries, the most similar first.
    """
    number = len(prototypes) if number is None else number
    looked_at = means.measure(partial(_nearest, prototypes=prototypes, number=number), asked)
    return listed_rows(looked_at[:, 0], looked_at[:, 1], len(prototypes))


def _nearest(means: Floats, asked: NDArray[np.bool_], *, prototypes: Floats, number: int) -> Floats:
    """Numbers and similarities, float32 [a, 2, g], of the rows that are asked for."""
    ids = np.arange(len(prototypes))
    return np.stack(
        shard_topk(means[asked, 0], prototypes, k=number, shard_ids=ids), axis=1, dtype=np.float32
    )
