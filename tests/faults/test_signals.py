"""A run that is interrupted from the keyboard or ended from outside: the promised exit code, and it can be
gone on with."""

import json
import signal
import subprocess
import sys
import time
import uuid

import psutil
import pytest

from raydist.engine.run_folder import RunFolder

pytestmark = pytest.mark.ray

WORDS = [
    "method.name=dcl", "train.epochs=3", "train.iterations=20", "train.batch_identities=3",
    "ray.num_workers=1", "ray.num_shards=1", "tracking.mlflow_uri=null", "run.name=r",
]  # fmt: skip


@pytest.fixture
def started():
    """`started(env, folder)` starts a run, its errors readable; what still runs at the end is killed."""
    processes = []

    def start(env, folder):
        command = [sys.executable, "-m", "raydist.train", "smoke", *WORDS]
        processes.append(subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def marked_env(run_env):
    """The environment of a run, by which its processes are known."""
    return run_env | {"RAYDIST_TEST_MARK": uuid.uuid4().hex}


def left_behind(env, *, seconds):
    """Names of the processes of a run that are still there after a while."""

    def names():
        listed = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("RAYDIST_TEST_MARK") == env["RAYDIST_TEST_MARK"]:
                    listed.append(process.name())
            except psutil.Error:
                pass  # it has ended, or is another user's
        return listed

    end = time.monotonic() + seconds
    while (present := names()) and time.monotonic() < end:
        time.sleep(0.2)
    return present


@pytest.mark.parametrize("delay", [0.2, 3])  # Ray is being imported; its processes start
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_heard_while_ray_starts(started, marked_env, tmp_path, number, code, delay):
    process = started(marked_env, tmp_path)
    for line in process.stderr:
        if line.startswith("starting Ray"):
            time.sleep(delay)
            process.send_signal(number)
            break
    _, rest = process.communicate(timeout=60)
    assert process.returncode == code
    assert rest.splitlines()[-1] == ("interrupted" if code == 130 else "terminated")
    assert left_behind(marked_env, seconds=60) == []
    assert not (tmp_path / "runs").exists()


def test_a_run_that_is_stopped_before_it_begins_takes_no_name(started, marked_env, tmp_path):
    git = tmp_path / "bin" / "git"  # asked for the commit when the folder is made
    git.parent.mkdir()
    git.write_text("#!/bin/sh\ntest -f runs/r/config.yaml && kill -INT $PPID\nsleep 1\n")
    git.chmod(0o755)
    env = marked_env | {"PATH": f"{git.parent}:{marked_env['PATH']}"}
    process = started(env, tmp_path)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted"
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_second_ctrl_c_ends_at_once_with_a_whole_checkpoint(started, marked_env, tmp_path):
    process = started(marked_env, tmp_path)
    for line in process.stderr:
        if line.startswith("epoch 1/3"):
            break
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - begin < 3
    advice = f"go on with: python -m raydist.train --resume {tmp_path / 'runs' / 'r'}"
    assert rest.splitlines()[-1] == f"interrupted again: ended at once; {advice}"
    assert left_behind(marked_env, seconds=60) == []
    folder = RunFolder.open(tmp_path / "runs" / "r")
    assert folder.checkpoints.newest()[0] >= 1
    assert [report.epoch for report in folder.reports()][:2] == [0, 1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_ends_with_its_code_and_goes_on(run_env, tmp_path, number, code):
    command = [sys.executable, "-m", "raydist.train"]
    process = subprocess.Popen(
        [*command, "smoke", *WORDS], cwd=tmp_path, env=run_env, stderr=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if line.startswith("epoch 1/3"):
            process.send_signal(number)
            break
    _, rest = process.communicate(timeout=60)
    assert process.returncode == code
    advice = f"go on with: python -m raydist.train --resume {tmp_path / 'runs' / 'r'}"
    assert rest.splitlines()[-1] == f"{'interrupted' if code == 130 else 'terminated'}; {advice}"
    assert not (tmp_path / "runs" / "r" / "summary.json").exists()
    if number == signal.SIGINT:
        time.sleep(1)
        again = [*command, "--resume", "runs/r", "--json"]
        resumed = subprocess.run(
            again, cwd=tmp_path, env=run_env, capture_output=True, text=True, timeout=120, check=True
        )
        assert json.loads(resumed.stdout.splitlines()[-1])["epochs"] == 3
        assert "epoch 1/3" not in resumed.stderr
