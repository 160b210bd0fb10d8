import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.engine.checkpoint import flatten_targets
from raydist.engine.checkpoint_content import read_targets
from raydist.methods.method import Targets


def test_targets_come_back_with_their_sparse_matrices():
    matrix = csr_array(np.array([[0, 2.0], [0, 0]]))
    targets = Targets(
        np.array([0, -1]), {"a": np.arange(3), "s": matrix}, {"m": np.eye(2, dtype=np.float32)}, {"f": 0.5}
    )
    back = read_targets(flatten_targets(targets), {"f": 0.5})
    assert np.array_equal(back.labels, targets.labels)
    assert np.array_equal(back.arrays["a"], np.arange(3))
    assert (back.arrays["s"] != matrix).nnz == 0
    assert np.array_equal(back.memories["m"], np.eye(2))
    assert back.metrics == {"f": 0.5}


@pytest.mark.parametrize("clustered", [None, np.array([True, False])])
def test_targets_come_back_with_the_rows_that_were_clustered(clustered):
    back = read_targets(flatten_targets(Targets(np.array([0, -1]), clustered=clustered)), {})
    assert (back.clustered is None) == (clustered is None)
    assert back.clustered_rows.tolist() == [True, clustered is None]


def test_a_checkpoint_of_the_version_before_tells_which_rows_were_clustered():
    flat = flatten_targets(Targets(np.array([0, -1]), {"clustered": np.array([True, False])}))
    assert read_targets(flat, {}).clustered_rows.tolist() == [True, False]
