import json
import os
import stat
from dataclasses import asdict

import pytest

from raydist.errors import CheckpointError, ConfigError
from raydist.tuning.records import Epoch, StudyFolder
from raydist.tuning.space import Space
from raydist.tuning.study import changed, plan_study


@pytest.fixture
def folder(tmp_path, study):
    return StudyFolder.create(tmp_path, "study-1", study)


def after(epoch, value=1.0):
    return Epoch(epoch, 4, 10 * epoch, {"synthetic": {"map": value}, "manifest": {"map": value + 2}})


def test_a_study_is_found_as_it_was_made(folder, study):
    assert StudyFolder.open(folder.path).study() == study
    assert folder.trials() == []


def test_nobody_else_can_look_into_it(folder):
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_name_is_given_once(folder, study, tmp_path):
    with pytest.raises(ConfigError, match="--resume"):
        StudyFolder.create(tmp_path, "study-1", study)


def test_without_a_name_it_is_numbered(study, tmp_path):
    names = [StudyFolder.create(tmp_path, None, study).path.name for _ in range(2)]
    assert names == ["tune-cba-synthetic-manifest-001", "tune-cba-synthetic-manifest-002"]


def test_a_study_that_goes_on_may_last_longer(folder, study):
    longer = changed(study, ["tune.num_samples=40"])
    folder.check_same(longer)
    folder.write_facts(longer)
    assert StudyFolder.open(folder.path).study() == longer != study


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds no study"):
        StudyFolder.open(tmp_path)


def test_a_folder_of_somebody_else_is_refused(folder, monkeypatch):
    someone = os.getuid() + 1
    monkeypatch.setattr("raydist.tuning.records.os.getuid", lambda: someone)
    with pytest.raises(CheckpointError, match="belongs to another user"):
        StudyFolder.open(folder.path)


def test_a_changed_space_is_told(folder, study, raw_space):
    folder.check_same(study)
    other = plan_study(
        Space.parse(raw_space), ["data.name=synthetic,manifest", "data.root=unused,tracks.csv", "tune.seed=3"]
    )
    with pytest.raises(ConfigError, match=r"tune\.seed: 0 -> 3"):
        folder.check_same(other)
    space = folder.path / "space.yaml"
    space.write_text(space.read_text().replace("0.0001", "0.0002"))
    with pytest.raises(CheckpointError, match="was changed"):
        folder.study()


def test_trials_are_told_as_they_went(folder, study):
    samples = [study.sample(number) for number in range(3)]
    with folder.recording() as log:
        for number, sample in enumerate(samples):
            log.start(number, sample)
        log.epoch(0, after(1))
        log.epoch(0, after(2, 5.0))
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
            log.epoch(0, after(epoch, 1.0))
    with folder.recording() as log:
        log.start(0, study.sample(0))
        log.epoch(0, after(2, 9.0))
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
def test_a_line_that_was_cut_off_is_no_line(folder, study, lost):
    path = folder.path / "trials.jsonl"
    with folder.recording() as log:
        log.start(0, study.sample(0))
        log.epoch(0, after(1))
        log.epoch(0, after(2))
    path.write_bytes(path.read_bytes()[:-lost])
    assert folder.trials()[0].curve("map") == {1: 2.0}
    with folder.recording() as log:
        log.epoch(0, after(2, 4.0))
    assert folder.trials()[0].curve("map") == {1: 2.0, 2: 5.0}
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_every_event_is_on_disk_when_the_call_returns(folder, study):
    with folder.recording() as log:
        log.start(0, study.sample(0))
        assert len(folder.trials()) == 1
        log.epoch(0, after(1))
        assert folder.trials()[0].epochs == (after(1),)


def test_one_process_records_at_a_time(folder):
    with folder.recording(), pytest.raises(CheckpointError, match="another process"), folder.recording():
        pass
    with folder.recording():
        pass


def test_a_report_of_an_unknown_trial_is_refused(folder):
    with folder.recording() as log, pytest.raises(CheckpointError, match="without a start"):
        log.epoch(7, after(1))
    assert folder.trials() == []


def test_numbers_that_are_none_are_not_written(folder, study):
    with folder.recording() as log:
        log.start(0, study.sample(0))
        with pytest.raises(ValueError, match="JSON"):
            log.epoch(0, after(1, float("nan")))
    assert asdict(folder.trials()[0])["epochs"] == ()
