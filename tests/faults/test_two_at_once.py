"""Two that go on with one run, or one study, at once: the second is refused before it touches anything."""

import json
import os
import signal
import subprocess
import sys

import pytest

from raydist.engine.run_folder import RunFolder
from raydist.errors import ConfigError
from raydist.owner import LOCK

HOLDER = """
import sys, time
from pathlib import Path
from raydist.owner import owned
with owned(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def in_use(smoke, tmp_path):
    """The folder of a run in which another process is at work."""
    folder = RunFolder.create(tmp_path, "mine", "x")
    folder.write("config.yaml", smoke("tracking.mlflow_uri=null").dump())
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder.path)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"ready\n"
    yield folder, holder
    holder.kill()
    holder.wait()


def resume(folder, env):
    return subprocess.run(
        [sys.executable, "-m", "raydist.train", "--resume", str(folder.path)],
        env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_the_second_resume_is_refused_with_the_name_of_the_first(in_use, run_env):
    folder, holder = in_use
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}
    second = resume(folder, run_env)
    assert second.returncode == ConfigError.exit_code == 2
    assert f"{folder.path} is in use by process {holder.pid} on " in second.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")} == before


def test_a_run_of_a_dead_process_goes_on_and_one_of_another_host_does_not(in_use, run_env):
    folder, holder = in_use
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with folder.owned():
        assert json.loads((folder.path / LOCK).read_text())["pid"] == os.getpid()
    (folder.path / LOCK).write_text(json.dumps({"host": "node-7", "pid": holder.pid, "since": "noon"}))
    refused = resume(folder, run_env)
    assert refused.returncode == 2
    assert f"process {holder.pid} on node-7 since noon" in refused.stderr
    assert f"delete {folder.path / LOCK}" in refused.stderr
