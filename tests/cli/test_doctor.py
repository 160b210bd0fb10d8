"""The doctor as a shell sees it, with real faults around it."""

import json
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

MISSING = ("ray", "mlflow", "faiss", "grpc")

DOCTOR = "from raydist.cli.app import main; main()"


def doctor(env, *words, python=(sys.executable,), code=DOCTOR):
    return subprocess.run(
        [*python, "-c", code, "doctor", *words],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def parts_of(asked):
    return json.loads(asked.stdout.splitlines()[-1])


def named(part, name):
    return next(one for one in part if one["name"] == name)


@pytest.fixture
def env(run_env, tmp_path):
    """A home of its own, and no cluster."""
    (tmp_path / "home").mkdir(mode=0o700)
    return {k: v for k, v in run_env.items() if not k.startswith("RAY_")} | {
        "RAYDIST_HOME": str(tmp_path / "home"),
        "RAY_TMPDIR": str(tmp_path),
    }


def test_a_machine_in_order_ends_with_0(env):
    asked = doctor(env, "--json")
    parts = parts_of(asked)
    assert parts.pop("trainable") is True
    assert asked.returncode == 0
    assert list(parts) == ["installed", "machine", "safety", "cluster"]
    assert named(parts["installed"], "python")["text"] == sys.version.split()[0]
    assert named(parts["cluster"], "cluster")["level"] == "fine"
    assert list(Path(env["RAYDIST_HOME"]).iterdir()) == []  # it looks, and makes nothing


def test_what_is_wrong_is_printed_with_its_fix(env):
    Path(env["RAYDIST_HOME"]).chmod(0o755)
    asked = doctor(env | {"RAY_AUTH_MODE": "disabled"})
    assert asked.returncode == 0
    assert "warning  token: RAY_AUTH_MODE=disabled" in asked.stdout
    assert f"-> chmod 700 {env['RAYDIST_HOME']}" in asked.stdout
    assert "0 that would stop a training" in asked.stderr


def test_a_home_that_cannot_be_written_ends_with_1(env):
    asked = doctor(env | {"RAYDIST_HOME": "/proc/raydist"})
    assert asked.returncode == 1
    assert "STOPS    home: /proc/raydist cannot be written" in asked.stdout


def test_a_machine_on_which_ray_would_not_start_ends_with_1(env):
    few = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60)); {DOCTOR}"
    asked = doctor(env, code=few)
    assert asked.returncode == 1, asked.stderr
    assert "STOPS    open files: at most 60 a process" in asked.stdout
    assert "-> raise the limit: ulimit -Hn 65536" in asked.stdout


def test_an_address_without_a_cluster_stops_in_seconds(env):
    begin = time.monotonic()
    asked = doctor(env, "--address", "127.0.0.1:1", "--json")
    assert time.monotonic() - begin < 60
    assert asked.returncode == 1
    one = named(parts_of(asked)["cluster"], "cluster")
    assert one["level"] == "stops"
    assert "no Ray cluster answers there" in one["text"]


@pytest.fixture
def poor_python(tmp_path):
    """A Python with all packages of this one but some: links to them, in a folder of their own."""
    site, links = Path(sysconfig.get_path("purelib")), tmp_path / "site"
    links.mkdir()
    for path in site.iterdir():
        if path.suffix != ".pth" and not path.name.lower().startswith(MISSING):
            (links / path.name).symlink_to(path)
    raydist = next(site.glob("raydist-*.dist-info"))
    (links / raydist.name).symlink_to(raydist)
    return links


def test_it_runs_without_ray_mlflow_and_faiss(env, poor_python):
    root = Path(__file__).parent.parent.parent
    poor = env | {"PYTHONPATH": os.pathsep.join([str(root), str(poor_python)])}
    asked = doctor(poor, "--json", python=(sys.executable, "-S", "-s"))
    assert asked.returncode == 1, asked.stderr
    parts = parts_of(asked)
    levels = {name: named(parts["installed"], name)["level"] for name in ("ray", "mlflow", "faiss", "torch")}
    assert levels == {"ray": "stops", "mlflow": "stops", "faiss": "warning", "torch": "fine"}
    assert "pip install 'ray" in named(parts["installed"], "ray")["fix"]
    assert named(parts["cluster"], "cluster")["level"] == "warning"
