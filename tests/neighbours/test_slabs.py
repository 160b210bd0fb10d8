import numpy as np

from raydist.neighbours.slabs import map_slabs, row_slabs


def test_slabs_cover_every_row_once_in_order():
    for num_rows in (0, 1, 5, 12):
        for num_slabs in (1, 2, 5):
            slabs = row_slabs(num_rows, num_slabs)
            assert len(slabs) == num_slabs
            assert np.array_equal(np.concatenate(slabs), np.arange(num_rows))


def test_results_come_in_the_order_of_the_slabs():
    slabs = row_slabs(10, 4)
    for threads in (1, 3):
        assert map_slabs(lambda rows: int(rows.sum()), slabs, threads=threads) == [3, 12, 13, 17]
