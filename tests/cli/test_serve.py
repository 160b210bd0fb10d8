"""`raydist serve`: its options, and a server of its own from the start to the end."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil
import pytest

from raydist.distributed.gallery_server import free_port
from tests.processes import end, family, listening_sockets

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def features(raydist, run_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("serve") / "features.parquet"
    assert raydist("embed", run_dir, "--out", out).code == 0
    return out


@pytest.fixture
def served(run_env):
    """`served(words, **environment)` starts a server, and gives the process and what it prints."""
    processes = []

    def start(*words, **environment):
        command = [
            sys.executable,
            "-c",
            "from raydist.cli.app import main; main()",
            "serve",
            *map(str, words),
        ]
        env = {name: value for name, value in run_env.items() if name != "RAYDIST_SERVE_TOKEN"} | environment
        process = subprocess.Popen(
            [*command, "--port", "0", "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        processes.append(process)
        line = process.stdout.readline()
        assert line, process.stderr.read().decode()
        return process, json.loads(line)

    yield start
    for process in processes:
        end(process)


def test_it_serves_until_it_is_interrupted(served, run_dir, browser):
    process, shown = served(run_dir, "--no-images")
    assert shown["token"] is None
    members = family(process.pid)
    sockets = listening_sockets(process.pid)
    assert {address for address, _ in sockets} <= {"127.0.0.1", "::1"}
    page = browser.new_page()
    page.goto(shown["address"])
    page.locator("#tracklets button").first.click()
    page.locator("#matches button").first.click()
    page.get_by_role("dialog").wait_for()
    assert page.locator("img").count() == 0
    assert "--no-images" in page.locator("#no-frames").text_content()
    page.close()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{shown['address']}frames/0/0.jpg")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    (last,) = process.stdout.read().splitlines()
    assert json.loads(last)["error"]["kind"] == "interrupted"
    assert psutil.wait_procs(members, timeout=60)[1] == []


def test_a_token_is_asked_for_elsewhere_and_it_ends_when_it_is_told_to(served, features):
    given = "a-token-of-24-characters"
    process, shown = served(features, "--host", "0.0.0.0", RAYDIST_SERVE_TOKEN=given)
    assert shown["token"] == given
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(shown["address"])
    with urllib.request.urlopen(f"{shown['address']}?token={given}") as answer:
        assert "HttpOnly; SameSite=Strict" in answer.headers["Set-Cookie"]
    port = int(shown["address"].split(":")[-1].strip("/"))
    open_ports = {
        port for address, port in listening_sockets(process.pid) if address not in ("127.0.0.1", "::1")
    }
    assert open_ports == {port}
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert f"?token={given}" in process.stderr.read().decode()


def test_what_is_wrong_is_said_before_ray_starts(raydist, features, run_dir, tmp_path, monkeypatch):
    for words, code, text in (
        ((tmp_path / "none.parquet",), 3, "none.parquet"),
        ((tmp_path,), 2, "holds no run"),
        ((features, "--images"), 2, "--run"),
        ((features, "--host", "192.0.2.1"), 2, "--host 192.0.2.1"),
    ):
        result = raydist("serve", *words, "--port", 0, "--json")
        assert result.code == code
        assert text in result.json["error"]["message"]
        assert "starting Ray" not in result.err
    monkeypatch.setenv("RAYDIST_SERVE_TOKEN", "short")
    assert "16" in raydist("serve", features, "--port", 0, "--json").json["error"]["message"]


def test_a_port_that_is_taken_is_said(raydist, features):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = raydist("serve", features, "--port", taken.getsockname()[1], "--json")
    assert result.code == 2
    assert "--port 0" in result.json["error"]["message"]


def test_without_ray_serve_it_says_what_to_install(features, run_env):
    hidden = "import sys; sys.modules['ray.serve'] = None; from raydist.cli.app import main; main()"
    command = [sys.executable, "-c", hidden, "serve", str(features), "--json"]
    result = subprocess.run(command, env=run_env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2
    assert "pip install 'raydist[serve]'" in json.loads(result.stdout)["error"]["message"]


def test_of_two_that_begin_at_once_one_has_the_port(features, run_env):
    port = free_port("127.0.0.1", 0)
    command = [sys.executable, "-c", "from raydist.cli.app import main; main()", "serve", str(features)]
    both = [
        subprocess.Popen(
            [*command, "--port", str(port)], env=run_env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    try:
        refused = next(one for one in ends(both))
        assert refused.returncode == 2
        message = refused.stderr.read().decode()
        assert f"--port {port}" in message
        assert "Traceback" not in message
        both.remove(refused)
        assert b"gallery: http://127.0.0.1:" in next(line for line in both[0].stderr if b"http" in line)
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/facts", timeout=60).close()
    finally:
        for process in both:
            end(process)


def ends(processes):
    """The processes that have ended, as soon as there is one."""
    while all(process.poll() is None for process in processes):
        time.sleep(0.1)
    return [process for process in processes if process.poll() is not None]
