"""On which device shards search; a cluster may say that it has GPUs where torch finds none."""

import subprocess
import sys
from pathlib import Path

import pytest

from raydist.distributed.shards.start import start_shards
from raydist.errors import ConfigError

ROOT = Path(__file__).parents[3]

ON_GPUS_THAT_ARE_NOT_THERE = """
import ray
ray.init("local", num_gpus=2, include_dashboard=False, _node_ip_address="127.0.0.1")
from raydist.distributed.shards.feature_shard import FeatureShard
from raydist.distributed.shards.start import start_shards
from raydist.errors import ConfigError
from raydist.neighbours.search.options import SearchOptions

try:
    start_shards(2, device="cuda")
except ConfigError as error:
    print(error)
print(FeatureShard(SearchOptions(device="cuda:1")).has_device())
"""


@pytest.mark.usefixtures("cluster")
def test_a_cluster_without_gpus_is_refused():
    with pytest.raises(
        ConfigError, match=r"ray.shard_device = cuda: no node .* has a GPU; set ray.shard_dev"
    ):
        start_shards(2, device="cuda")


def test_gpus_that_torch_does_not_find_are_refused_and_a_later_shard_does_without():
    done = subprocess.run(
        [sys.executable, "-c", ON_GPUS_THAT_ARE_NOT_THERE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refusal, has_device = done.stdout.splitlines()[-2:]
    assert refusal.startswith("ray.shard_device = cuda: torch finds no CUDA device where feature shards are")
    assert has_device == "False"
    assert "searches on the CPU" in done.stderr
