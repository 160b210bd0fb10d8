from dataclasses import replace

import pytest

from raydist.neighbours.search.memory import search_memory
from raydist.neighbours.search.options import SearchOptions


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({"num_rows": 4000}, {}),
        ({"width": 128}, {}),
        ({"num_within": 9, "num_across": 9}, {}),
        ({}, {"precision": "fp32"}),
        ({}, {"block": 99}),
    ],
)
def test_memory_grows_with_everything(more, options):
    one = {"num_rows": 1000, "width": 64, "num_within": 9, "num_across": 0}
    usual = SearchOptions(precision="bf16", block=64, threads=1)
    other = replace(usual, **options)
    assert search_memory(**(one | more), options=other) > search_memory(**one, options=usual)
    threads = replace(other, threads=2)
    assert search_memory(**(one | more), options=threads) > search_memory(**(one | more), options=other)
