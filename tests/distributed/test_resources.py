"""What a cluster cannot place is refused in a moment, or waited for as long as the user says."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import ray

from raydist.distributed.resources import check_resources, num_groups
from raydist.engine.ray_section import RaySection
from raydist.errors import ConfigError
from raydist.plurals import counted
from tests.ray_nodes import add_node

ROOT = Path(__file__).parents[2]

CHECK = """
import json, sys
from raydist.announcements import listening
from raydist.distributed.cluster import connected
from raydist.distributed.resources import check_resources
from raydist.engine.ray_section import RaySection

def show(line):
    from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
    from ray.experimental.internal_kv import _internal_kv_get

    asked = json.loads(_internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL) or "null")
    print(json.dumps({"line": line, "asked": asked}), flush=True)

section = RaySection(address=sys.argv[1], num_workers=int(sys.argv[2]), wait_for_resources=120)
with connected(section):
    show("before")
    with listening(show):
        check_resources(section)
    show("after")
"""


def test_as_many_workers_as_there_are_cpus_are_taken(cluster):
    check_resources(RaySection(num_workers=int(ray.cluster_resources()["CPU"])))


def test_groups_share_the_cpus(cluster):
    assert num_groups(RaySection(num_workers=1)) == int(ray.cluster_resources()["CPU"])


@pytest.mark.parametrize("patience", [0, 86_400])  # a local cluster does not grow
@pytest.mark.parametrize("use_gpu", [False, True])
def test_more_workers_than_the_cluster_has_room_for_are_refused(cluster, use_gpu, patience):
    kind = "GPU" if use_gpu else "CPU"
    have = int(ray.cluster_resources().get(kind, 0))
    fewer = [r"lower ray\.num_workers"] if have else []
    ways = [*fewer, *([r"set ray\.use_gpu=false"] if use_gpu else []), "add nodes"]
    wanted = (
        rf"num_workers = {have + 1} needs {counted(have + 1, kind)}; the cluster has {have}: "
        rf"{' or '.join(ways)}$"
    )
    with pytest.raises(ConfigError, match=wanted):
        check_resources(RaySection(num_workers=have + 1, use_gpu=use_gpu, wait_for_resources=patience))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"resources_per_worker": {"slots": 1}},
            "needs 2 of slots; the cluster has 0: lower ray.num_workers or",
        ),
        (
            {"cpus_per_worker": 100},
            r"needs 200 CPUs; the cluster has \d+: .* lower ray.cpus_per_worker or",
        ),
        ({"label_selector": {"zone": "a"}}, r"needs 2 CPUs; nodes with \{'zone': 'a'\} have 0"),
        ({"num_workers": (100, 200)}, r"num_workers = \[100, 200\] needs 100 CPUs; the cluster has \d"),
    ],
)
def test_what_no_node_has_is_refused(cluster, asked, message):
    with pytest.raises(ConfigError, match=message):
        check_resources(RaySection(**asked))


def test_a_range_of_workers_needs_room_for_the_fewest(cluster):
    check_resources(RaySection(num_workers=(1, 1000), label_selector={"zone": "!a"}))


def test_a_node_that_joins_is_waited_for_and_asked_of_the_autoscaler(one_node, run_env):
    add_node(one_node)
    command = [sys.executable, "-c", CHECK, one_node.address, "2"]
    said = []
    with subprocess.Popen(command, cwd=ROOT, env=run_env, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            said.append(json.loads(line))
            if said[-1]["line"].startswith("waiting"):
                add_node(one_node)
    assert process.returncode == 0
    before, waiting, enough, after = said
    assert before["asked"] in (None, [])
    assert waiting == {
        "line": "waiting up to 120 s for 2 CPUs; the cluster has 1",
        "asked": [{"CPU": 1.0}, {"CPU": 1.0}],
    }
    assert enough["line"].startswith("the cluster has 2 CPUs after ")
    assert after == {"line": "after", "asked": []}


def test_the_autoscaler_starts_the_nodes_that_are_waited_for(autoscaled):
    command = [sys.executable, "-c", CHECK, f"127.0.0.1:{autoscaled.port}", "2"]
    asked = subprocess.run(
        command, cwd=ROOT, env=autoscaled.env, capture_output=True, text=True, timeout=240, check=False
    )
    assert asked.returncode == 0, asked.stderr
    _, waiting, enough, after = map(json.loads, asked.stdout.splitlines())
    assert waiting["line"] == "waiting up to 120 s for 2 CPUs; the cluster has 0"
    assert enough["line"].startswith("the cluster has 2 CPUs after ")
    assert after["asked"] == []


def requested(cluster):
    """What the autoscaler of a cluster is asked for; None where it never was."""
    from ray._private.ray_constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
    from ray._raylet import GcsClient

    stored = GcsClient(address=cluster.address).internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL, None)
    return json.loads(stored) if stored else None


@pytest.fixture
def started(one_node, run_env, tmp_path):
    """`started(*words)` starts a training with one worker on a cluster without CPUs, its errors readable."""
    command = [sys.executable, "-m", "raydist.train", "smoke", "ray.num_workers=1"]
    common = ["tracking.mlflow_uri=null", f"ray.address={one_node.address}"]
    return lambda *words: subprocess.Popen(
        [*command, *common, *words], cwd=tmp_path, env=run_env, stderr=subprocess.PIPE, text=True
    )


def test_a_training_is_refused_at_once_or_after_the_wait(started, tmp_path):
    with started() as process:
        _, at_once = process.communicate(timeout=120)
    assert process.returncode == 2
    needs = "error: ray.num_workers = 1 needs 1 CPU; the cluster has 0"
    assert at_once.splitlines()[-1] == (
        f"{needs}: add nodes and wait for them with ray.wait_for_resources=SECONDS"
    )
    with started("ray.wait_for_resources=2") as process:
        _, waited = process.communicate(timeout=120)
    assert process.returncode == 2
    assert waited.splitlines()[-2:] == [
        "waiting up to 2 s for 1 CPU; the cluster has 0",
        f"{needs}, also after 2 s (ray.wait_for_resources): add nodes",
    ]
    assert not (tmp_path / "runs").exists()


def test_a_training_that_waits_is_stopped(started, one_node, tmp_path):
    for number, code, word in ((signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")):
        with started("ray.wait_for_resources=600") as process:
            assert any(line.startswith("waiting up to 600 s for 1 CPU") for line in process.stderr)
            process.send_signal(number)
            _, rest = process.communicate(timeout=60)
        assert process.returncode == code
        assert rest.splitlines()[-1] == word
        assert requested(one_node) == []
        assert not (tmp_path / "runs").exists()
