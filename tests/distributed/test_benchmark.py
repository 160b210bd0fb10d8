import numpy as np
import pytest

from raydist.benchmarks.features import draw_features
from raydist.clustering.spec import ClusterSpec, cluster_edges
from raydist.distributed.benchmark import store_rates, time_shards
from raydist.neighbours.jaccard import jaccard_graph

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.mark.parametrize("distance", ["jaccard", "camera-aware", "modality-aware"])
def test_shards_are_timed_and_agree_with_one_process(distance):
    table, spec = draw_features(500, 32, seed=0).table, ClusterSpec(distance)
    found = time_shards(table, spec, num_shards=2)
    assert found.handing_over > 0
    assert found.clustering > 0
    edges = jaccard_graph(table.features, spec.metric, modality=table.modality, camera=table.camera, eps_max=spec.eps)
    assert found.labels.max() > 5
    assert np.array_equal(found.labels, cluster_edges(edges, len(table), spec).labels)


def test_the_store_has_rates_both_ways():
    assert all(rate > 0 for rate in store_rates(num_bytes=4_000_000, repeats=2))
