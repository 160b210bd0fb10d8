import pytest

from raydist.distributed.driver.memory import check_group_memory
from raydist.errors import ConfigError


def test_the_larger_modality_decides_what_a_shard_takes(smoke):
    few, many = (check_group_memory(smoke(), sizes).shard_mb for sizes in ([100, 100], [100, 5000]))
    assert check_group_memory(smoke(), [5000, 100]).shard_mb == many > few
    with pytest.raises(ConfigError, match=r"memory\.shard_mb = 1 allows less"):
        check_group_memory(smoke("memory.shard_mb=1"), [100_000, 100])


def test_a_memory_has_a_row_for_every_tracklet(smoke):
    memory = check_group_memory(smoke(), [600, 400])
    assert memory.slots.worker_mb == memory.prototypes_mb == pytest.approx(1000 * 256 * 4 / 1e6)
    with pytest.raises(ConfigError, match=r"memory\.replicate_mb = 1 allows less"):
        check_group_memory(smoke("memory.replicate_mb=1", "ray.num_workers=1"), [1000, 1000])
