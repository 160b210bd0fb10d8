import numpy as np
import pytest

from raydist.methods.hil.transmission import transmit
from raydist.types import NOISE, Modality


@pytest.mark.parametrize("source", list(Modality))
@pytest.mark.parametrize("threshold", [0.0, 0.7, 0.95, 1.0])
def test_a_label_crosses_where_sample_and_prototype_choose_each_other(people_of_branches, source, threshold):
    means, (table,), clusters = people_of_branches(3, 1)
    rows, own, doubles = clusters.rows[source.other], clusters.labels(source), table.astype(np.float64)
    prototypes = [doubles[own == c].mean(axis=0) for c in range(12)]
    cosine = doubles[rows] @ np.stack([p / np.linalg.norm(p) for p in prototypes]).T
    chosen = cosine.argmax(axis=1)
    near = cosine.max(axis=1) >= threshold * cosine.max(axis=0)[chosen] - 1e-6 * (threshold == 1)
    wanted = np.where(near & (clusters.of[source.other].labels != NOISE), chosen, NOISE)
    labels = transmit(means, clusters, source, threshold=threshold)
    assert labels[source.other][rows].tolist() == wanted.tolist()
    assert labels[source].tolist() == own.tolist()
