import pytest
import torch
from torch import nn

from raydist.benchmarks.exchange import CountingProcess, Exchanged, time_exchange


def test_what_would_be_exchanged_is_counted():
    process = CountingProcess()
    features = torch.zeros(2, 3, 8)
    assert process.gather(features, 2) is features
    frozen = nn.Parameter(torch.zeros(100), requires_grad=False)
    process.reduce_gradients([nn.Parameter(torch.zeros(10)), nn.Parameter(torch.zeros(5)), frozen], [])
    assert process.exchanged == Exchanged(gathered=192, gradients=60, times=2)
    assert process.exchanged.divided_by(2) == Exchanged(96, 30, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_exchange_as_much(workers: int):
    found = time_exchange(workers, Exchanged(gathered=4_000, gradients=40_000_000, times=2))
    assert min(found.gather, found.reduce, found.one_number) > 0
    assert found.reduce > found.one_number
