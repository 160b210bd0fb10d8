"""A study of four short trials on two data sets, which is killed in the middle and goes on to its end.

The first two trials are the same, so that one that is cut off can be compared with one that is not; the
third learns nothing, so that pieces of its tracklets stay apart, by which trials are compared; and the fourth
cannot be clustered.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient

from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trial import Trial
from tests.processes import listening_sockets

SPACE = """
recipes: {synthetic: smoke method.name=dcl, hitsz_vcm: smoke method.name=dcl}
train.lr: {choice: [1e-3, 1e-9]}
clustering.min_samples: {choice: [2, 2, 2, 1000]}
"""
WORDS = [
    "train.epochs=4", "train.iterations=6", "train.batch_identities=3", "train.batch_instances=2",
    "ray.num_workers=1", "ray.num_shards=1", "tune.num_samples=4", "tune.seed=14", "tune.max_concurrent=1",
    "tune.objective=consistency", "tracking.mlflow_uri=sqlite:///mlflow.db",
]  # fmt: skip


def wait_for_an_epoch(folder: Path, number: int) -> None:
    """Until the records of a study say that a trial came to the end of an epoch."""
    path, give_up = folder / "trials.jsonl", time.monotonic() + 500
    while time.monotonic() < give_up:
        events = (
            [json.loads(line) for line in path.read_text().splitlines(True) if line.endswith("\n")]
            if path.is_file()
            else []
        )
        if any(event["trial"] == number and "epoch" in event for event in events):
            return
        time.sleep(0.05)
    raise TimeoutError(f"no epoch of trial {number} in {path}")


@contextmanager
def started(command: list[str], *, kill: Callable[[int, int], None], **more: object) -> Iterator[int]:
    """A process in a group of its own; one of them or all are killed at the end of the block."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0, **more
    )
    try:
        yield process.pid
    finally:
        kill(process.pid, signal.SIGKILL)
        process.wait(timeout=60)


def run_study(home: Path, smoke_root: Path) -> tuple[StudyFolder, list[Trial], dict, str]:
    """Its folder, the trials when it was killed, the summary, and what was said after that."""
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    (home / "space.yaml").write_text(SPACE)
    words = [
        "space.yaml",
        *WORDS,
        "data.name=synthetic,hitsz_vcm",
        f"data.root=unused,{smoke_root}",
        "run.name=s",
    ]
    command = [sys.executable, "-m", "raydist.tune", *words]
    with started(command, kill=os.kill, cwd=home, env=env) as pid:
        wait_for_an_epoch(home / "runs" / "s", 0)
        sockets = listening_sockets(pid)
        wait_for_an_epoch(home / "runs" / "s", 1)
    folder = StudyFolder.open(home / "runs" / "s")
    killed = folder.trials()
    again = [*command, "--resume", "runs/s", "--json"]
    result = subprocess.run(
        again, cwd=home, env=env, capture_output=True, text=True, timeout=500, check=False
    )
    assert result.returncode == 0, result.stderr
    (home / "sockets.json").write_text(json.dumps(sockets))
    return folder, killed, json.loads(result.stdout.splitlines()[-1]), result.stderr


def experiment_of(client: MlflowClient, summary: dict) -> str:
    """The id of the experiment that a study is logged to, from its summary."""
    name = f"raydist/{summary['method']}-{'+'.join(summary['data'])}"
    return client.get_experiment_by_name(name).experiment_id
