"""How a search is carried out: settings that change its time and its memory, never its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["auto", "fp32", "bf16", "exact"]
"""The product that proposes candidates: by numpy, by torch, or none at all; "auto" for the fastest here."""

BLOCK = 512
"""Rows and columns that are multiplied at one time, by default."""


@dataclass(frozen=True)
class SearchOptions:
    """Settings of a search.

    Attributes:
        threads: how many blocks are worked on at once.
        precision: of the product that proposes candidates. bf16 is for many rows, where the CPU has instructions
            for it; exact sums alone are for a few rows.
        memory_budget: bytes that the search may take above the features; None for no bound.
        device: a torch device for the products, which are bf16 there; None for the CPU.
        block: rows and columns that are multiplied at one time.
    """

    threads: int = 1
    precision: Precision = "auto"
    memory_budget: int | None = None
    device: str | None = None
    block: int = BLOCK
