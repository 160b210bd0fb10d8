"""A local cluster has room for the paths of its sockets, however long a batch system's folder."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from raydist.announcements import listening
from raydist.distributed.temp_folder import ROOM, shorten_temp_folder, take_own_folder
from raydist.errors import ConfigError


@pytest.fixture(autouse=True)
def short_folders(monkeypatch):
    for variable in ("TMPDIR", "RAY_TMPDIR"):
        monkeypatch.setenv(variable, "/tmp")
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())


@pytest.mark.parametrize("variable", ["TMPDIR", "RAY_TMPDIR"])
@pytest.mark.parametrize(("length", "taken"), [(ROOM, False), (ROOM + 1, True), (200, True)])
def test_a_long_folder_is_not_taken(monkeypatch, variable, length, taken):
    long = "/" + "x" * (length - 1)
    monkeypatch.setenv(variable, long)
    said = []
    with listening(said.append):
        shorten_temp_folder()
    assert os.environ[variable] == ("/tmp" if taken else long)
    assert said == [f"{variable} is too long for the sockets of Ray, which takes /tmp"] * taken
    assert tempfile.gettempdir() == "/tmp"


def test_characters_count_as_bytes(monkeypatch):
    monkeypatch.setenv("TMPDIR", "/" + "ü" * 20)
    shorten_temp_folder()
    assert os.environ["TMPDIR"] == "/tmp"


def test_no_shorter_folder(monkeypatch):
    monkeypatch.setenv("TMPDIR", "/" + "x" * 100)
    monkeypatch.setattr("raydist.distributed.temp_folder._SHORT", ("/nowhere",))
    with pytest.raises(ConfigError, match=f"TMPDIR has 101 characters.*a folder of at most {ROOM}"):
        shorten_temp_folder()


@pytest.fixture
def folder_of_ray(monkeypatch, tmp_path):
    """The folder that Ray would get below a temporary folder."""
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    short = tempfile.mkdtemp(dir="/tmp", prefix="r")
    monkeypatch.setattr(tempfile, "tempdir", short)
    yield Path(short) / f"raydist-{os.getuid()}"
    shutil.rmtree(short)


def test_no_other_user_can_enter_the_folder(folder_of_ray):
    for _ in range(2):
        os.environ.pop("RAY_TMPDIR", None)
        take_own_folder()
        assert os.environ["RAY_TMPDIR"] == str(folder_of_ray)
        assert stat.S_IMODE(folder_of_ray.stat().st_mode) == 0o700
        folder_of_ray.chmod(0o777)


def test_a_folder_of_another_user_is_not_taken(folder_of_ray):
    folder_of_ray.mkdir()
    os.chown(folder_of_ray, 12345, 12345)
    with pytest.raises(ConfigError, match="is not a folder of this user: set TMPDIR"):
        take_own_folder()


def test_a_link_is_not_taken(folder_of_ray, tmp_path):
    folder_of_ray.symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="is not a folder of this user: set TMPDIR"):
        take_own_folder()


def test_the_folder_that_the_user_names_is_taken(folder_of_ray, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    take_own_folder()
    assert os.environ["RAY_TMPDIR"] == str(tmp_path)
    assert not folder_of_ray.exists()


@pytest.mark.parametrize("length", [ROOM, 120])
def test_ray_starts(tmp_path, run_env, length):
    """With the longest that is taken, and with one that is not."""
    folder = tmp_path / "t"
    folder.mkdir()
    short = f"/tmp/{os.getpid()}-".ljust(length, "x")
    os.symlink(folder, short)
    try:
        script = (
            "from raydist.distributed.cluster import connected\n"
            "from raydist.engine.schema import RaySection\n"
            "with connected(RaySection()):\n"
            "    import ray\n"
            "    print(len(ray.nodes()))"
        )
        env = {key: value for key, value in run_env.items() if key != "RAY_TMPDIR"} | {"TMPDIR": short}
        run = subprocess.run(
            [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=120, check=True
        )
        assert run.stdout == "1\n"
        assert any(folder.rglob("session_*")) == (length == ROOM)
    finally:
        os.unlink(short)
