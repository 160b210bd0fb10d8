from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

from raydist.benchmarks.features import draw_features
from raydist.benchmarks.stages import STAGES, cluster_in_stages
from raydist.clustering.spec import ClusterSpec, cluster_features
from raydist.neighbours.search.backends import exact_search
from raydist.neighbours.search.options import SearchOptions

SPECS = [
    ClusterSpec(),
    ClusterSpec(k1=20, k2=1, eps=0.7, min_samples=2),
    ClusterSpec("camera-aware"),
    ClusterSpec("modality-aware", gate=0.5),
    ClusterSpec(algorithm="hdbscan"),
]


@pytest.fixture(scope="module")
def table():
    return draw_features(900, 32, seed=2, modality_gap=0.3, shuffled=True).table


@pytest.mark.parametrize("spec", SPECS)
def test_stage_by_stage_gives_the_same_graph_and_labels(table, spec):
    expected = cluster_features(table.features, spec, modality=table.modality, camera=table.camera)
    for threads, num_slabs in ((1, 1), (2, 3)):
        search = exact_search(SearchOptions(threads=threads))
        found = cluster_in_stages(
            table, spec, search=search, watch=nullcontext, threads=threads, num_slabs=num_slabs
        ).clustering
        assert expected.num_clusters > 5
        assert np.array_equal(found.labels, expected.labels)
        assert np.array_equal(found.edges.distance, expected.edges.distance)


def test_every_stage_is_watched_in_order(table):
    names = []

    @contextmanager
    def watch(name):
        names.append(name)
        yield

    found = cluster_in_stages(table, ClusterSpec(), search=exact_search(), watch=watch, threads=1)
    assert tuple(names) == STAGES
    assert found.graph.expanded_entries > found.graph.v_entries > len(table)
    assert found.graph.searched == {"uncertified": 0}
