import numpy as np
import pytest
import torch

from raydist.neighbours.search.certified.products import HalfProduct, SingleProduct


@pytest.fixture(params=[SingleProduct, HalfProduct])
def product(request):
    return request.param()


@pytest.mark.parametrize("width", [1, 7, 64, 1000, 4096])
@pytest.mark.parametrize("kind", ["any", "positive", "heavy tails"])
def test_a_product_is_as_exact_as_it_says(product, width, kind):
    rng = np.random.default_rng(width)
    x = rng.standard_normal((60, width))
    x = np.abs(x) if kind == "positive" else x**5 if kind == "heavy tails" else x
    x = x.astype(np.float32)
    prepared, scores = product.prepare(x), np.empty((20, 40), np.float32)
    product.multiply(prepared[:20], prepared[20:], scores)
    rounded = np.array(prepared.tolist())
    length = np.linalg.norm(rounded, axis=1)
    error = np.abs(scores - rounded[:20] @ rounded[20:].T) / (length[:20, None] * length[20:])
    assert error.max() <= product.relative_error(width)
    np.testing.assert_allclose(product.rounding(x, prepared), np.linalg.norm(rounded - x, axis=1), rtol=1e-3)


def test_prepared_rows_can_be_put_into_a_table(product):
    x = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
    table, scores, expected = (
        product.allocate(6, 5),
        np.empty((6, 6), np.float32),
        np.empty((6, 6), np.float32),
    )
    for start in (0, 4):
        table[start : start + 4] = product.prepare(x[start : start + 4])
    product.multiply(table, table, scores)
    product.multiply(product.prepare(x), product.prepare(x), expected)
    assert np.array_equal(scores, expected)
    assert table.nbytes == 30 * product.item_bytes


def test_the_number_of_threads_is_as_before():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with HalfProduct().one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
