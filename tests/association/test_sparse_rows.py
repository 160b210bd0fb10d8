from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from raydist.association.sparse_rows import likeliest_column, listed_rows, row_maxima


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_entries_are_those_of_the_dense_table(seed):
    """Entries of a row from right to left; one value stands in a row several times."""
    rng = np.random.default_rng(seed)
    dense = random_array((20, 7), density=0.4, rng=rng).toarray()
    for _ in range(2):
        dense[np.arange(20), rng.integers(0, 7, 20)] = 0.9
    matrix = csr_array(dense)
    order = np.concatenate([np.arange(b - 1, a - 1, -1) for a, b in pairwise(matrix.indptr)])
    reversed_rows = csr_array((matrix.data[order], matrix.indices[order], matrix.indptr), shape=matrix.shape)
    assert np.array_equal(likeliest_column(reversed_rows), dense.argmax(axis=1))
    assert np.array_equal(row_maxima(reversed_rows), dense.max(axis=1))


@pytest.mark.parametrize("number", [0, 1, 3])
def test_listed_values_stand_in_their_columns(number):
    rng = np.random.default_rng(number)
    columns = np.array([rng.permutation(5)[:number] for _ in range(4)]).reshape(4, number)
    values = rng.random((4, number))
    expected = np.zeros((4, 5))
    for row in range(4):
        for place in range(number):
            expected[row, columns[row, place]] = values[row, place]
    assert np.array_equal(listed_rows(columns, values, 5).toarray(), expected)
