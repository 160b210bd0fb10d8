"""How much memory a search takes, and the largest block that a budget allows."""

from __future__ import annotations

from dataclasses import replace

from raydist.errors import ConfigError
from raydist.neighbours.search.certified.candidates import capacity
from raydist.neighbours.search.certified.exhaustive import PRODUCTS_AT_ONCE
from raydist.neighbours.search.certified.products import multiplies_halves
from raydist.neighbours.search.certified.search import QUERIES_AT_ONCE
from raydist.neighbours.search.options import SearchOptions
from raydist.neighbours.search.ranked import NumNeighbours


def search_memory(
    num_rows: int,
    width: int,
    *,
    num_within: int,
    num_across: int = 0,
    options: SearchOptions = SearchOptions(),
) -> int:
    """The most bytes that `neighbour_lists` takes above the features.

    `pair_lists` takes no more when both its sides have N rows together. Counted are the table as it is
    multiplied (2 or 4 bytes a number), the candidates and lists of every row, a block of scores for every
    thread, and what a search of unproven rows needs for a few thousand of them at a time.

    Args:
        num_rows: N.
        width: D.
        num_within: neighbours from the row's own group.
        num_across: neighbours from all other groups.
        options: whose threads, precision and block count.

    >>> options = SearchOptions(precision="bf16", threads=2)
    >>> search_memory(20_000, 2048, num_within=29, options=options) / 1e6 < 250
    True
    """
    halves = options.precision == "bf16" or (options.precision == "auto" and multiplies_halves())
    item_bytes, wanted = 2 if halves else 4, (num_within, num_across)
    candidates = 8 * sum(map(capacity, wanted)) + 64
    lists = 2 * 16 * sum(wanted) + 64  # once in the order of the search, once in that of the table
    rows = (item_bytes * width + candidates + lists) * num_rows
    blocks = options.threads * (20 * options.block**2 + 12 * width * max(options.block, 1024))
    unproven = (4 * width + candidates + lists) * min(num_rows, QUERIES_AT_ONCE)
    return rows + blocks + unproven + 8 * options.threads * PRODUCTS_AT_ONCE


def largest_block(num_rows: int, width: int, wanted: NumNeighbours, options: SearchOptions) -> int:
    """Rows and columns of a block: those of the options, or less (1/2, 1/4, 1/8) if the budget asks for it.

    Args:
        num_rows: N, of both sides together.
        width: D.
        wanted: how many neighbours.
        options: of the search.

    Raises:
        ConfigError: the smallest block takes more than the budget.
    """
    for divisor in (1, 2, 4, 8):
        block = max(1, options.block // divisor)
        needed = search_memory(
            num_rows, width, num_within=wanted.within, num_across=wanted.across,
            options=replace(options, block=block),
        )  # fmt: skip
        if options.memory_budget is None or needed <= options.memory_budget:
            return block
    raise ConfigError(
        f"memory_budget = {options.memory_budget:,} bytes: "
        f"{num_rows} rows of {width} numbers need {needed:,}; "
        "raise the budget, or spread the rows over more shards"
    )
