import json
import os
import stat
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.engine.environment import describe_environment
from raydist.engine.events import EpochReport
from raydist.engine.run_folder import RunFolder
from raydist.errors import CheckpointError, ConfigError, RaydistError
from raydist.evaluation.headings import METRICS
from raydist.owner import LOCK

NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "100"))
SCORES = {
    d: dict.fromkeys(METRICS, 10.0) | {"map": 5.0} for d in ("infrared_to_visible", "visible_to_infrared")
}
SUMMARY = {
    "method": "dcl", "supervised": False, "data": "synthetic", "protocol": "p", "split": "test",
    "paired": False, "seed": 0, "epochs": 2, "untrained": SCORES, "last": SCORES,
    "clusters": {}, "searches": {},
    "best": {"epoch": 2, "picked_on": "test split", "measure": "map", "value": 5, **SCORES},
    "seconds": {"train": 1}, "frames_per_second": 3, "frames_seen": 12,
}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"method": "x"}', "supervised: field required"),
        (b'{"method": "x", "best": 3}', "supervised: field required"),
        (b'{"best": null}', "method: field required"),
        (b'{"method": ', "invalid JSON"),
        (b"\xff\xfe", "invalid JSON"),
        (b"[1]", "input should be an object"),
    ],
)
def test_a_damaged_summary_is_named_with_what_to_do(content, reason, tmp_path):
    (tmp_path / "summary.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"summary\.json is damaged \({reason}.*\): remove it"):
        RunFolder(tmp_path).summary()


def test_a_run_without_a_summary_has_not_ended(tmp_path):
    assert RunFolder(tmp_path).summary() is None


@pytest.fixture(scope="module")
def folder(smoke, tmp_path_factory):
    """A run folder with a file of every kind."""
    folder = RunFolder.create(tmp_path_factory.mktemp("runs"), "mine", "x")
    folder.write("config.yaml", smoke().dump())
    folder.write("environment.json", describe_environment())
    folder.write("summary.json", SUMMARY)
    for epoch in (0, 1, 2):
        clusters = {"visible": {"count": 3, "noise": 0.5}}
        folder.log_epoch(EpochReport(epoch, "one", {"a": 1.0}, 12, clusters=clusters, retrieval=SCORES))
    names, labels = np.array(["a", "b"]), np.array([0, -1])
    folder.commit(2, {"state.json": b"{}"}, names=names, labels=labels, best=None)
    return folder


def test_only_its_owner_can_enter_it(folder):
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_what_was_written_is_read(folder):
    assert folder.summary().as_dict() == {**folder.summary().as_dict(), **SUMMARY}
    assert [report.epoch for report in folder.reports()] == [0, 1, 2]
    assert folder.reports()[2].clusters["visible"] == {"count": 3, "noise": 0.5}
    assert folder.labels(2) == {"a": 0, "b": -1}


def test_an_epoch_that_is_done_again_replaces_its_row_and_later_ones(folder, tmp_path):
    copy = RunFolder(tmp_path)
    for epoch in (0, 1, 2, 1):
        copy.log_epoch(EpochReport(epoch, f"{epoch}"))
    assert [row["epoch"] for row in copy.metrics.rows()] == [0, 1]
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"epoch": 2, "st')
    copy.log_epoch(EpochReport(2, "2"))
    assert [row["epoch"] for row in copy.metrics.rows()] == [0, 1, 2]


@pytest.mark.parametrize(
    "row", ['{"epoch": "1", "stage": "a"}', '{"epoch": 1}', '{"epoch": 1, "stage": "a", "loss": 3}']
)
def test_a_row_of_another_shape_is_named(tmp_path, row):
    (tmp_path / "metrics.jsonl").write_text(f'{{"epoch": 0, "stage": "a"}}\n{row}\n')
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl is damaged \(row 2, .*remove that line"):
        RunFolder(tmp_path).reports()


def test_one_process_trains_and_what_a_killed_one_has_left_is_removed(folder):
    left = [folder.path / ".config.yaml.1234.part", folder.path / "checkpoints" / ".epoch_0003.ab.part"]
    left[0].write_text("x")
    left[1].mkdir()
    with folder.owned():
        assert (folder.path / LOCK).is_file()
        assert not any(path.exists() for path in left)
        with pytest.raises(ConfigError, match="is in use by process"), folder.owned():
            pass
    assert not (folder.path / LOCK).exists()


def read_all(folder):
    """Read every file of a run folder."""
    folder.config()
    folder.read_json("environment.json")
    folder.summary()
    folder.reports()
    folder.labels(2)
    folder.checkpoints.newest()


FILES = [
    "config.yaml", "environment.json", "summary.json", "metrics.jsonl", "labels/epoch_0002.parquet",
    "checkpoints/epoch_0002/manifest.json", "checkpoints/epoch_0002/state.json",
]  # fmt: skip


@settings(max_examples=NUM_FUZZED, derandomize=True, deadline=None)
@given(data=st.data())
def test_whatever_a_run_folder_holds_is_read_or_refused(folder, changed_json, data):
    file = folder.path / data.draw(st.sampled_from(FILES))
    whole = file.read_bytes()
    try:
        file.write_bytes(_changed(data, file, whole, changed_json))
        with suppress(RaydistError):
            read_all(folder)
    finally:
        file.write_bytes(whole)
    read_all(folder)


def _changed(data: st.DataObject, file: Path, whole: bytes, changed_json) -> bytes:
    if file.suffix == ".json" and whole != b"{}" and data.draw(st.booleans()):
        return json.dumps(changed_json(data, json.loads(whole))).encode()
    if file.suffix == ".jsonl" and data.draw(st.booleans()):
        rows = changed_json(data, [json.loads(line) for line in whole.splitlines()])
        return "".join(
            json.dumps(row) + "\n" for row in (rows if isinstance(rows, list) else [rows])
        ).encode()
    place = data.draw(st.integers(0, len(whole)))
    return whole[:place] + data.draw(st.binary(max_size=8)) + whole[place + data.draw(st.integers(0, 9)) :]
