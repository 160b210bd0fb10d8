"""MLflow with logins on a PostgreSQL database, as `deploy/mlflow` sets it up: both real, on the loopback."""

import configparser
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.processes import end
from tests.ray_head import free_port

AUTH = Path(__file__).parent.parent / "deploy" / "mlflow" / "basic_auth.ini"
STARTS = 180
"""Seconds that a server may take to answer."""


@dataclass(frozen=True)
class MlflowServer:
    """A tracking server that runs.

    Attributes:
        uri: its address, without a login.
        database: the address of its database.
        admin: the environment variables that log an administrator in.
    """

    uri: str
    database: str
    admin: dict[str, str] = field(repr=False)


def installed() -> Path | None:
    """The programs of PostgreSQL, those of its newest version, where Debian puts them."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return versions[-1] if versions else None


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of an empty database."""
    programs = installed()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a short path: it holds a socket
    as_user = []
    if os.geteuid() == 0:  # the server refuses to be root
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    data, port = str(folder / "data"), free_port()
    first = [*as_user, str(programs / "initdb"), "--auth=trust", "--username=mlflow", data]
    subprocess.run(first, cwd=folder, check=True, capture_output=True)
    server = [
        *as_user,
        str(programs / "postgres"),
        "-D",
        data,
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        folder,
    ]
    process = subprocess.Popen(server, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_ready([str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)])
        create = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", "mlflow"]
        subprocess.run(create, check=True)
        yield f"postgresql+psycopg://mlflow@127.0.0.1:{port}/mlflow"
    finally:
        end(process, timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def mlflow_server(postgres: str, tmp_path: Path) -> Iterator[MlflowServer]:
    """A server on it, with the logins of `deploy/mlflow`."""
    auth = configparser.ConfigParser()
    auth.read(AUTH)
    auth["mlflow"]["database_uri"] = postgres
    with (tmp_path / "auth.ini").open("w") as file:
        auth.write(file)
    password = secrets.token_urlsafe(16)
    env = {
        **os.environ,
        "MLFLOW_AUTH_CONFIG_PATH": str(tmp_path / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
    }
    port = free_port()
    words = [
        sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1",
        "--backend-store-uri", postgres, "--artifacts-destination", str(tmp_path / "artifacts"),
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with _started(words, env, tmp_path / "mlflow.txt", f"http://127.0.0.1:{port}/health"):
        login = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": password}
        yield MlflowServer(f"http://127.0.0.1:{port}", postgres, login)


@contextmanager
def _started(words: list[str], env: dict[str, str], log: Path, health: str) -> Iterator[None]:
    with log.open("w") as said:
        process = subprocess.Popen(words, env=env, stdout=said, stderr=said)
    try:
        give_up = time.monotonic() + STARTS
        while process.poll() is None and time.monotonic() < give_up:
            with suppress(OSError):
                urllib.request.urlopen(health, timeout=5).close()
                break
            time.sleep(0.3)
        else:
            pytest.fail(log.read_text())
        yield
    finally:
        end(process)


def _until_ready(command: list[str]) -> None:
    give_up = time.monotonic() + STARTS
    while subprocess.run(command, capture_output=True, check=False).returncode:
        assert time.monotonic() < give_up
        time.sleep(0.2)
