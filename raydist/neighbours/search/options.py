"""How a search is carried out: settings that change its time and its memory, never its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "fp32", "bf16", "exact"]
"""The product that proposes candidates: by numpy, by torch, or none at all; "auto" for the fastest here."""

BLOCK = 512
"""Rows and columns of a block on the CPU: enough for the fastest products, and its scores stay in the
cache."""


@dataclass(frozen=True)
class SearchOptions:
    """Settings of a search.

    Attributes:
        threads: how many blocks are worked on at once.
        precision: of the product that proposes candidates. bf16 is for many rows, where the CPU has
            instructions for it; exact sums alone are for a few rows.
        memory_budget: bytes that `neighbour_lists` and `pair_lists` may take above the features, see
            `memory.search_memory`; None for no bound. Other searches work on a few thousand rows at a time.
        device: a torch device for the products of `neighbour_lists` and `pair_lists`, which are bf16 there;
            None for the CPU.
        block: rows and columns that are multiplied at one time; less where the memory budget asks for it.
    """

    threads: int = 1
    precision: Precision = "auto"
    memory_budget: int | None = None
    device: str | None = None
    block: int = BLOCK
