from itertools import pairwise

import numpy as np
import pytest
import ray
from scipy.sparse import csr_array, random_array

from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.distributed.shards.feature_shard import FeatureShard
from raydist.distributed.shards.graph import ShardedGraph
from raydist.distributed.shards.sharded_features import Shards
from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.centring import view_centred
from raydist.neighbours.search.exact import similarities
from raydist.neighbours.search.options import SearchOptions

pytestmark = pytest.mark.usefixtures("cluster")

N = 240
SPECS = [
    ClusterSpec(k1=8, k2=3, min_samples=2),
    ClusterSpec(k1=8, k2=6, eps=0.5),
    ClusterSpec("camera-aware", k1=8),
    ClusterSpec("modality-aware", k1=8, k2=3, min_samples=2),
    ClusterSpec(algorithm="hdbscan", k1=8, k2=3, min_samples=2),
]


@pytest.fixture(scope="module")
def features():
    """Forty people of six tracklets, with duplicates."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(N // 6, 32)), 6, axis=0) + 0.5 * rng.normal(size=(N, 32))
    x[5:9] = x[4]
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def tracklets():
    half = np.arange(N) % 2
    return TrainingSet(
        frames=None, modality=half.astype(np.int8), camera=np.arange(N) % 3, view=np.arange(N) % 6
    )


@pytest.fixture(scope="module")
def expected(features, tracklets):
    return LocalFeatures(features[:, None], tracklets).cluster


def on(shards, features, tracklets):
    """The features [N, D], or [N, K, D], on shards."""
    place, parts = Shards(shards, tracklets), features.reshape(len(features), -1, features.shape[-1])
    return place.features(place.put([parts], 0, len(features)))


@pytest.mark.parametrize("num_shards", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("spec", SPECS)
def test_any_number_of_shards_gives_the_labels_of_one_process(
    features, tracklets, shards, expected, num_shards, spec
):
    found = on(shards[:num_shards], features, tracklets)
    for rows in (np.arange(N), np.flatnonzero(tracklets.modality == 1)):
        sharded, one = found.cluster(rows, spec), expected(rows, spec)
        assert one.num_clusters > 1
        assert np.array_equal(sharded.labels, one.labels)
        assert np.array_equal(sharded.edges.distance, one.edges.distance)


@pytest.mark.parametrize("num_shards", [1, 4])
@pytest.mark.parametrize("distance", ["jaccard", "modality-aware"])
def test_rows_of_any_length_have_the_labels_of_one_process(features, tracklets, shards, num_shards, distance):
    spec = ClusterSpec(distance, k1=8, k2=3, min_samples=2, renormalise=False)
    short = features * np.random.default_rng(1).uniform(0.6, 1, (N, 1)).astype(np.float32)
    both = LocalFeatures(short[:, None], tracklets), on(shards[:num_shards], short, tracklets)
    for rows in (np.arange(N), np.flatnonzero(tracklets.modality == 1)):
        one, several = (each.cluster(rows, spec) for each in both)
        assert one.num_clusters > 1
        assert np.array_equal(one.labels, several.labels)
        assert np.array_equal(one.edges.distance, several.edges.distance)


@pytest.mark.parametrize("spec", SPECS)
def test_shards_that_search_on_a_device_give_the_same_labels(features, tracklets, expected, spec):
    """The kernel of GPUs, here on tensors of the CPU."""
    start = ray.remote(num_cpus=0)(FeatureShard).remote
    actors = [start(SearchOptions(device="cpu", precision="bf16")) for _ in range(3)]
    found = on(actors, features, tracklets)
    for rows in (np.arange(N), np.flatnonzero(tracklets.modality == 1)):
        assert np.array_equal(found.cluster(rows, spec).labels, expected(rows, spec).labels)
    for actor in actors:
        ray.kill(actor)


def test_a_shard_that_dies_is_filled_again(features, tracklets, shards, expected):
    found = on(shards[:2], features, tracklets)
    found.fill()
    ray.kill(shards[1], no_restart=False)
    clustering = found.cluster(np.arange(N), SPECS[0])
    assert np.array_equal(clustering.labels, expected(np.arange(N), SPECS[0]).labels)


@pytest.mark.parametrize("step", ["_search", "_expanded"])
def test_a_shard_that_dies_in_the_middle_of_a_refresh_changes_no_label(
    features, tracklets, shards, expected, monkeypatch, step
):
    original, killed = getattr(ShardedGraph, step), []

    def killing(graph, *arguments):
        result = original(graph, *arguments)
        if not killed:
            killed.append(ray.kill(shards[1], no_restart=False))
        return result

    monkeypatch.setattr(ShardedGraph, step, killing)
    found = on(shards[:3], features, tracklets)
    clustering = found.cluster(np.arange(N), SPECS[3])
    assert killed
    assert np.array_equal(clustering.labels, expected(np.arange(N), SPECS[3]).labels)


@pytest.mark.parametrize("num_shards", [1, 3])
def test_the_nearest_in_every_view_are_those_of_one_process(features, tracklets, shards, num_shards):
    sharded = on(shards[:num_shards], features, tracklets)
    local = LocalFeatures(features[:, None], tracklets)
    for nearest, wanted in zip(
        sharded.nearest_in_views(tracklets.view), local.nearest_in_views(tracklets.view), strict=True
    ):
        assert np.array_equal(nearest, wanted)


@pytest.mark.parametrize(
    "spec", [ClusterSpec(), ClusterSpec("camera-aware"), ClusterSpec("modality-aware", eps=0.5)]
)
def test_three_thousand_rows_on_five_shards(shards, spec):
    rng = np.random.default_rng(1)
    x = np.repeat(rng.normal(size=(250, 64)), 12, axis=0) + 0.9 * rng.normal(size=(3000, 64))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    modality = rng.integers(0, 2, 3000).astype(np.int8)
    tracklets = TrainingSet(
        frames=None, modality=modality, camera=np.arange(3000) % 6, view=np.arange(3000) % 12
    )
    both = on(shards, x, tracklets), LocalFeatures(x[:, None], tracklets)
    rows = rng.permutation(3000)[:2500]
    rows.sort()
    clusterings = [each.cluster(rows, spec) for each in both]
    assert clusterings[1].num_clusters > 50
    assert np.array_equal(clusterings[0].labels, clusterings[1].labels)


def test_more_shards_than_rows(features, tracklets, shards):
    assert on(shards, features, tracklets).cluster(
        np.arange(3), ClusterSpec(k1=8, min_samples=1)
    ).labels.shape == (3,)


@pytest.fixture(scope="module")
def parts(features):
    """Three parts of each tracklet, of unit length."""
    x = features[:, None] + 0.2 * np.random.default_rng(2).normal(size=(N, 3, 32))
    return (x / np.linalg.norm(x, axis=2, keepdims=True)).astype(np.float32)


def to_last(parts, column):
    """A measure: similarity to the last part, times a value of the row."""
    return np.einsum("nkd,nd->nk", parts, parts[:, -1]) * column[:, None]


@pytest.mark.parametrize("num_shards", [1, 2, 3, 5])
@pytest.mark.parametrize("cuts", [(0, N), (0, 7, 50, 50, N), (0, 120, N)])
def test_every_answer_is_that_of_one_process(parts, tracklets, shards, num_shards, cuts):
    """Wherever the workers' rows end, and the shards'."""
    place, local = Shards(shards[:num_shards], tracklets), LocalFeatures(parts, tracklets)
    pieces = [place.put([parts[a:b]], a, N) for a, b in pairwise(cuts)]
    found = place.features([piece for of_worker in pieces[::-1] for piece in of_worker])
    assert found.shape == local.shape == (N, 3, 32)
    assert np.array_equal(found.part(0, N), parts)
    for first, stop in ((0, N), (0, 0), (7, 130), (N - 1, N)):
        assert np.array_equal(found.part(first, stop), parts[first:stop])
        assert np.array_equal(found.placed().part(first, stop), parts[first:stop])
    column, groups = np.arange(N) / N, np.arange(N) % 7 - 1
    assert np.array_equal(found.measure(to_last, column), local.measure(to_last, column))
    assert np.array_equal(found.group_sums(groups, 6), local.group_sums(groups, 6))
    assert np.array_equal(found.group_means(groups, 6), local.group_means(groups, 6))
    for renormalise in (True, False):
        means, wanted = (each.means(renormalise=renormalise) for each in (found, local))
        assert np.array_equal(means.part(0, N), wanted.part(0, N))
        assert np.array_equal(means.centroids(groups, 6), wanted.centroids(groups, 6))
        assert means is found.means(renormalise=renormalise)


@pytest.mark.parametrize("num_shards", [1, 2, 3, 5])
def test_views_and_friends_are_those_of_one_process(parts, tracklets, shards, num_shards):
    found, local = on(shards[:num_shards], parts, tracklets), LocalFeatures(parts, tracklets)
    centred, wanted = (view_centred(each, tracklets) for each in (found, local))
    assert centred.shape == (N, 3, 32)
    assert np.array_equal(centred.part(0, N), wanted.part(0, N))
    centred, wanted = (view_centred(each.means(), tracklets) for each in (found, local))
    for top in (1, 4, 100):
        for of_shards, of_one in zip(
            *(each.nearest_of_view(tracklets.view, top) for each in (centred, wanted)), strict=True
        ):
            assert np.array_equal(of_shards, of_one)
    weights = random_array((N, N), density=0.02, rng=np.random.default_rng(3), format="csr")
    friends, expected = (each.aggregated(csr_array(weights)) for each in (centred, wanted))
    assert np.array_equal(friends.part(0, N), expected.part(0, N))
    ray.kill(shards[0], no_restart=False)
    assert np.array_equal(
        friends.nearest_in_views(tracklets.view)[0], expected.nearest_in_views(tracklets.view)[0]
    )


@pytest.mark.parametrize("num_shards", [1, 2, 3, 5])
def test_other_views_queries_and_groups_are_answered_as_in_one_process(
    features, tracklets, shards, num_shards
):
    found, local = on(shards[:num_shards], features, tracklets), LocalFeatures(features[:, None], tracklets)
    asked = np.where(tracklets.modality == 0, (tracklets.view + 1) % 6, -1)
    groups = np.random.default_rng(4).integers(-1, 11, N)
    sides = [np.where(tracklets.modality == m, groups, -1) for m in (0, 1)]
    rows, queries, by_group = np.flatnonzero(groups > 3), features[::30] + features[1::30], np.arange(11.0)
    asking = [
        lambda each: each.nearest_of_view(tracklets.view, 3, asked=asked),
        lambda each: each.nearest_to(queries, rows, 5),
        lambda each: each.nearest_to(queries, rows[:2], 5),
        lambda each: (each.of_groups(last_of_each, groups, 11, by_group),),
        lambda each: stored(each.votes(*sides, 0.4)),
        lambda each: stored(each.votes(sides[0], np.full(N, -1), 0.4)),
    ]
    for ask in asking:
        for of_shards, of_one in zip(ask(found), ask(local), strict=True):
            assert np.array_equal(of_shards, of_one)
    ids, near = found.nearest_of_view(tracklets.view, 3, asked=asked)
    assert (ids[asked == -1] == -1).all()
    assert (tracklets.view[ids] == asked[:, None])[asked >= 0].all()
    own = np.flatnonzero(tracklets.view == asked[0])
    wanted = np.sort(features[own].astype(np.float64) @ features[0].astype(np.float64))[::-1][:3]
    np.testing.assert_allclose(near[0], wanted, atol=1e-12)
    last = [features[groups == g][-1] * by_group[g] for g in range(11)]
    votes = votes_of_pairs(features, *sides, 0.4)
    assert 0 < np.count_nonzero(votes) < votes.size
    ray.kill(shards[0], no_restart=False)
    assert np.array_equal(found.votes(*sides, 0.4).toarray(), votes)
    ray.kill(shards[0], no_restart=False)
    assert np.array_equal(found.of_groups(last_of_each, groups, 11, by_group), last)


def stored(votes):
    """What a sparse matrix holds, and its shape."""
    return votes.data, votes.indices, votes.indptr, np.array(votes.shape)


def votes_of_pairs(features, left, right, threshold):
    """The votes of all pairs of rows, one by one."""
    counts, similarity = np.zeros((11, 11), np.int64), similarities(features, features)
    for i in np.flatnonzero(left >= 0):
        for j in np.flatnonzero(right >= 0):
            counts[left[i], right[j]] += similarity[i, j] >= threshold
    return counts


def last_of_each(rows, groups, by_group):
    """A rule of groups: the last row of each, times a value of the group."""
    return np.stack([rows[groups == g][-1, 0] * by_group[g] for g in range(len(by_group))])


def test_a_shard_that_dies_makes_its_derived_rows_again(parts, tracklets, shards):
    found, wanted = on(shards[:3], parts, tracklets), LocalFeatures(parts, tracklets).means()
    means, groups = found.means(), np.arange(N) % 7
    sums = means.group_sums(groups, 7)
    ray.kill(shards[1], no_restart=False)
    assert np.array_equal(means.group_sums(groups, 7), sums)
    ray.kill(shards[2], no_restart=False)
    assert np.array_equal(means.placed().part(5, N), wanted.part(5, N))
    ray.kill(shards[0], no_restart=False)
    clusterings = [each.cluster(np.arange(N), SPECS[0]).labels for each in (means, wanted)]
    assert np.array_equal(*clusterings)
    ones = np.ones(N)
    assert np.array_equal(
        found.measure(to_last, ones), LocalFeatures(parts, tracklets).measure(to_last, ones)
    )


def test_what_a_rule_raises_is_not_tried_again(parts, tracklets, shards):
    with pytest.raises(ray.exceptions.RayTaskError, match="no such row"):
        on(shards[:2], parts, tracklets).measure(refuse)


def refuse(parts):
    raise ValueError("no such row")


def test_other_features_take_the_place_of_these(features, parts, tracklets, shards):
    other = on(shards[:3], parts, tracklets).replaced(features)
    assert np.array_equal(other.part(0, N)[:, 0], features)
    wanted = LocalFeatures(features[:, None], tracklets).cluster(np.arange(N), SPECS[1])
    assert np.array_equal(other.cluster(np.arange(N), SPECS[1]).labels, wanted.labels)
