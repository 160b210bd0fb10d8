"""Jobs: their words are understood, their cluster is there, and what they take fits into its pods."""

import math
import re
import shlex
from itertools import pairwise

import pytest

from raydist.distributed.driver.memory import AROUND_A_STEP, check_group_memory
from raydist.engine.feasibility import build_method
from raydist.engine.schema import load_config
from raydist.engine.step_memory import NOT_FORECAST, step_memory
from raydist.health.local_cluster import BOARD, PROCESS, SERVICES
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from tests.deploy.manifests import (
    DEPLOY,
    ROOT,
    build,
    cluster_of,
    everything,
    groups,
    jobs,
    layers,
    quantity,
    read,
)

GPU = next(one for one in build(DEPLOY / "kuberay/overlays/gpu") if one["kind"] == "RayCluster")
SIZES = {"demo": (2_000, 2_000), "cba-hitsz_vcm": (11_785, 10_078)}
"""Recipe -> tracklets of the two modalities, no fewer than it trains on."""

CLUSTERS = [
    pytest.param(cluster, id=f"{place}:{one['metadata']['name']}")
    for place, one in everything()
    if (cluster := cluster_of(one))
]


def one_job(file):
    """The job of a file."""
    (job,) = read(DEPLOY / file)
    return job


def words_of(job):
    """The program and the words of a job's entrypoint, and the configuration that they make."""
    python, flag, module, first, *words = shlex.split(job["spec"]["entrypoint"])
    assert (python, flag) == ("python", "-m")
    if module == "raydist.train":
        return first, load_config(first, words)
    assert module == "raydist.tune"
    space = ROOT / first.removeprefix("/opt/raydist/")
    study = make_study(Space.read(space), words)
    return "cba-hitsz_vcm", study.base


@pytest.mark.parametrize("file", jobs())
def test_the_words_of_a_job_are_understood(file):
    _, config = words_of(one_job(file))
    assert config.run.on_exists == "resume"
    assert re.search(r"\brun\.name=\S", one_job(file)["spec"]["entrypoint"])


@pytest.mark.parametrize("file", ["kuberay/jobs/train.yaml", "kuberay/jobs/sweep.yaml"])
def test_a_job_without_a_cluster_has_one_that_stands_and_waits_for_it_to_grow(file):
    job = one_job(file)
    assert job["spec"]["clusterSelector"] == {"ray.io/cluster": GPU["metadata"]["name"]}
    assert job["metadata"]["namespace"] == GPU["metadata"]["namespace"]
    _, config = words_of(job)
    (workers,) = GPU["spec"]["workerGroupSpecs"]
    assert config.ray.wait_for_resources >= 600
    assert config.ray.use_gpu
    assert config.ray.num_workers <= workers["maxReplicas"]


def test_workers_come_from_none():
    for layer in (one for one in layers() if "overlays" in one):
        (cluster,) = (cluster for one in build(DEPLOY / layer) if (cluster := cluster_of(one)))
        assert cluster["enableInTreeAutoscaling"]
        assert [group["minReplicas"] for group in cluster["workerGroupSpecs"]] == [0]
        assert not [group for group in cluster["workerGroupSpecs"] if "replicas" in group]
    assert "gcsFaultToleranceOptions" in GPU["spec"]
    (container,) = GPU["spec"]["workerGroupSpecs"][0]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_object_store_fits_into_shared_memory_and_that_into_the_pod(cluster):
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in groups(cluster):
        pod = group["template"]["spec"]
        (shm,) = (one["emptyDir"] for one in pod["volumes"] if one["name"] == "shm")
        assert {"name": "shm", "mountPath": "/dev/shm"} in pod["containers"][0]["volumeMounts"]
        assert shm["medium"] == "Memory"
        resources = pod["containers"][0]["resources"]
        assert resources["requests"]["memory"] == resources["limits"]["memory"]
        sizes = [
            int(group["rayStartParams"]["object-store-memory"]),
            quantity(shm["sizeLimit"]),
            quantity(resources["limits"]["memory"]) / 2,
        ]
        assert all(small <= large for small, large in pairwise(sizes))


def volumes(manifests):
    """The claims that pods of these manifests name."""
    for one in manifests:
        cluster = cluster_of(one)
        for group in groups(cluster) if cluster else []:
            for volume in group["template"]["spec"]["volumes"]:
                if "persistentVolumeClaim" in volume:
                    yield volume["persistentVolumeClaim"]["claimName"]


@pytest.mark.parametrize("layer", [one for one in layers() if "overlays" in one])
def test_the_volume_of_a_cluster_is_claimed(layer):
    manifests = build(DEPLOY / layer)
    claims = {one["metadata"]["name"] for one in manifests if one["kind"] == "PersistentVolumeClaim"}
    assert set(volumes(manifests)) == claims


def processes_per_node(cluster, config):
    """The most workers and shards of a run on one node."""
    (group,) = cluster["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    kind = "nvidia.com/gpu" if config.ray.use_gpu else "cpu"
    workers = min(int(container["resources"]["requests"][kind]), config.ray.num_workers)
    nodes = math.ceil(config.ray.num_workers / workers)
    return workers, math.ceil(config.ray.num_shards / nodes), container["resources"]["requests"]["memory"]


@pytest.mark.parametrize("file", jobs())
def test_what_is_forecast_fits_into_the_pods(file, smoke_inputs):
    job = one_job(file)
    recipe, config = words_of(job)
    cluster = job["spec"].get("rayClusterSpec") or GPU["spec"]
    step = NOT_FORECAST
    if not config.ray.use_gpu:
        step = step_memory(config, build_method(config, smoke_inputs).stages())
    memory = check_group_memory(config, SIZES[recipe], step)
    workers, shards, requested = processes_per_node(cluster, config)
    store = int(cluster["workerGroupSpecs"][0]["rayStartParams"]["object-store-memory"])
    worker = PROCESS + memory.worker_mb(use_gpu=config.ray.use_gpu) * 1e6
    assert SERVICES + store + workers * worker + shards * (PROCESS + memory.shard_bytes) <= quantity(
        requested
    )
    assert memory.store_mb * 1e6 <= store

    head = cluster["headGroupSpec"]
    (container,) = head["template"]["spec"]["containers"]
    store = int(head["rayStartParams"]["object-store-memory"])
    driver = PROCESS + AROUND_A_STEP + step.extraction + step.weights
    needed = 2 * SERVICES + store + BOARD + driver
    assert needed <= quantity(container["resources"]["requests"]["memory"])
