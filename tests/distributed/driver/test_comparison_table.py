from raydist.distributed.driver.comparison_table import MeanOverSeeds, _mean_and_spread, tabulate


def test_nothing_is_tabulated_before_a_cell_has_ended(comparison):
    assert tabulate(comparison).rows == []
    assert not comparison.folder.exists()


def test_the_spread_needs_two_seeds():
    assert _mean_and_spread([2.0]) == MeanOverSeeds(2.0, None)
    assert _mean_and_spread([1.0, 3.0]) == MeanOverSeeds(2.0, 2**0.5)
