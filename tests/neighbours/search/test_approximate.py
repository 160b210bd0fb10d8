import numpy as np
import pytest

from raydist.errors import ConfigError, FeatureError
from raydist.neighbours.search.lists import neighbour_lists

pytest.importorskip("faiss")
from raydist.neighbours.search.approximate import InvertedFile, approximate_lists


@pytest.mark.parametrize("num_groups", [1, 3])
def test_looking_into_every_cell_finds_the_exact_lists(people, num_groups):
    x, group = people(30, 10, width=32), np.arange(300) % num_groups
    (within, across), recall = approximate_lists(
        x,
        num_within=5,
        num_across=4,
        group=group,
        index=InvertedFile(num_cells=10, num_probes=10),
        rng=np.random.default_rng(0),
    )
    exact, _ = neighbour_lists(x, num_within=5, num_across=4, group=group)
    for lists, true in zip((within, across), exact, strict=True):
        assert [part.tobytes() for part in lists] == [part.tobytes() for part in true]
    assert recall == 1


def test_the_recall_is_the_share_of_the_exact_neighbours(people):
    x = people(60, 10, width=32, noise=1.5)
    (within, _), recall = approximate_lists(
        x, num_within=9, index=InvertedFile(num_probes=1, num_sampled=600), rng=np.random.default_rng(0)
    )
    (exact, _), _ = neighbour_lists(x, num_within=9)
    shared = [len(set(a) & set(b)) for a, b in zip(within[0].tolist(), exact[0].tolist(), strict=True)]
    assert recall == pytest.approx(sum(shared) / (600 * 9))
    assert 0.1 < recall < 1
    assert (within[0] != np.arange(600)[:, None]).all()
    finite = np.where(np.isneginf(within[1]), -9, within[1])
    assert (np.diff(finite, axis=1) <= 0).all()


@pytest.mark.parametrize("num_rows", [0, 1, 2])
def test_few_rows(num_rows):
    x = np.eye(2, dtype=np.float32)[:num_rows]
    (within, across), recall = approximate_lists(x, num_within=3, num_across=1, rng=np.random.default_rng(0))
    assert within[0].shape == (num_rows, min(3, num_rows))
    assert across[0].tolist() == [[-1]] * num_rows
    assert recall == 1


def test_bad_input_is_refused():
    x, rng = np.eye(3, dtype=np.float32), np.random.default_rng(0)
    with pytest.raises(ConfigError, match="num_probes 0"):
        approximate_lists(x, num_within=1, index=InvertedFile(num_probes=0), rng=rng)
    with pytest.raises(FeatureError, match="another length"):
        approximate_lists(2 * x, num_within=1, rng=rng)
