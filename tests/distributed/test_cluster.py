"""What a cluster can never place is refused in a moment, and not waited for."""

import pytest
import ray

from raydist.distributed.cluster import check_resources
from raydist.engine.schema import RaySection
from raydist.errors import ConfigError


def test_as_many_workers_as_there_are_cpus_are_taken(cluster):
    check_resources(RaySection(num_workers=int(ray.cluster_resources()["CPU"])))


@pytest.mark.parametrize("use_gpu", [False, True])
def test_more_workers_than_the_cluster_has_room_for_are_refused(cluster, use_gpu):
    kind = "GPU" if use_gpu else "CPU"
    have = int(ray.cluster_resources().get(kind, 0))
    wanted = (
        rf"num_workers = {have + 1} needs {have + 1} {kind}s; the cluster has {have}: lower ray\.num_workers"
    )
    with pytest.raises(ConfigError, match=wanted):
        check_resources(RaySection(num_workers=have + 1, use_gpu=use_gpu))
