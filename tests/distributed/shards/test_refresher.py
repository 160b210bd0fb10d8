import numpy as np
import pytest
import ray

from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.distributed.shards.feature_shard import start_shards
from raydist.distributed.shards.graph import ShardedGraph
from raydist.distributed.shards.refresher import ShardedRefresher
from raydist.engine.refresher import LocalRefresher

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
def shards(cluster):
    actors = start_shards(5)
    yield actors
    for actor in actors:
        ray.kill(actor)


@pytest.fixture(scope="module")
def expected(features, tracklets):
    local = LocalRefresher(tracklets)
    local.set_features(features)
    return lambda rows, spec: local.cluster(rows, spec)


@pytest.mark.parametrize("num_shards", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("spec", SPECS)
def test_any_number_of_shards_gives_the_labels_of_one_process(
    features, tracklets, shards, expected, num_shards, spec
):
    refresher = ShardedRefresher(shards[:num_shards], tracklets)
    refresher.set_features(features)
    for rows in (np.arange(N), np.flatnonzero(tracklets.modality == 1)):
        sharded, one = refresher.cluster(rows, spec), expected(rows, spec)
        assert one.num_clusters > 1
        assert np.array_equal(sharded.labels, one.labels)
        assert np.array_equal(sharded.edges.distance, one.edges.distance)


@pytest.mark.parametrize("num_shards", [1, 4])
@pytest.mark.parametrize("distance", ["jaccard", "modality-aware"])
def test_rows_of_any_length_have_the_labels_of_one_process(features, tracklets, shards, num_shards, distance):
    spec = ClusterSpec(distance, k1=8, k2=3, min_samples=2, renormalise=False)
    short = features * np.random.default_rng(1).uniform(0.6, 1, (N, 1)).astype(np.float32)
    local, sharded = LocalRefresher(tracklets), ShardedRefresher(shards[:num_shards], tracklets)
    for refresher in (local, sharded):
        refresher.set_features(short)
    for rows in (np.arange(N), np.flatnonzero(tracklets.modality == 1)):
        one, several = (refresher.cluster(rows, spec) for refresher in (local, sharded))
        assert one.num_clusters > 1
        assert np.array_equal(one.labels, several.labels)
        assert np.array_equal(one.edges.distance, several.edges.distance)


def test_a_shard_that_dies_is_filled_again(features, tracklets, shards, expected):
    refresher = ShardedRefresher(shards[:2], tracklets)
    refresher.set_features(features)
    ray.kill(shards[1], no_restart=False)
    clustering = refresher.cluster(np.arange(N), SPECS[0])
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
    refresher = ShardedRefresher(shards[:3], tracklets)
    refresher.set_features(features)
    clustering = refresher.cluster(np.arange(N), SPECS[3])
    assert killed
    assert np.array_equal(clustering.labels, expected(np.arange(N), SPECS[3]).labels)


@pytest.mark.parametrize("num_shards", [1, 3])
def test_the_nearest_in_every_view_are_those_of_one_process(features, tracklets, shards, num_shards):
    sharded, local = ShardedRefresher(shards[:num_shards], tracklets), LocalRefresher(tracklets)
    for refresher in (sharded, local):
        refresher.set_features(features)
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
    sharded, local = ShardedRefresher(shards, tracklets), LocalRefresher(tracklets)
    rows = rng.permutation(3000)[:2500]
    rows.sort()
    clusterings = []
    for refresher in (sharded, local):
        refresher.set_features(x)
        clusterings.append(refresher.cluster(rows, spec))
    assert clusterings[1].num_clusters > 50
    assert np.array_equal(clusterings[0].labels, clusterings[1].labels)


def test_more_shards_than_rows(features, tracklets, shards):
    refresher = ShardedRefresher(shards, tracklets)
    refresher.set_features(features)
    assert refresher.cluster(np.arange(3), ClusterSpec(k1=8, min_samples=1)).labels.shape == (3,)
