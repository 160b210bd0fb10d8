"""A cluster is asked for before Ray connects to it: an address left over, a foreign server, another token."""

import http.server
import os
import socket
import subprocess
import sys
import threading

import pytest

from raydist.distributed.address import require_cluster
from raydist.errors import ConfigError


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def other_server():
    """The address of a server that is no Ray cluster."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_nothing_answers(scheme, monkeypatch):
    monkeypatch.setattr("raydist.distributed.address.PATIENCE_S", 0.5)
    with pytest.raises(ConfigError, match=r"RAY_ADDRESS is .* no Ray cluster answers .* unset it"):
        require_cluster(f"{scheme}127.0.0.1:{free_port()}", given_by="RAY_ADDRESS")


def test_something_else_answers(other_server, monkeypatch):
    monkeypatch.setattr("raydist.distributed.address.PATIENCE_S", 2)
    with pytest.raises(ConfigError, match=r"ray\.address is .* set ray\.address=null"):
        require_cluster(other_server, given_by="ray.address")


@pytest.mark.parametrize("address", ["http://127.0.0.1:8265", "head", "head:", ":6379", "head:port"])
def test_no_address(address):
    with pytest.raises(ConfigError, match="no address of a Ray cluster"):
        require_cluster(address, given_by="RAY_ADDRESS")


def test_a_cluster_and_its_token(cluster, monkeypatch):
    import ray

    address = ray.get_runtime_context().gcs_address
    require_cluster(address, given_by="RAY_ADDRESS")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    with pytest.raises(ConfigError, match="does not take this process's token"):
        require_cluster(address, given_by="RAY_ADDRESS")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(ConfigError, match="does not take this process's token"):
        require_cluster(address, given_by="RAY_ADDRESS")


def test_a_run_says_so(run_env, tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "raydist.train", "smoke", "tracking.mlflow_uri=null", f"run.dir={tmp_path}"],
        env=run_env | {"RAY_ADDRESS": f"127.0.0.1:{free_port()}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 2, run.stderr
    assert "RAY_ADDRESS" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert not os.listdir(tmp_path)
