"""One local Ray cluster for all tests of this folder."""

from collections.abc import Iterator

import pytest
import ray

from raydist.distributed.cluster import connected
from raydist.distributed.shards.feature_shard import ShardActor
from raydist.distributed.shards.start import start_shards
from raydist.engine.ray_section import RaySection


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "distributed" in item.path.parts:
            item.add_marker(pytest.mark.ray)


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """Two CPUs on the loopback."""
    with connected(RaySection()):
        yield


@pytest.fixture(scope="module")
def shards(cluster: None) -> Iterator[list[ShardActor]]:
    """Five feature shards."""
    actors = start_shards(5)
    yield actors
    for actor in actors:
        ray.kill(actor)
