import pytest

from raydist.distributed.shards.memory import PART_BYTES, check_shard_memory, num_parts, shard_memory
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.camera_aware import CameraAwareJaccard
from raydist.neighbours.jaccard.plain import PlainJaccard

PLAIN, CAMERA = PlainJaccard(), CameraAwareJaccard()


def test_more_shards_take_less_each():
    one, four = (shard_memory(100_000, 512, PLAIN, num_shards=s) for s in (1, 4))
    assert 3 * 4 * 512 * 25_000 < four.features < one.features
    assert four.search < one.search
    assert four.lists == one.lists
    assert four.total < one.total


def test_the_largest_clustering_counts():
    megabytes, search = check_shard_memory(
        [10, 50_000], 512, [PLAIN, CAMERA], num_shards=2, threads=1, budget_mb=4000, tables=10**8
    )
    need = shard_memory(50_000, 512, CAMERA, num_shards=2)
    assert megabytes == need.total / 1e6 + 100
    assert search == 3_900_000_000 - need.total + need.search


def test_a_budget_that_is_too_small_is_told_with_the_way_out():
    with pytest.raises(
        ConfigError, match=r"ray\.num_shards = 2; memory\.shard_mb = 400.*raise it, or ray\.num_shards"
    ):
        check_shard_memory([50_000], 512, [PLAIN], num_shards=2, threads=1, budget_mb=400, tables=0)


@pytest.mark.parametrize("num_rows", [0, 1, 10_000, 1_000_000])
def test_what_is_asked_for_at_one_time_is_bounded(num_rows):
    assert 4 * 4 * 512 * num_rows <= num_parts(num_rows, 512) * PART_BYTES
