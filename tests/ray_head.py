"""A Ray cluster as the shell starts it: a head on the loopback, with a token."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import end

BIN = Path(sys.executable).parent
RAY = str(BIN / "ray")


@dataclass(frozen=True)
class Head:
    """A running head.

    Attributes:
        env: of its clients.
        process: the head itself.
        port: where drivers connect.
        dashboard: the port that takes jobs.
        spare: a port that nothing uses.
    """

    env: dict[str, str]
    process: subprocess.Popen[bytes]
    port: int
    dashboard: int
    spare: int


@pytest.fixture
def head(tmp_path: Path) -> Iterator[Head]:
    """A head with two CPUs; the home of its user and of raydist lies in the test's folder."""
    with running_head(tmp_path, free_port(), "--num-cpus=2") as running:
        yield running


@contextmanager
def running_head(home: Path, first_port: int, *words: str, **variables: str) -> Iterator[Head]:
    """A head for the length of a block.

    Args:
        home: of its user and of raydist.
        first_port: of four that nothing uses, see `free_port`.
        words: more of the command.
        variables: more of its environment.
    """
    port, dashboard, agent, spare = range(first_port, first_port + 4)
    session = tempfile.mkdtemp(prefix="rj-", dir="/tmp")  # a short path: it holds sockets
    env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}",
        "RAY_TMPDIR": session,
        "RAYDIST_HOME": str(home / "raydist"),
        "HOME": str(home),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        **variables,
    }
    command = [
        RAY, "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={port}",
        "--dashboard-host=127.0.0.1",
        f"--dashboard-port={dashboard}", "--object-store-memory=500000000",
        "--disable-usage-stats",
        f"--dashboard-agent-listen-port={agent}",  # its default is taken where another cluster runs
        *words,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        _wait_for(dashboard)
        yield Head(env, process, port, dashboard, spare)
    finally:
        end(process)
        shutil.rmtree(session, ignore_errors=True)


def free_port() -> int:
    """A port below 10000, where Ray's workers do not listen, and apart from those of other test processes."""
    first = 7000 + 200 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(first, first + 200, 4):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port")


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")
