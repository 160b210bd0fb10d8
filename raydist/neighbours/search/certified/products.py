"""Matrix products that propose neighbours, each with a bound on its rounding error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any, Protocol

import llvmlite.binding
import numpy as np
from threadpoolctl import threadpool_limits

from raydist.types import Floats

_SINGLE_ROUNDOFF = 2.0**-24
_HALF_ROUNDOFF = 2.0**-8


PreparedRows = Any
"""Rows in the form that a product multiplies: a float32 matrix, or a bfloat16 tensor on some device."""


class Product(Protocol):
    """A way to multiply blocks of rows; blocks may be multiplied in several threads at once.

    Attributes:
        item_bytes: of a number as it is multiplied.
    """

    item_bytes: int

    def relative_error(self, width: int) -> float:
        """The largest error of a product of two prepared rows x and y of D numbers, divided by |x| |y|."""

    def allocate(self, num_rows: int, width: int) -> PreparedRows:
        """An uninitialised table [n, D] for prepared rows, to be filled by assignment."""

    def prepare(self, rows: Floats) -> PreparedRows:
        """float32 rows [n, D] in the form that is multiplied."""

    def rounding(self, rows: Floats, prepared: PreparedRows) -> Floats:
        """float32 [n], the length of what each row lost when it was prepared."""

    def multiply(self, left: PreparedRows, right: PreparedRows, scores: Floats) -> None:
        """Write the products of all left and right rows to `scores`, float32 [l, r]."""

    def one_thread(self) -> AbstractContextManager[None]:
        """Within it the products of the calling thread use no further threads."""


class SingleProduct:
    """float32, by the BLAS that numpy is built with."""

    item_bytes = 4

    def relative_error(self, width: int) -> float:
        """D u for a sum in any order (Higham 2002, Eq. 3.5), and a few u to spare."""
        return (width + 8) * _SINGLE_ROUNDOFF

    def allocate(self, num_rows: int, width: int) -> Floats:
        """A float32 matrix."""
        return np.empty((num_rows, width), np.float32)

    def prepare(self, rows: Floats) -> Floats:
        """The rows as they are."""
        return rows

    def rounding(self, rows: Floats, prepared: Floats) -> Floats:
        """Nothing is lost."""
        return np.zeros(len(rows), np.float32)

    def multiply(self, left: Floats, right: Floats, scores: Floats) -> None:
        """One matrix product."""
        np.matmul(left, right.T, out=scores)

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """For the whole process: BLAS has no limit of its own for a thread."""
        with threadpool_limits(1, user_api="blas"):
            yield


class HalfProduct:
    """bfloat16 factors, float32 sums and, on the CPU, bfloat16 results; by torch.

    Args:
        device: a torch device.
    """

    item_bytes = 2

    def __init__(self, device: str = "cpu") -> None:
        import torch

        self.torch, self.device = torch, torch.device(device)

    def relative_error(self, width: int) -> float:
        """One rounding of the result, and a float32 sum whose steps may cut off two more bits."""
        return (_HALF_ROUNDOFF + 4 * (width + 8) * _SINGLE_ROUNDOFF) * (1 + _HALF_ROUNDOFF)

    def allocate(self, num_rows: int, width: int) -> PreparedRows:
        """A bfloat16 tensor."""
        return self.torch.empty((num_rows, width), dtype=self.torch.bfloat16, device=self.device)

    def prepare(self, rows: Floats) -> PreparedRows:
        """The rows, rounded."""
        return self.torch.from_numpy(rows).to(self.device, self.torch.bfloat16)

    def rounding(self, rows: Floats, prepared: PreparedRows) -> Floats:
        """How far bfloat16 is from float32: about a 600th of a row's length, where a 256th is possible."""
        lost = prepared.float() - self.torch.from_numpy(rows).to(self.device)
        return self.torch.linalg.vector_norm(lost, dim=1).cpu().numpy()

    def multiply(self, left: PreparedRows, right: PreparedRows, scores: Floats) -> None:
        """One matrix product, widened to float32."""
        self.torch.from_numpy(scores).copy_(self.scores(left, right))

    def scores(self, left: PreparedRows, right: PreparedRows) -> Any:
        """The products, a tensor [l, r] on the device.

        CUDA is asked for float32 results, or it would add parts in bfloat16.
        """
        if self.device.type == "cuda":
            return self.torch.mm(left, right.T, out_dtype=self.torch.float32)
        return left @ right.T

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """For the calling thread; afterwards the number of threads is as it was before."""
        before = self.torch.get_num_threads()
        self.torch.set_num_threads(1)
        try:
            yield
        finally:
            self.torch.set_num_threads(before)


@lru_cache(maxsize=1)
def multiplies_halves() -> bool:
    """Whether this CPU has instructions for bfloat16 products; without, they are slower than float32 ones."""
    features = llvmlite.binding.get_host_cpu_features()
    return any(features.get(name, False) for name in ("avx512bf16", "amx-bf16"))
