"""A disk that is full in the middle of a run: one line, nothing half-written, and the run goes on later."""

import os
import subprocess
import sys

import pytest

from raydist.engine.run_folder import RunFolder

pytestmark = pytest.mark.ray

WORDS = (
    "smoke method.name=dcl train.epochs=2 train.iterations=2 train.batch_identities=3 ray.num_workers=1 "
    "ray.num_shards=1 tracking.mlflow_uri=null run.name=r"
)
PREFIX = ["unshare", "--user", "--map-root-user", "--mount"]
"""A process with mounts of its own."""

SCRIPT = """
mount -t tmpfs -o size=60m none {disk}
(
    until [ -e {disk}/r/checkpoints/epoch_0001/manifest.json ]; do sleep 0.02; done
    head -c 60m /dev/zero > {disk}/another 2> /dev/null
) &
{python} -m raydist.train {words} run.dir={disk}
echo "exit code $?" >&2
cp -r {disk}/r {kept}
rm {disk}/another
{python} -m raydist.train --resume {disk}/r
echo "exit code $?" >&2
cp -r {disk}/r {finished}
"""


@pytest.fixture
def can_mount():
    """Skips where the system lets no user mount a file system of his own."""
    probe = [*PREFIX, "mount", "-t", "tmpfs", "none", "/mnt"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this system does not let a user mount a small file system")


def test_a_full_disk_is_told_once_and_the_run_goes_on_when_there_is_room(can_mount, run_env, tmp_path):
    """After the first checkpoint another file takes all room."""
    disk, kept, finished = (tmp_path / name for name in ("disk", "kept", "finished"))
    disk.mkdir()
    script = SCRIPT.format(disk=disk, kept=kept, finished=finished, python=sys.executable, words=WORDS)
    run = subprocess.run(
        [*PREFIX, "bash", "-c", script], env=run_env, capture_output=True, text=True, timeout=600, check=True
    )
    first, second = run.stderr.split("exit code 1\n")
    assert "No space left on device" in first.splitlines()[-1], run.stderr
    assert first.splitlines()[-1].endswith(f"; go on with --resume {disk}/r")
    assert "Traceback" not in run.stderr
    assert (kept / "log.txt").read_text().count(" INFO started") == 1, "the worker is not started again"
    assert RunFolder(kept).checkpoints.newest()[0] == 1
    assert os.listdir(kept / "checkpoints") == ["epoch_0001"]
    assert second.endswith("exit code 0\n")
    assert RunFolder(finished).summary().epochs == 2
    assert os.listdir(disk) == [], "the disk was that of the script alone"
