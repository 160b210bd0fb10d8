import numpy as np
import pytest

from raydist.distributed.shards.half_ring import half_ring


@pytest.mark.parametrize("num_shards", range(1, 8))
def test_every_two_rows_of_different_shards_are_paired_once_and_all_work_equally(num_shards):
    paired, work = np.zeros((2 * num_shards, 2 * num_shards), int), np.zeros(num_shards)
    for shard, other, halved in half_ring(num_shards):
        own = [2 * shard + 1] if halved == "own" else [2 * shard, 2 * shard + 1]
        others = [2 * other] if halved == "other" else [2 * other, 2 * other + 1]
        paired[np.ix_(own, others)] += 1
        work[shard] += len(own) * len(others)
    owner = np.arange(2 * num_shards) // 2
    assert np.array_equal(paired + paired.T, (owner[:, None] != owner).astype(int))
    assert len(set(work)) == 1
