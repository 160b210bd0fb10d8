"""Which products a search tries, one after the other, and in which blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from raydist.errors import ConfigError
from raydist.neighbours.search.certified.device import DEVICE_BLOCK, sweep_on_device
from raydist.neighbours.search.certified.products import (
    HalfProduct,
    Product,
    SingleProduct,
    multiplies_halves,
)
from raydist.neighbours.search.certified.sweep import Sweep
from raydist.neighbours.search.certified.tables import Table
from raydist.neighbours.search.options import BLOCK, SearchOptions
from raydist.neighbours.search.report import SearchReport

ProductName = Literal["bf16", "fp32"]

_FEW_MULTIPLICATIONS = 2**22
"""Up to so many, exact sums alone are fastest."""

_MANY_PAIRS = 2**24
"""From so many on, the bfloat16 product pays for the rows that it leaves unproven."""


@dataclass(frozen=True)
class SearchPlan:
    """How to search; it changes the time and never the result.

    Attributes:
        products: the next one is for rows that one leaves unproven; after the last come exact sums.
        block: rows and columns of a block.
        threads: how many blocks are worked on at once.
        device: a torch device for the first product, or None.
    """

    products: tuple[ProductName, ...]
    block: int
    threads: int
    device: str | None = None

    @property
    def product(self) -> Product:
        """The first product."""
        return HalfProduct(self.device or "cpu") if self.products[0] == "bf16" else SingleProduct()

    def run(self, sweep: Sweep) -> SearchReport:
        """Do a sweep with the first product."""
        product = sweep.left.product
        if self.device is not None and isinstance(product, HalfProduct):
            return sweep_on_device(sweep, product, block=self.block)
        return sweep.run(block=self.block, threads=self.threads)

    def next(self) -> SearchPlan:
        """What is done with the rows that the first product leaves unproven."""
        return SearchPlan(self.products[1:], min(self.block, BLOCK), self.threads)


def choose_plan(left: Table, right: Table, options: SearchOptions, block: int) -> SearchPlan:
    """The fastest plan that the options allow.

    Args:
        left: a table.
        right: another one, or the same.
        options: of the search.
        block: rows and columns of a block on the CPU.

    Raises:
        ConfigError: float32 products are asked for on a device.
    """
    precision, device = options.precision, options.device
    if device is not None and precision == "fp32":
        raise ConfigError(
            f"precision fp32 on device {device!r}: products on a device are bf16; leave the precision out"
        )
    pairs = len(left) * len(right)
    few = pairs * left.features.shape[1] <= _FEW_MULTIPLICATIONS
    if pairs == 0 or precision == "exact" or (precision == "auto" and few):
        return SearchPlan((), block, options.threads)
    many = pairs >= _MANY_PAIRS and multiplies_halves()
    halves = precision == "bf16" or device is not None or (precision == "auto" and many)
    products: tuple[ProductName, ...] = ("bf16", "fp32") if halves else ("fp32",)
    return SearchPlan(products, block if device is None else DEVICE_BLOCK, options.threads, device)
