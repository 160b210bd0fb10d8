import os
import socket
import subprocess
import sys

import pytest

from raydist.health import safety
from raydist.health.safety import check_dashboard, check_home, check_threads, check_token


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A home of the test's own, closed to others."""
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir(mode=0o700)
    return (tmp_path / "home").resolve()


def only(findings):
    (one,) = findings
    return one


def test_a_token_that_is_switched_off_is_warned_of(own):
    one = only(check_token({"RAY_AUTH_MODE": "disabled"}))
    assert one.level == "warning"
    assert "unset RAY_AUTH_MODE" in one.fix


def test_before_the_first_training_there_is_no_token(own):
    assert only(check_token({})).level == "fine"


@pytest.mark.parametrize(("mode", "level"), [(0o600, "fine"), (0o640, "warning"), (0o604, "warning")])
def test_who_can_read_the_token(own, mode, level):
    (own / "ray_token").write_text("secret")
    (own / "ray_token").chmod(mode)
    one = only(check_token({}))
    assert one.level == level
    assert one.fix == ("" if level == "fine" else f"chmod 600 {own / 'ray_token'}")


def test_a_token_file_that_is_empty_or_absent_stops(own, tmp_path):
    assert only(check_token({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "none")})).level == "stops"
    (tmp_path / "empty").touch()
    assert only(check_token({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "empty")})).level == "stops"


def test_the_token_itself_is_never_shown(own):
    assert "secret" not in only(check_token({"RAY_AUTH_TOKEN": "secret"})).line()


@pytest.mark.parametrize(("mode", "level"), [(0o700, "fine"), (0o755, "warning")])
def test_who_can_look_into_the_home(own, mode, level):
    own.chmod(mode)
    assert only(check_home()).level == level


def test_a_home_that_cannot_be_written_stops(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYDIST_HOME", "/proc/raydist")  # not even by root
    one = only(check_home())
    assert one.level == "stops"
    assert "RAYDIST_HOME" in one.fix


@pytest.mark.parametrize(("host", "level"), [("127.0.0.1", "fine"), ("0.0.0.0", "warning")])
def test_a_dashboard_for_all_is_warned_of(monkeypatch, host, level):
    with socket.create_server((host, 0)) as listening:
        monkeypatch.setattr(safety, "DASHBOARD_PORT", listening.getsockname()[1])
        assert check_dashboard().level == level


@pytest.mark.parametrize(("threads", "level"), [("1", "fine"), ("4096", "warning"), ("many", "warning")])
def test_too_many_threads_are_warned_of(threads, level):
    assert check_threads({"OMP_NUM_THREADS": threads}).level == level
    assert check_threads({}).level == "fine"


def test_checks_look_at_the_environment_of_the_process(run_env):
    code = "from raydist.health.safety import check_token; print(check_token()[0].level)"
    env = run_env | {"RAY_AUTH_MODE": "disabled"}
    asked = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert asked.stdout.strip() == "warning"
    assert os.environ.get("RAY_AUTH_MODE") != "disabled"
