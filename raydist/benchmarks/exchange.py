"""What the workers of a training exchange in a step, and how long that takes processes of this machine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from raydist.benchmarks.fresh_process import run_in_fresh_process
from raydist.engine.process_group import SingleProcess, TorchProcessGroup

FLOAT = 4
REPEATS = 5


@dataclass(frozen=True)
class Exchanged:
    """What the workers of a training exchange in an iteration, however many they are.

    Attributes:
        gathered: bytes of the features of all of them.
        gradients: bytes of the gradients.
        times: how many times features are gathered or gradients are summed.
    """

    gathered: float = 0.0
    gradients: float = 0.0
    times: float = 0.0

    def plus(self, *, gathered: float = 0.0, gradients: float = 0.0) -> Exchanged:
        """With one exchange more."""
        return Exchanged(self.gathered + gathered, self.gradients + gradients, self.times + 1)

    def divided_by(self, number: int) -> Exchanged:
        """The mean of some iterations."""
        return Exchanged(self.gathered / number, self.gradients / number, self.times / number)


class CountingProcess(SingleProcess):
    """A process alone that counts what it would exchange with others."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanged = Exchanged()

    def gather(self, local: Tensor, total: int) -> Tensor:
        """The rows themselves."""
        self.exchanged = self.exchanged.plus(gathered=local.nbytes)
        return local

    def reduce_gradients(self, shared: Iterable[nn.Parameter], replicated: Iterable[nn.Parameter]) -> None:
        """Nothing to do."""
        for parameters in (list(shared), list(replicated)):
            with_gradient = [p for p in parameters if p.requires_grad]
            if with_gradient:
                self.exchanged = self.exchanged.plus(gradients=sum(p.nbytes for p in with_gradient))


@dataclass(frozen=True)
class ExchangeTime:
    """Seconds on the wall of the worker with the lowest number, the fastest of some.

    Attributes:
        gather: of the features of a batch.
        reduce: of the gradients.
        one_number: of adding up one number: what an exchange takes however little it moves.
    """

    gather: float
    reduce: float
    one_number: float


def time_exchange(workers: int, exchanged: Exchanged) -> ExchangeTime:
    """Let processes of this machine exchange as much as the workers of a training do, through its network.

    Args:
        workers: how many processes, of one thread each.
        exchanged: how much.

    Raises:
        WorkerError: a process was killed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="raydist-exchange-") as folder,
        ThreadPoolExecutor(workers) as pool,
    ):
        meeting = f"file://{Path(folder) / 'meeting'}"
        asked = [
            pool.submit(run_in_fresh_process, 1, _time_worker, meeting, rank, workers, exchanged)
            for rank in range(workers)
        ]
        first, *_ = [one.result() for one in asked]
    return first


def _time_worker(meeting: str, rank: int, workers: int, exchanged: Exchanged) -> ExchangeTime:
    """What one worker measures; all of them call it."""
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers)
    try:
        group = TorchProcessGroup(torch.device("cpu"))
        rows = int(exchanged.gathered) // FLOAT
        own = torch.ones(len(range(rank, rows, workers)))
        weights, one = (nn.Parameter(torch.zeros(size)) for size in (int(exchanged.gradients) // FLOAT, 1))
        weights.grad, one.grad = torch.ones_like(weights), torch.ones_like(one)
        return ExchangeTime(
            _fastest(lambda: group.gather(own, rows)),
            _fastest(lambda: group.reduce_gradients([weights], [])),
            _fastest(lambda: group.reduce_gradients([one], [])),
        )
    finally:
        dist.destroy_process_group()


def _fastest(exchange: Callable[[], object]) -> float:
    """Seconds, all workers beginning together."""
    seconds = []
    for _ in range(REPEATS + 1):  # the first one connects
        dist.barrier()
        began = time.perf_counter()
        exchange()
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])
