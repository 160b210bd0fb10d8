import pytest

from raydist.benchmarks import rates
from raydist.benchmarks.rates import Rate, matmul_rate, memory_rates


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_matrix_products_have_a_rate(precision):
    rate = matmul_rate(precision, 64, block=128, repeats=2)
    assert rate.per_cpu_second > 0
    assert rate.per_second > 0


def test_memory_has_rates():
    assert all(
        rate.per_cpu_second > 0 and rate.per_second > 0
        for rate in memory_rates(num_bytes=4_000_000, repeats=2)
    )


def test_the_best_repeat_counts(monkeypatch):
    cpu, wall = iter([0.0, 4.0, 4.0, 6.0]), iter([0.0, 1.0, 1.0, 4.0])
    monkeypatch.setattr(rates, "cpu_seconds", lambda: next(cpu))
    monkeypatch.setattr(rates.time, "perf_counter", lambda: next(wall))
    assert rates._best(lambda: None, 100.0, 2) == Rate(per_cpu_second=50.0, per_second=100.0)
