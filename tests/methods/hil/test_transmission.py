import numpy as np
import pytest
import torch

from raydist.clustering.spec import Clustering
from raydist.errors import ClusteringError
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.hil.transmission import rank
from raydist.types import NOISE, Modality


def test_where_noise_wins_everywhere_the_error_says_what_to_do(two_branches, deep_and_shallow):
    x = deep_and_shallow.copy()
    x[7:9] = x[10:12] = np.roll(x[6:7], 1, axis=-1)
    clusters = ModalityClusters(
        {
            Modality.VISIBLE: Clustering(np.array([0, 0, 0, 1, 1, 1]), 2),
            Modality.INFRARED: Clustering(np.array([NOISE] * 5 + [0]), 1),
        },
        {m: two_branches.rows(m) for m in Modality},
    )
    parts = [torch.from_numpy(x[:, 0, :4]), torch.from_numpy(x[:, 0, 4:])]
    parts = [torch.nn.functional.normalize(part, dim=1) for part in parts]
    with pytest.raises(
        ClusteringError, match=r"no clustered visible tracklet .* method.baseline.ranking = 6"
    ):
        rank(parts, clusters, num_neighbours=6, num_voters=5)
