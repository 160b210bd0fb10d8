"""One local Ray cluster for all tests of this folder."""

from collections.abc import Iterator

import pytest

from raydist.distributed.cluster import connected
from raydist.engine.schema import RaySection


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "distributed" in item.path.parts:
            item.add_marker(pytest.mark.ray)


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """Two CPUs on the loopback."""
    with connected(RaySection()):
        yield
