"""What is refused before a training starts; no test here starts Ray."""

import resource
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from raydist.announcements import listening
from raydist.distributed.driver.memory import GroupMemory
from raydist.distributed.driver.preflight import preflight, preflight_search
from raydist.engine.checkpoint_room import checkpoint_room
from raydist.engine.memory_check import SlotMemory
from raydist.engine.step_memory import StepMemory
from raydist.errors import ConfigError

SMALL = GroupMemory(
    SlotMemory(1),
    prototypes_mb=1,
    shard_mb=1,
    search_budget=0,
    step=StepMemory(frames=8, activations=100, extraction=100, weights=100),
    refresh_mb=1,
    store_mb=1,
)

TRAIN = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
from raydist.train import main
main()
"""


@pytest.fixture
def few_mb(tmp_path):
    """A disk of its own with 4 MB, where the system lets a test mount one."""
    (tmp_path / "disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(tmp_path / "disk")]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts nothing for a test")
    yield tmp_path / "disk"
    subprocess.run(["umount", str(tmp_path / "disk")], check=True)


def test_a_disk_without_room_for_the_checkpoints_is_refused(smoke, few_mb):
    with pytest.raises(ConfigError, match=r"disk: 4 MiB left in .*disk, and the checkpoints of this run"):
        preflight(smoke(f"run.dir={few_mb / 'runs'}"), SMALL, None)
    assert list(few_mb.iterdir()) == []


def test_a_disk_that_may_be_too_small_is_warned_of(smoke, tmp_path, monkeypatch):
    config = smoke(f"run.dir={tmp_path}")
    room = checkpoint_room(config, memory_mb=1)
    left = shutil.disk_usage(tmp_path)._replace(free=(room.least + room.most) // 2)
    real = shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda path: left if path == tmp_path else real(path))
    said = []
    with listening(said.append):
        preflight(config, SMALL, None)
    assert [line for line in said if line.startswith("warning: disk: ")]


def test_memory_that_is_not_there_is_warned_of(smoke, tmp_path):
    said = []
    with listening(said.append):
        preflight(smoke(f"run.dir={tmp_path}"), replace(SMALL, shard_mb=10_000_000), None)
    assert any(line.startswith("warning: memory: ") and "may take" in line for line in said)


def test_the_frames_of_a_step_count_where_they_lie(smoke, tmp_path):
    huge = replace(SMALL, step=StepMemory(frames=8, activations=10**13, extraction=1, weights=1))
    for use_gpu, warned in ((False, True), (True, False)):
        said = []
        with listening(said.append):
            preflight(smoke(f"run.dir={tmp_path}", f"ray.use_gpu={use_gpu}".lower()), huge, None)
        assert any(line.startswith("warning: memory: ") for line in said) == warned


def test_a_cluster_has_other_machines(smoke, tmp_path):
    said = []
    config = smoke(f"run.dir={tmp_path}", "ray.address=127.0.0.1:1")
    with listening(said.append):
        preflight(config, replace(SMALL, shard_mb=10_000_000), None)
    assert said == []


def test_a_disk_without_room_for_one_trial_is_refused(smoke, few_mb):
    config = smoke(f"run.dir={few_mb / 'runs'}")
    with pytest.raises(ConfigError, match=r"disk: 4 MiB left in .*disk, and the checkpoints of 3 trials"):
        preflight_search([(config, SMALL)], num_trials=3)


def test_a_disk_without_room_for_all_trials_is_warned_of(smoke, tmp_path):
    said = []
    config = smoke(f"run.dir={tmp_path}")
    room = checkpoint_room(config, memory_mb=1).most
    enough_for = shutil.disk_usage(tmp_path).free // room
    with listening(said.append):
        preflight_search([(config, SMALL)], num_trials=enough_for // 2)
        assert [line for line in said if "disk" in line] == []
        preflight_search([(config, SMALL)], num_trials=enough_for * 2)
    assert [line for line in said if line.startswith("warning: disk: ")]


def test_trials_beside_each_other_take_memory_together(smoke, tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1000)
    said = []
    config = smoke(f"run.dir={tmp_path}", "ray.num_workers=1", "ray.num_shards=1")
    with listening(said.append):
        preflight_search([(config, SMALL)], num_trials=1)
        before = [line for line in said if "memory: " in line]
        preflight_search([(config, SMALL)], num_trials=1000)
    assert len([line for line in said if line.startswith("warning: memory: ")]) == len(before) + 1


def test_too_few_open_files_are_refused_before_anything_is_written(run_env, tmp_path):
    words = ["smoke", "tracking.mlflow_uri=null", "run.name=r"]
    asked = subprocess.run(
        [sys.executable, "-c", TRAIN, *words],
        cwd=tmp_path, env=run_env, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert asked.returncode == 2
    assert "open files: at most 60 a process" in asked.stderr
    assert "ulimit -Hn 65536" in asked.stderr
    assert "starting Ray" not in asked.stderr
    assert list(tmp_path.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 60
