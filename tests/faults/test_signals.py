"""A run that is interrupted from the keyboard or ended from outside: the promised exit code, and it can be
gone on with."""

import json
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.ray

WORDS = [
    "method.name=dcl", "train.epochs=3", "train.iterations=20", "train.batch_identities=3",
    "ray.num_workers=1", "ray.num_shards=1", "tracking.mlflow_uri=null", "run.name=r",
]  # fmt: skip


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
