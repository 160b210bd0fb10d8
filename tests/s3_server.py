"""An S3 server on the loopback, in a process of its own, with an empty bucket."""

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pyarrow import fs

from tests.processes import end
from tests.ray_head import free_port

BUCKET = "raydist-tests"


@pytest.fixture
def s3_environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment variables by which processes reach a server that has the bucket `BUCKET`."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "s3.log").open("wb") as log:
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        wait_for(address, process)
        store = fs.S3FileSystem(
            access_key="tests", secret_key="tests", endpoint_override=address, allow_bucket_creation=True
        )
        store.create_dir(BUCKET)
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        end(process)


@pytest.fixture
def s3(s3_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the bucket, for this process, whose copies are its own."""
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path / "home"))
    return f"s3://{BUCKET}"


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Until a server answers."""
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up and process.poll() is None:
        with suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.1)
    raise TimeoutError(f"no S3 server at {address}")
