import math
from dataclasses import replace

import numpy as np
import pytest

from raydist.benchmarks.apart import run_apart
from raydist.benchmarks.clustering import (
    ClusterTask,
    Outcome,
    SparseOutcome,
    compared,
    growth,
    measure_dense,
    measure_sparse,
)
from raydist.benchmarks.measure import Cost
from raydist.benchmarks.rates import Rate
from raydist.benchmarks.stages import STAGES
from raydist.clustering.spec import ClusterSpec

TASK = ClusterTask(num_rows=500, width=32, threads=1)


def outcome(search: float, rest: float, peak: float) -> SparseOutcome:
    costs = {"search": Cost(search, search / 2, peak), "edges": Cost(rest, rest, peak / 2)}
    return SparseOutcome(
        costs, np.zeros(100, np.int64), 1.0, pairs=700, v_entries=2500, expanded_entries=6000, uncertified=0,
        precision="bf16", matmul={"fp32": Rate(1e9, 2e9), "bf16": Rate(2e9, 4e9)}, flops=4e9,
    )  # fmt: skip


@pytest.fixture(scope="module")
def both():
    return run_apart(1, measure_sparse, TASK), run_apart(1, measure_dense, TASK)


def test_both_sides_are_measured_stage_by_stage_and_agree(both):
    for side in both:
        assert tuple(side.costs) == STAGES
        assert all(cost.cpu > 0 and cost.wall > 0 and cost.peak_mb >= 0 for cost in side.costs.values())
        assert side.total.cpu == pytest.approx(side.costs["search"].cpu + side.after_search.cpu)
        assert 0 < side.ari < 1
    sparse, dense = both
    assert np.array_equal(sparse.labels, dense.labels)
    assert compared(sparse, dense)["labels_equal"] is True
    assert set(sparse.matmul) == {"fp32", "bf16"}
    assert sparse.flops == 500**2 * 32


def test_a_task_is_a_function_of_its_seed(both):
    again = measure_sparse(TASK)
    assert np.array_equal(again.labels, both[0].labels)
    assert not np.array_equal(measure_sparse(replace(TASK, seed=1)).labels, again.labels)


def test_groups_have_fewer_pairs_to_multiply():
    found = measure_sparse(replace(TASK, num_rows=1500, grouped=True))
    sizes = np.bincount(replace(TASK, num_rows=1500).draw().group)
    assert found.flops == sum(size**2 * 32 for size in sizes) < 1500**2 * 32


def test_the_modality_aware_distance_meets_a_gap():
    plain, gap = (
        replace(TASK, spec=ClusterSpec(name)).draw().table for name in ("jaccard", "modality-aware")
    )
    assert np.array_equal(plain.camera, gap.camera)
    assert not np.allclose(plain.features, gap.features)


def test_the_share_of_the_machines_rate():
    assert outcome(search=4.0, rest=1.0, peak=10).search_share == 4e9 / 2e9 / 4.0
    assert replace(outcome(4.0, 1.0, 10), precision="fp32").search_share == 1.0


def test_ratios_are_dense_over_sparse():
    sparse, dense = outcome(2.0, 0.5, 10.0), outcome(4.0, 16.0, 30.0)
    ratio = compared(sparse, dense)
    assert ratio == {
        "total_cpu": 8.0,
        "total_wall": 18.0 / 1.5,
        "after_search_cpu": 32.0,
        "after_search_wall": 32.0,
        "peak_mb": 3.0,
        "labels_equal": True,
    }
    other = Outcome(dense.costs, np.ones(100, np.int64), 1.0)
    assert compared(sparse, other)["labels_equal"] is False
    assert compared(outcome(2.0, 0.5, 0.0), dense)["peak_mb"] == math.inf


def test_exponents_between_sizes():
    assert growth([1000, 2000, 8000], [1.0, 4.0, 8.0]) == pytest.approx([2.0, 0.5])
    assert growth([20_000, 1_000_000], [0.49, 26.0]) == pytest.approx([math.log(26 / 0.49) / math.log(50)])
    assert growth([10], [1.0]) == []
