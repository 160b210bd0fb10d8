import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from raydist.neighbours.jaccard.slabs import (
    in_small_slabs,
    map_slabs,
    row_slabs,
    small_slabs,
    sparse_rows,
    stack_rows,
    unsigned,
    with_room,
    work_slabs,
)


def test_slabs_cover_every_row_once_in_order():
    for num_rows in (0, 1, 5, 12, 1000):
        for number in (1, 2, 5):
            slabs = row_slabs(num_rows, number)
            assert len(slabs) == number
            assert np.array_equal(np.concatenate(slabs), np.arange(num_rows))
            worked = [np.arange(num_rows)[slab] for slab in work_slabs(num_rows, threads=number)]
            assert np.array_equal(np.concatenate(worked), np.arange(num_rows))


@pytest.mark.parametrize("num_rows", [0, 1, 2047, 2048, 2049, 5000])
def test_a_matrix_is_made_a_few_rows_at_a_time(num_rows):
    whole = csr_array(random_array((num_rows, 7), density=0.3, rng=np.random.default_rng(0)))
    slabs = []

    def rule(rows):
        slabs.append(np.arange(num_rows)[rows])
        part = whole[rows]
        return csr_array((part.data, part.indices.astype(np.int64), part.indptr), shape=part.shape)

    made = in_small_slabs(num_rows, rule)
    assert np.array_equal(np.concatenate(slabs), np.arange(num_rows))
    assert len(slabs) == len(small_slabs(num_rows)) == max(1, -(-num_rows // 2048))
    assert made.shape == whole.shape
    assert (made != whole).nnz == 0
    assert {made.indices.dtype, made.indptr.dtype} == {np.dtype(np.int32)}


def test_more_threads_have_more_slabs_and_few_rows_have_few():
    assert len(work_slabs(10_000, threads=1)) == 1
    assert len(work_slabs(10_000, threads=4)) > 4
    assert len(work_slabs(10, threads=4)) == 1


def test_results_come_in_the_order_of_the_slabs():
    slabs = row_slabs(10, 4)
    for threads in (1, 3):
        assert map_slabs(lambda rows: int(rows.sum()), slabs, threads=threads) == [3, 12, 13, 17]


def test_stacked_parts_are_the_whole_and_are_used_up():
    whole = csr_array(np.random.default_rng(0).integers(0, 3, (7, 5)).astype(np.int32))
    parts = [whole[:3], whole[3:3], whole[3:]]
    stacked = stack_rows(parts)
    assert not parts
    assert np.array_equal(stacked.toarray(), whole.toarray())
    assert (stacked.dtype, stacked.indices.dtype, stacked.indptr.dtype) == (np.int32, np.int32, np.int32)


def test_rows_of_unsigned_columns():
    rows = sparse_rows(
        np.array([0, 2, 2, 3]), np.array([4, 0, 1], np.uint32), np.array([5, 6, 7]), num_columns=5
    )
    assert rows.toarray().tolist() == [[6, 0, 0, 0, 5], [0] * 5, [0, 7, 0, 0, 0]]
    assert rows.indices.dtype == np.int32
    assert unsigned(rows.indices).tolist() == [4, 0, 1]
    assert unsigned(np.array([3, 1])).dtype == np.uint32


@pytest.mark.parametrize("more", [0, 3, 4, 50])
def test_a_buffer_grows_when_it_must_and_keeps_what_is_in_use(more):
    buffer = np.arange(10, dtype=np.int32)
    longer = with_room(buffer, 7, more)
    assert (longer.size == 10) == (more <= 3)
    assert longer.size >= 7 + more
    assert longer[:7].tolist() == list(range(7))
