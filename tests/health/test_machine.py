"""Each check under the condition that it is for, made for real wherever a test can."""

import resource
import shutil
import subprocess
import sys
import time

import psutil
import pytest

from raydist.health import machine
from raydist.health.machine import (
    check_clock,
    check_disk,
    check_memory_of_machine,
    check_open_files,
    check_ports,
    check_shared_memory,
)


@pytest.fixture
def free(tmp_path):
    return shutil.disk_usage(tmp_path).free


def disk(folder, least, enough):
    return check_disk(folder, least=least, enough=enough, purpose="checkpoints", fix="make room")


def test_the_room_is_that_of_the_disk_of_the_nearest_folder(tmp_path, free):
    later = tmp_path / "not" / "there"
    assert disk(later, 0, free // 2).level == "fine"
    assert disk(later, 0, free * 2).level == "warning"
    refused = disk(later, free * 2, free * 2)
    assert refused.level == "stops"
    assert str(tmp_path) in refused.text
    assert f"{tmp_path}/not" not in refused.text
    assert "checkpoints may take" in refused.text
    assert refused.fix == "make room"


def test_memory_is_compared_with_all_and_with_what_is_free():
    total, free = psutil.virtual_memory().total, psutil.virtual_memory().available
    assert check_memory_of_machine(least=0, enough=free // 4).level == "fine"
    assert check_memory_of_machine(least=0, enough=total * 2).level == "warning"
    assert check_memory_of_machine(least=(total + free) // 2, enough=total).level == "warning"
    assert check_memory_of_machine(least=total * 2, enough=total * 2).level == "stops"


def test_the_limit_of_a_container_counts(tmp_path, monkeypatch):
    (tmp_path / "limit").write_text(f"{2**30}\n")
    (tmp_path / "none").write_text("max\n")
    monkeypatch.setattr(machine, "CGROUP_LIMITS", (str(tmp_path / "none"), str(tmp_path / "limit")))
    stopped = check_memory_of_machine(least=2 * 2**30, enough=2 * 2**30)
    assert stopped.level == "stops"
    assert "of 1.0 GiB" in stopped.text


@pytest.mark.skipif(not machine.SHARED_MEMORY.is_dir(), reason="needs /dev/shm")
def test_shared_memory_only_warns():
    assert check_shared_memory(2**20).level == "fine"
    assert check_shared_memory(2**60).level == "warning"


def test_no_shared_memory_is_a_warning(tmp_path):
    assert check_shared_memory(1, tmp_path / "none").level == "warning"


@pytest.mark.parametrize(("limit", "level"), [(60, "stops"), (2000, "warning"), (8192, "fine")])
def test_the_hard_limit_of_open_files_counts(limit, level):
    code = (
        "import resource\nfrom raydist.health.machine import check_open_files\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (50, {limit}))\nprint(check_open_files().level)"
    )
    assert printed([sys.executable, "-c", code]) == level


def test_the_soft_limit_is_raised_by_ray_and_says_nothing():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = check_open_files()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 500), hard))
    try:
        assert check_open_files() == before
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def printed(command):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True
    ).stdout.splitlines()[-1]


def test_free_ports_answer():
    assert check_ports().level == "fine"


def test_a_loopback_that_is_down_stops():
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("this machine makes no network of one's own")
    code = "from raydist.health.machine import check_ports; f = check_ports(); print(f.level, f.line())"
    line = printed([*alone, sys.executable, "-c", code])
    assert line.startswith("stops ")
    assert "cannot be used" in line
    assert "ip link set lo up" in line


def test_a_clock_before_the_installation_is_warned_of(monkeypatch):
    assert check_clock().level == "fine"
    monkeypatch.setattr(time, "time", lambda: 0.0)  # the machine's clock is not the test's to set
    assert check_clock().level == "warning"
    assert "1970-01-01" in check_clock().text
