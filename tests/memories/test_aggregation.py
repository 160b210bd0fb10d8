import numpy as np
import pytest

from raydist.memories.aggregation import blend_partners


def unit(num_rows, seed):
    x = np.random.default_rng(seed).normal(size=(num_rows, 5))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("blend", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize("partners", [[2, -1, 0, -1], [-1] * 4, [3, 2, 1, 0], [1, 1, 1, 1]])
def test_every_row_is_blended_with_its_partner_in_a_loop(blend, renormalise, partners):
    own, others = unit(4, 0), unit(4, 1)
    before = own.copy(), others.copy()
    found = blend_partners(own, others, np.array(partners), blend=blend, renormalise=renormalise)
    for a, b in enumerate(partners):
        row = own[a].astype(np.float64)
        if b >= 0:
            row = (1 - blend) * row + blend * others[b]
            row = row / np.linalg.norm(row) if renormalise else row
        assert found[a] == pytest.approx(row, abs=1e-6)
    assert found.dtype == np.float32
    assert np.array_equal(own, before[0])
    assert np.array_equal(others, before[1])


def test_a_blended_row_is_no_longer_than_its_parts():
    found = blend_partners(unit(6, 2), unit(6, 3), np.arange(6), blend=0.9)
    assert (np.linalg.norm(found, axis=1) < 1).all()


def test_no_prototypes_are_blended_with_none():
    assert blend_partners(unit(0, 0), unit(3, 1), np.empty(0, np.int64), blend=0.9).shape == (0, 5)
