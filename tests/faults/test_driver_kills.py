"""A run whose driver is killed, again and again, goes on and ends with the bytes of one that was not."""

import os
import signal
import subprocess
import sys
import time

import pytest

from raydist.engine.run_folder import RunFolder

pytestmark = pytest.mark.ray

WORDS = [
    "smoke", "method.name=dcl", "train.epochs=6", "train.iterations=10", "train.batch_identities=3",
    "ray.num_workers=1", "ray.num_shards=1", "tracking.mlflow_uri=null",
]  # fmt: skip
COMMAND = [sys.executable, "-m", "raydist.train"]


def killed_after_an_epoch(words: list[str], **more: object) -> None:
    """Start a run, and kill its driver when it tells of an epoch; its workers may be in the next one."""
    process = subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, text=True, **more)
    for line in process.stderr:
        if line.startswith("epoch "):
            break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    time.sleep(3)  # what it started ends by itself


def test_a_run_whose_driver_is_killed_twice_ends_with_the_same_bytes(run_env, tmp_path, outcome):
    more = {"cwd": tmp_path, "env": run_env}
    subprocess.run([*COMMAND, *WORDS, "run.name=quiet"], capture_output=True, timeout=300, check=True, **more)
    killed_after_an_epoch([*WORDS, "run.name=killed"], **more)
    killed_after_an_epoch(["--resume", "runs/killed"], **more)
    subprocess.run(
        [*COMMAND, "--resume", "runs/killed"], capture_output=True, timeout=300, check=True, **more
    )
    quiet, killed = (RunFolder(tmp_path / "runs" / name) for name in ("quiet", "killed"))
    assert (killed.path / "log.txt").read_text().count("going on after epoch") == 2
    assert outcome(killed) == outcome(quiet)
