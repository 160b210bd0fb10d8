from dataclasses import replace

import numpy as np
import pytest

from raydist.benchmarks.clustering import ClusterTask, measure_dense, measure_sparse
from raydist.benchmarks.fresh_process import run_in_fresh_process
from raydist.benchmarks.outcomes import compare
from raydist.benchmarks.stages import STAGES
from raydist.clustering.spec import ClusterSpec

TASK = ClusterTask(num_rows=500, width=32, threads=1)


@pytest.fixture(scope="module")
def both():
    return run_in_fresh_process(1, measure_sparse, TASK), run_in_fresh_process(1, measure_dense, TASK)


def test_both_sides_are_measured_stage_by_stage_and_agree(both):
    for side in both:
        assert tuple(side.costs) == STAGES
        assert all(cost.cpu > 0 and cost.wall > 0 and cost.peak_mb >= 0 for cost in side.costs.values())
        assert side.total.cpu == pytest.approx(side.costs["search"].cpu + side.after_search.cpu)
        assert 0 < side.ari < 1
    sparse, dense = both
    assert np.array_equal(sparse.labels, dense.labels)
    assert compare(sparse, dense).labels_equal is True
    assert set(sparse.matmul) == {"fp32", "bf16"}
    assert sparse.flops == 500**2 * 32


def test_a_task_is_a_function_of_its_seed(both):
    again = measure_sparse(TASK)
    assert np.array_equal(again.labels, both[0].labels)
    assert not np.array_equal(measure_sparse(replace(TASK, seed=1)).labels, again.labels)


def test_groups_have_fewer_pairs_to_multiply():
    measured = measure_sparse(replace(TASK, num_rows=1500, grouped=True))
    sizes = np.bincount(replace(TASK, num_rows=1500).draw().group)
    assert measured.flops == sum(size**2 * 32 for size in sizes) < 1500**2 * 32


def test_the_modality_aware_distance_meets_a_gap():
    plain, gap = (
        replace(TASK, spec=ClusterSpec(name)).draw().table for name in ("jaccard", "modality-aware")
    )
    assert np.array_equal(plain.camera, gap.camera)
    assert not np.allclose(plain.features, gap.features)
