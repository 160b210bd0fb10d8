import json
import os
from dataclasses import asdict

import pytest

from raydist.errors import CheckpointError
from raydist.tuning.report import TrialReport


def report(epoch, value=1.0):
    return TrialReport(epoch, 4, 10 * epoch, {"synthetic": {"map": value}, "manifest": {"map": value + 2}})


def test_trials_are_read_as_they_were_recorded(folder, study):
    samples = [study.sample(number) for number in range(3)]
    with folder.recording() as log:
        for number, sample in enumerate(samples):
            log.start(number, sample)
        log.epoch(0, report(1))
        log.epoch(0, report(2, 5.0))
        log.end(0, "finished")
        log.end(1, "failed", "the features collapsed")
        assert log.trials == folder.trials()
    first, second, third = folder.trials()
    assert [trial.state for trial in folder.trials()] == ["finished", "failed", "running"]
    assert [trial.sample for trial in folder.trials()] == samples
    assert (first.steps, first.curve("map"), first.last("map")) == (20, {1: 2.0, 2: 6.0}, 6.0)
    assert (first.last_of("manifest", "map"), first.last_of("manifest", "balance")) == (7.0, None)
    assert (second.reason, third.steps, third.last("map")) == ("the features collapsed", 0, None)


def test_a_trial_that_goes_on_after_a_crash_is_counted_once(folder, study):
    with folder.recording() as log:
        log.start(0, study.sample(0))
        for epoch in (1, 2, 3):
            log.epoch(0, report(epoch, 1.0))
    with folder.recording() as log:
        log.start(0, study.sample(0))
        log.epoch(0, report(2, 9.0))
        log.end(0, "stopped")
    (trial,) = folder.trials()
    assert trial.curve("map") == {1: 2.0, 2: 10.0}
    assert (trial.state, trial.steps) == ("stopped", 20)


def test_a_trial_keeps_its_sample(folder, study):
    with folder.recording() as log:
        log.start(0, study.sample(0))
        with pytest.raises(CheckpointError, match="trial 0 has the sample"):
            log.start(0, study.sample(1))
    assert folder.trials()[0].sample == study.sample(0)


@pytest.mark.parametrize("lost", [1, 5, 30])
def test_a_line_that_was_cut_off_is_ignored(folder, study, lost):
    path = folder.path / "trials.jsonl"
    with folder.recording() as log:
        log.start(0, study.sample(0))
        log.epoch(0, report(1))
        log.epoch(0, report(2))
    path.write_bytes(path.read_bytes()[:-lost])
    assert folder.trials()[0].curve("map") == {1: 2.0}
    with folder.recording() as log:
        log.epoch(0, report(2, 4.0))
    assert folder.trials()[0].curve("map") == {1: 2.0, 2: 5.0}
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_every_record_is_on_disk_when_the_call_returns(folder, study, monkeypatch):
    path, on_disk, fsync = folder.path / "trials.jsonl", {}, os.fsync

    def kept(handle):
        fsync(handle)
        on_disk[os.readlink(f"/proc/self/fd/{handle}")] = os.fstat(handle).st_size

    monkeypatch.setattr(os, "fsync", kept)
    with folder.recording() as log:
        log.start(0, study.sample(0))
        assert len(folder.trials()) == 1
        assert {str(folder.path), str(path)} <= {*on_disk}, "a power cut would lose the name, or the record"
        assert on_disk[str(path)] == path.stat().st_size
        log.epoch(0, report(1))
        assert folder.trials()[0].epochs == (report(1),)
        assert on_disk[str(path)] == path.stat().st_size


def test_a_report_of_an_unknown_trial_is_refused(folder):
    with folder.recording() as log, pytest.raises(CheckpointError, match="without a start"):
        log.epoch(7, report(1))
    assert folder.trials() == []


def test_numbers_that_are_none_are_not_written(folder, study):
    with folder.recording() as log:
        log.start(0, study.sample(0))
        with pytest.raises(ValueError, match="JSON"):
            log.epoch(0, report(1, float("nan")))
    assert asdict(folder.trials()[0])["epochs"] == ()
