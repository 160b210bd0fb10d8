import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from raydist.benchmarks.measure import Cost
from raydist.benchmarks.outcomes import Outcome, SparseOutcome, compare, growth
from raydist.benchmarks.rates import Rate


def outcome(search: float, rest: float, peak: float) -> SparseOutcome:
    costs = {"search": Cost(search, search / 2, peak), "edges": Cost(rest, rest, peak / 2)}
    return SparseOutcome(
        costs, np.zeros(100, np.int64), 1.0, pairs=700, v_entries=2500, expanded_entries=6000, uncertified=0,
        precision="bf16", matmul={"fp32": Rate(1e9, 2e9), "bf16": Rate(2e9, 4e9)}, flops=4e9,
    )  # fmt: skip


def test_the_share_of_the_machines_rate():
    assert outcome(search=4.0, rest=1.0, peak=10).search_share == 4e9 / 2e9 / 4.0
    assert replace(outcome(4.0, 1.0, 10), precision="fp32").search_share == 1.0


def test_ratios_are_dense_over_sparse():
    sparse, dense = outcome(2.0, 0.5, 10.0), outcome(4.0, 16.0, 30.0)
    ratio = asdict(compare(sparse, dense))
    assert ratio == {
        "total_cpu": 8.0,
        "total_wall": 18.0 / 1.5,
        "after_search_cpu": 32.0,
        "after_search_wall": 32.0,
        "peak_mb": 3.0,
        "labels_equal": True,
    }
    other = Outcome(dense.costs, np.ones(100, np.int64), 1.0)
    assert compare(sparse, other).labels_equal is False
    assert compare(outcome(2.0, 0.5, 0.0), dense).peak_mb == math.inf


def test_exponents_between_sizes():
    assert growth([1000, 2000, 8000], [1.0, 4.0, 8.0]) == pytest.approx([2.0, 0.5])
    assert growth([20_000, 1_000_000], [0.49, 26.0]) == pytest.approx([math.log(26 / 0.49) / math.log(50)])
    assert growth([10], [1.0]) == []
