"""The hybrid memory: a mean and a hard prototype of each cluster.

RPNR (Yin et al., ACM MM 2024); BMIL (AAAI 2026).

C clusters have 2C unit rows: row c moves by the batch mean of cluster c, row C + c by its hardest sample.
The update changes the rows in place and outside autograd: call it after a successful optimizer step.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from raydist.errors import ClusteringError
from raydist.memories.centroids import update_centroids, update_hardest
from raydist.memories.rows import move_rows
from raydist.types import Floats


def hybrid_memory(centroids: Floats) -> Floats:
    """A memory that starts with both rows of a cluster at its normalised mean.

    Args:
        centroids: float32 [C, D] unit rows.

    Returns:
        float32 [2C, D].

    >>> hybrid_memory(np.float32([[0, 1], [1, 0]])).tolist()
    [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    return np.tile(centroids, (2, 1))


def halves(memory: Tensor) -> tuple[Tensor, Tensor]:
    """The mean rows and the hard rows of a memory, as views into it.

    Args:
        memory: [2C, D].

    Returns:
        Two [C, D].

    Raises:
        ClusteringError: the number of rows is odd.
    """
    half, odd = divmod(len(memory), 2)
    if odd:
        raise ClusteringError(
            f"a hybrid memory of {len(memory)} rows: it has two rows a cluster; make it by hybrid_memory"
        )
    return memory[:half], memory[half:]


@torch.no_grad()
def update_hybrid(memory: Tensor, features: Tensor, labels: Tensor, *, momentum: float) -> None:
    """Move both rows of each cluster of a batch.

    With M_c the mean row and x_h the sample of the cluster that is least similar to M_c, of equal ones the
    first: M_c <- norm(momentum M_c + (1 - momentum) mean x) and M_{C+c} <- norm(momentum M_{C+c} + (1 -
    momentum) x_h).

    Args:
        memory: [2C, D] unit rows, changed in place.
        features: [B, D], of any length; their directions x count. The batch of all workers.
        labels: int64 [B], noise left out.
        momentum: share of the old rows, 0 to 1.

    >>> memory = torch.from_numpy(hybrid_memory(np.eye(2, dtype=np.float32)))
    >>> update_hybrid(memory, torch.tensor([[0.0, 3.0]]), torch.tensor([0]), momentum=0.0)
    >>> memory[[0, 2]]
    tensor([[0., 1.],
            [0., 1.]])
    """
    mean, hard = halves(memory)
    hardest = mean.clone()
    update_hardest(hardest, features, labels, momentum=0.0)  # the hardest sample itself
    moved = labels[labels >= 0].unique()
    move_rows(hard, moved, hardest[moved], momentum=momentum)
    update_centroids(mean, features, labels, momentum=momentum)
