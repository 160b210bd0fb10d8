"""Optuna opens what was written, and finds every trial in its state."""

import optuna
import pytest

from raydist.tuning.optuna_file import write_optuna_file
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from raydist.tuning.study_folder import StudyFolder
from tests.tuning.spaces import EVERY_KIND

STATES = ["finished", "stopped", "failed", "running"]


@pytest.fixture
def written(tmp_path, folder, study, make_trial):
    """The study as Optuna has it, and its trials as they are in the folder."""
    for number, state in enumerate(STATES):
        write_trial(folder, make_trial(number, [10.0, 20.0 + number], sample=study.sample(number)), state)
    assert write_optuna_file(folder, tmp_path / "study.db") == len(STATES)
    return optuna.load_study(study_name="study-1", storage=f"sqlite:///{tmp_path}/study.db"), folder.trials()


def write_trial(folder, trial, state):
    """Record a trial; `make_trial` calls the data sets a and b."""
    with folder.recording() as log:
        log.start(trial.number, trial.sample)
        for report in trial.epochs:
            values = {"synthetic": report.values["a"], "manifest": report.values["b"]}
            log.epoch(trial.number, type(report)(report.epoch, report.num_epochs, report.steps, values))
        if state != "running":
            log.end(trial.number, state, "" if state == "finished" else "for a reason")


def test_every_trial_is_there_with_its_state_and_values(written):
    study, trials = written
    states = optuna.trial.TrialState
    assert [trial.state for trial in study.trials] == [
        states.COMPLETE, states.PRUNED, states.FAIL, states.RUNNING,
    ]  # fmt: skip
    for theirs, ours in zip(study.trials, trials, strict=True):
        assert theirs.params == ours.sample
        assert theirs.intermediate_values == ours.curve("map") == {1: 5.0, 2: 15.0 + ours.number}
        assert theirs.user_attrs["synthetic"]["map"] == 20.0 + ours.number
        assert theirs.user_attrs["reason"] == ours.reason
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert (study.best_value, study.metric_names) == (15.0, ["map"])


def test_spaces_of_every_kind_are_written(tmp_path):
    space = {**EVERY_KIND, "train.step_epochs": {"choice": [[1], [1, 2], None]}}
    study = make_study(Space.parse(space), [])
    folder = StudyFolder.create(tmp_path, "s", study)
    with folder.recording() as log:
        for number in range(6):
            log.start(number, study.sample(number))
    write_optuna_file(folder, tmp_path / "study.db")
    kept = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/study.db")
    for theirs, ours in zip(kept.trials, folder.trials(), strict=True):
        assert str(theirs.params.pop("train.step_epochs")) == str(ours.sample["train.step_epochs"])
        assert theirs.params == {name: ours.sample[name] for name in theirs.params}
    write_optuna_file(folder, tmp_path / "study.db")  # again: it is replaced
