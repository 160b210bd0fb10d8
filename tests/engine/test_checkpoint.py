import numpy as np
from scipy.sparse import csr_array

from raydist.engine.checkpoint import _flatten_targets, _restore_targets
from raydist.methods.method import Targets


def test_targets_come_back_with_their_sparse_matrices():
    matrix = csr_array(np.array([[0, 2.0], [0, 0]]))
    targets = Targets(
        np.array([0, -1]), {"a": np.arange(3), "s": matrix}, {"m": np.eye(2, dtype=np.float32)}, {"f": 0.5}
    )
    back = _restore_targets(_flatten_targets(targets), {"f": 0.5})
    assert np.array_equal(back.labels, targets.labels)
    assert np.array_equal(back.arrays["a"], np.arange(3))
    assert (back.arrays["s"] != matrix).nnz == 0
    assert np.array_equal(back.memories["m"], np.eye(2))
    assert back.metrics == {"f": 0.5}
