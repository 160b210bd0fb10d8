"""A run on a node whose memory Ray finds too full."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.ray


def test_what_ray_ends_for_its_memory_is_said_with_what_to_do(run_env, tmp_path):
    """Ray's watch over the memory is told that a twentieth of it in use is too much."""
    watched = {"RAY_memory_usage_threshold": "0.05", "RAY_memory_monitor_refresh_ms": "100"}
    words = ["smoke", "ray.max_failures=0", "ray.num_workers=1", "tracking.mlflow_uri=null"]
    found = subprocess.run(
        [sys.executable, "-m", "raydist.train", *words],
        cwd=tmp_path,
        env=run_env | watched,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert found.returncode == 1
    (error,) = (line for line in found.stderr.splitlines() if line.startswith("error: "))
    assert "memory of its node was nearly full: see what else runs there, or lower ray.num_workers" in error
    assert "go on with --resume" in error
