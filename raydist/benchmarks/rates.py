"""What this machine can do at best: the rates of matrix products and of memory, upper bounds for a stage."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from raydist.benchmarks.measure import cpu_seconds

Precision = Literal["fp32", "bf16"]

BLOCK = 2048
REPEATS = 5
SIZE = 256_000_000


@dataclass(frozen=True)
class Rate:
    """Work done (floating-point operations, bytes) in a second.

    Attributes:
        per_cpu_second: of one thread.
        per_second: on the wall, of all threads together.
    """

    per_cpu_second: float
    per_second: float


def matmul_rate(precision: Precision, width: int, *, block: int = BLOCK, repeats: int = REPEATS) -> Rate:
    """Operations a second of the product [B, D] x [D, B], as a search for neighbours does it block by block.

    Args:
        precision: numpy's BLAS for fp32, torch for bf16.
        width: D.
        block: B.
        repeats: the best of so many counts.
    """
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((block, width), dtype=np.float32) for _ in range(2))
    if precision == "fp32":
        product = np.empty((block, block), np.float32)
        return _best(lambda: np.matmul(left, right.T, out=product), 2.0 * block * block * width, repeats)
    a, b = (torch.from_numpy(side).to(torch.bfloat16) for side in (left, right))
    return _best(lambda: a @ b.T, 2.0 * block * block * width, repeats)


def memory_rates(*, num_bytes: int = SIZE, repeats: int = REPEATS) -> tuple[Rate, Rate]:
    """Bytes a second that are read, and that are copied (each byte counted once).

    Args:
        num_bytes: of the array; far more than the caches hold.
        repeats: the best of so many counts.
    """
    source = torch.ones(num_bytes // 4)
    target = torch.empty_like(source)
    return _best(source.sum, num_bytes, repeats), _best(lambda: target.copy_(source), num_bytes, repeats)


def _best(work: Callable[[], object], amount: float, repeats: int) -> Rate:
    work()  # threads start, pages are mapped
    cpu, wall = [], []
    for _ in range(repeats):
        began, clock = cpu_seconds(), time.perf_counter()
        work()
        cpu.append(cpu_seconds() - began)
        wall.append(time.perf_counter() - clock)
    return Rate(amount / min(cpu), amount / min(wall))
