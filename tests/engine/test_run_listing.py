"""What is known of runs from their small files, however odd these are."""

import json
import os
import re
import socket

import pytest

from raydist.engine.events import EpochReport
from raydist.engine.run_folder import RunFolder
from raydist.engine.run_listing import entry_of, list_runs
from raydist.errors import DataError, StorageError
from raydist.evaluation.headings import METRICS
from raydist.owner import LOCK, Owner, owned, owner_of

SCORES = {
    way: dict.fromkeys(METRICS, 50.0) | {"map": 12.5}
    for way in ("infrared_to_visible", "visible_to_infrared")
}


@pytest.fixture
def folder(smoke, tmp_path):
    """A run of two epochs, of which the first was scored."""
    folder = RunFolder.create(tmp_path, "r", "x")
    folder.write("config.yaml", smoke().dump())
    folder.log_epoch(EpochReport(1, "a", retrieval=SCORES, seconds={"train": 2.0, "refresh": 1.5}))
    folder.log_epoch(EpochReport(2, "a", seconds={"train": 2.0}))
    return folder


def test_a_run_that_was_stopped(folder):
    entry = entry_of(folder.path, "r")
    assert (entry.method, entry.data, entry.state, entry.epochs) == ("cba", "synthetic", "stopped", 2)
    assert entry.map == dict.fromkeys(SCORES, 12.5)
    assert entry.seconds == 5.5


def test_a_run_that_is_being_trained(folder):
    with folder.owned():
        assert entry_of(folder.path, "r").state == "running"
    assert entry_of(folder.path, "r").state == "stopped"


def test_when_it_began_is_in_its_environment_or_the_time_of_a_file(folder):
    os.utime(folder.path / "config.yaml", (0, 86_400 * 365))
    assert entry_of(folder.path, "r").started[:5] in ("1971-", "1970-")
    folder.write("environment.json", {"started": "2026-01-02T03:04:05+00:00"})
    assert entry_of(folder.path, "r").started == "2026-01-02T03:04:05+00:00"


def test_runs_within_a_folder_of_several_are_listed(folder, tmp_path):
    (tmp_path / "compare-x").mkdir()
    folder.path.rename(tmp_path / "compare-x" / "cell")
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "config.yaml").write_text("data: {name: regdb, trial: all}\nmethod: {name: cba}\n")
    (tmp_path / "all" / "trial_01").mkdir()
    config = (tmp_path / "compare-x" / "cell" / "config.yaml").read_text()
    (tmp_path / "all" / "trial_01" / "config.yaml").write_text(config)
    listing = list_runs(tmp_path)
    assert sorted(run.name for run in listing.runs) == ["all", "all/trial_01", "compare-x/cell"]
    assert not listing.skipped


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.yaml", b"\xff\xfe"),
        ("config.yaml", b"[1, 2]"),
        ("config.yaml", b"method: {name: 3}"),
        ("config.yaml", b""),
        ("metrics.jsonl", b'{"epoch": "x"}\n'),
        ("metrics.jsonl", b'{"epoch": 1, "stage": "a", "seconds": 5}\n'),
        ("summary.json", b"{"),
        ("summary.json", b'{"last": 1}'),
        ("environment.json", b"[]"),
        ("environment.json", b"nonsense"),
        ("environment.json", b'{"started": 5}'),
    ],
)
def test_what_is_broken_is_named_and_the_others_are_listed(folder, tmp_path, smoke, name, content):
    (folder.path / name).write_bytes(content)
    good = RunFolder.create(tmp_path, "good", "x")
    good.write("config.yaml", smoke().dump())
    listing = list_runs(tmp_path)
    assert [run.name for run in listing.runs] == ["good"]
    assert list(listing.skipped) == ["r"]
    assert listing.skipped["r"]


def test_a_folder_where_a_file_should_be(folder, tmp_path):
    (folder.path / "summary.json").mkdir()
    assert list(list_runs(tmp_path).skipped) == ["r"]


def test_no_run_is_no_entry(tmp_path):
    with pytest.raises(DataError, match=r"there is no config\.yaml"):
        entry_of(tmp_path, "x")


def test_who_is_at_work_is_known_without_a_lock(tmp_path):
    assert owner_of(tmp_path) is None
    with owned(tmp_path):
        assert owner_of(tmp_path).pid == os.getpid()
    gone = Owner(socket.gethostname(), 2**22 + 1, "x")  # above what Linux gives
    (tmp_path / LOCK).write_text(json.dumps(vars(gone)))
    assert owner_of(tmp_path) is None
    elsewhere = Owner("another-host", 1, "x")
    (tmp_path / LOCK).write_text(json.dumps(vars(elsewhere)))
    assert owner_of(tmp_path) == elsewhere
    (tmp_path / LOCK).write_text("{")
    assert owner_of(tmp_path) is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", [LOCK, "summary.json", "metrics.jsonl", "environment.json", "config.yaml"])
def test_a_pipe_in_a_run_is_not_waited_for(folder, tmp_path, smoke, name):
    (folder.path / name).unlink(missing_ok=True)
    os.mkfifo(folder.path / name)
    good = RunFolder.create(tmp_path, "good", "x")
    good.write("config.yaml", smoke().dump())
    listing = list_runs(tmp_path)
    assert "good" in [run.name for run in listing.runs]
    assert owner_of(folder.path) is None


@pytest.mark.parametrize("pid", [2**31, 2**80, 0, -1, -(2**70)])
def test_a_number_that_no_process_has_is_at_work_nowhere(folder, tmp_path, pid):
    lock = {"host": socket.gethostname(), "pid": pid, "since": "x"}
    (folder.path / LOCK).write_text(json.dumps(lock))
    assert owner_of(folder.path) is None
    assert [run.state for run in list_runs(tmp_path).runs] == ["stopped"]


@pytest.mark.parametrize("name", ["metrics.jsonl", "summary.json", "environment.json", "config.yaml"])
def test_a_link_to_itself_is_named_and_the_others_are_listed(folder, tmp_path, smoke, name):
    (folder.path / name).unlink(missing_ok=True)
    (folder.path / name).symlink_to(name)
    good = RunFolder.create(tmp_path, "good", "x")
    good.write("config.yaml", smoke().dump())
    listing = list_runs(tmp_path)
    assert [run.name for run in listing.runs] == ["good"]
    assert re.search(rf"{re.escape(name)}( cannot be read \(Too many levels|$)", listing.skipped["r"])


def test_a_folder_whose_name_is_not_utf_8_is_named(folder, tmp_path):
    os.rename(os.fsencode(folder.path), os.fsencode(tmp_path) + b"/s\xff")
    assert "is not UTF-8; rename" in list_runs(tmp_path).skipped["s\udcff"]


@pytest.mark.parametrize("name", ["summary.json", "environment.json", "metrics.jsonl", "config.yaml"])
def test_a_file_of_a_run_that_is_too_large_is_named_and_not_read(folder, tmp_path, name):
    with (folder.path / name).open("ab") as file:
        file.truncate(400 * 2**30)
    reason = list_runs(tmp_path).skipped["r"]
    assert name in reason
    assert "429,496,729,600 bytes" in reason


def test_a_lock_that_is_too_large_is_none(folder):
    with (folder.path / LOCK).open("wb") as file:
        file.truncate(400 * 2**30)
    assert owner_of(folder.path) is None
    with pytest.raises(StorageError, match="is no lock of raydist"), folder.owned():
        pass
