from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from raydist.errors import ClusteringError
from raydist.methods.mbccm.pairs import LinkedArrays, PairedClips, linked_batches, one_of_each
from raydist.methods.steps import Batch
from raydist.types import NOISE, Modality

LINKS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]], bool)
"""Five visible clusters and three infrared ones."""


@pytest.fixture
def arrays():
    """Tracklets of each cluster one after the other, outliers between; 20 visible rows, then 20 infrared."""
    visible, infrared = np.full(40, NOISE), np.full(40, NOISE)
    visible[:20] = np.r_[np.repeat(np.arange(4), 4), [NOISE, NOISE, 4, 4]]
    infrared[20:] = np.r_[np.repeat(np.arange(3), 6), [NOISE, NOISE]]
    return LinkedArrays(visible=visible, infrared=infrared, linked=csr_array(LINKS))


def with_batch(context, num_pairs, num_instances):
    return replace(context, num_identities=dict.fromkeys(Modality, num_pairs), num_instances=num_instances)


def clusters_of(arrays, rows, num_instances):
    """The clusters of both sides of each pair [iterations, P], which must be the same within a group of K."""
    sides = []
    for m, half in zip(Modality, np.split(rows, 2, axis=1), strict=True):
        clusters = arrays.own[m][half].reshape(len(rows), -1, num_instances)
        assert (clusters == clusters[:, :, :1]).all()
        sides.append(clusters[:, :, 0])
    return sides


@pytest.mark.parametrize("num_pairs", [1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("num_instances", [1, 3])
def test_all_pairs_are_linked(arrays, context, num_pairs, num_instances):
    of_batch = with_batch(context, num_pairs, num_instances)
    rows = linked_batches(arrays, of_batch, 30, np.random.default_rng(0))
    assert rows.shape == (30, 2 * num_pairs * num_instances)
    assert rows.dtype == np.int64
    visible, infrared = clusters_of(arrays, rows, num_instances)
    assert min(visible.min(), infrared.min()) >= 0
    assert LINKS[visible, infrared].all()


def test_half_of_the_pairs_come_from_each_side_and_each_list_is_used_up(arrays, context):
    rows = linked_batches(arrays, with_batch(context, 5, 2), 30, np.random.default_rng(0))
    visible, infrared = clusters_of(arrays, rows, 2)
    from_infrared, from_visible = infrared[:, :2], visible[:, 2:]
    assert all(len(set(batch)) == 2 for batch in from_infrared.tolist())
    assert all(len(set(batch)) == 3 for batch in from_visible.tolist())
    assert np.bincount(from_infrared.ravel()).tolist() == [20, 20, 20]
    assert np.bincount(from_visible.ravel()).tolist() == [18] * 5


def test_every_link_is_as_likely_as_the_others_of_its_cluster(arrays, context):
    rows = linked_batches(arrays, with_batch(context, 2, 1), 6000, np.random.default_rng(0))
    visible, infrared = clusters_of(arrays, rows, 1)
    for source, (own, other) in enumerate([(infrared[:, 0], visible[:, 0]), (visible[:, 1], infrared[:, 1])]):
        links = LINKS.T if source == 0 else LINKS
        counts = np.zeros(links.shape)
        np.add.at(counts, (own, other), 1)
        assert np.allclose(
            counts / counts.sum(1, keepdims=True), links / links.sum(1, keepdims=True), atol=0.05
        )


def test_tracklets_are_drawn_without_repetition_where_there_are_enough_whatever_their_cameras(
    arrays, context
):
    camera = np.tile([0, 0, 0, 1], 10)
    tracklets = replace(context.tracklets, modality=np.repeat([0, 1], 20).astype(np.int8), camera=camera)
    of_batch = with_batch(replace(context, tracklets=tracklets), 4, 3)
    rows = linked_batches(arrays, of_batch, 60, np.random.default_rng(0)).reshape(-1, 3)
    small = arrays.visible[rows[:, 0]] == 4
    assert small.any()
    assert all(len(set(group)) == 3 for group in rows[~small].tolist())
    assert all(set(group) == {18, 19} for group in rows[small].tolist())
    assert any(len(set(camera[group])) == 1 for group in rows[~small])


def test_it_is_a_function_of_the_generator(arrays, context):
    first, same, other = (
        linked_batches(arrays, with_batch(context, 4, 2), 5, np.random.default_rng(seed))
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_no_cluster_to_draw_from(arrays, context):
    none = LinkedArrays(
        visible=arrays.visible, infrared=np.full(40, NOISE), linked=csr_array((5, 0), dtype=bool)
    )
    with pytest.raises(ClusteringError, match="no cluster to draw from"):
        linked_batches(none, with_batch(context, 4, 2), 1, np.random.default_rng(0))


def test_links_are_seen_from_both_sides(arrays):
    assert np.array_equal(arrays.links_of(Modality.VISIBLE).toarray(), LINKS)
    assert np.array_equal(arrays.links_of(Modality.INFRARED).toarray(), LINKS.T)
    drawn = one_of_each(arrays.links_of(Modality.INFRARED), np.full((2, 50), 1), np.random.default_rng(0))
    assert drawn.shape == (2, 50)
    assert set(drawn.ravel().tolist()) == {1, 2, 3}


@pytest.mark.parametrize("raw", [False, True])
def test_clips_of_a_pair_have_the_same_place(arrays, raw):
    rows = torch.tensor([0, 5, 20, 26])
    x = torch.arange(2 * 4 * 3.0).reshape(2, 4, 3)
    batch = Batch(x, rows, raw=-x if raw else None, shows=[None, Modality.VISIBLE])
    pairs = PairedClips.of(batch, arrays.own)
    assert {m: of.tolist() for m, of in pairs.labels.items()} == {
        Modality.VISIBLE: [0, 1],
        Modality.INFRARED: [0, 1],
    }
    assert torch.equal(pairs.features[Modality.VISIBLE], x[:, :2])
    assert torch.equal(pairs.features[Modality.INFRARED], x[:1, 2:])
    assert set(pairs.raw) == (set(Modality) if raw else set())
    if raw:
        assert torch.equal(pairs.raw[Modality.INFRARED], -x[:1, 2:])
