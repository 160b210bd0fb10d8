"""What a study brings to Ray Tune, without a cluster: each hook is called as Ray Tune calls it."""

from collections import Counter
from types import SimpleNamespace

import pytest
from ray.tune.schedulers import TrialScheduler

from raydist.distributed.tune.hooks import Halving, Proposing, Recording
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trackers import StudyTracker
from raydist.tuning.trial import Trial

STOP, CONTINUE = TrialScheduler.STOP, TrialScheduler.CONTINUE


@pytest.fixture(scope="module")
def study():
    space = Space.parse({"recipes": {"synthetic": "smoke"}, "train.lr": {"loguniform": [1e-4, 1e-2]}})
    return make_study(space, ["tracking.mlflow_uri=null"])


@pytest.fixture
def folder(study, tmp_path):
    return StudyFolder.create(tmp_path, "s", study)


def as_ray_has_it(number, trial_id=None):
    return SimpleNamespace(trial_id=trial_id or f"id{number}", config={"number": number, "sample": {}})


def values(map_):
    return {"synthetic": {"map": map_}}


def test_unfinished_trials_are_given_with_their_own_samples_and_noted_before(study, folder):
    with folder.recording() as log:
        log.start(0, {"train.lr": 0.5})
        proposing = Proposing(study, log, [0, 1, 2])
        given = [proposing.suggest(f"id{i}") for i in range(2)]
        assert given == [{"number": 0, "sample": {"train.lr": 0.5}}, {"number": 1, "sample": study.sample(1)}]
        assert [trial.number for trial in folder.trials()] == [0, 1]


def halve(halving, number, curve):
    """The decision after each epoch, until a trial is stopped."""
    trial = as_ray_has_it(number)
    halving.on_trial_add(None, trial)
    decisions = []
    for epoch, value in curve.items():
        decisions.append(halving.on_trial_result(None, trial, {"epoch": epoch, "map": value}))
        if decisions[-1] == STOP:
            break
    return decisions


def test_the_worse_half_is_stopped_at_each_rung():
    halving = Halving([], metric="map", first=2)
    assert halve(halving, 0, {1: 1.0, 2: 10.0, 3: 10.0, 4: 20.0}) == [CONTINUE] * 4
    assert halve(halving, 1, {1: 9.0, 2: 9.0}) == [CONTINUE, STOP]
    assert halve(halving, 2, {1: 0.0, 2: 11.0, 3: 0.0, 4: 19.0}) == [CONTINUE, CONTINUE, CONTINUE, STOP]


def test_epochs_without_a_value_decide_nothing():
    halving = Halving([], metric="map", first=1)
    halve(halving, 0, {1: 10.0})
    trial = as_ray_has_it(1)
    halving.on_trial_add(None, trial)
    assert halving.on_trial_result(None, trial, {"epoch": 1, "balance": 0.0}) == CONTINUE
    assert halving.on_trial_result(None, trial, {"epoch": 2, "map": 0.0}) == CONTINUE, (
        "nobody else came to the second rung"
    )


def test_trials_of_an_earlier_attempt_count_once():
    curves = {0: {1: 10.0, 2: 20.0, 3: 30.0, 4: 40.0}, 1: {1: 12.0, 2: 24.0}, 2: {1: 5.0}}
    states = {0: "finished", 1: "running", 2: "stopped"}
    known = [
        Trial(
            number,
            {},
            states[number],
            epochs=tuple(TrialReport(e, 4, e, values(v)) for e, v in curve.items()),
        )
        for number, curve in curves.items()
    ]
    fresh, again = Halving([], metric="map", first=1), Halving(known, metric="map", first=1)
    for number, curve in curves.items():
        halve(fresh, number, curve)
    on = {3: 20.0, 4: 39.0}
    goes_on = as_ray_has_it(1, "another id")
    again.on_trial_add(None, goes_on)
    decisions = [again.on_trial_result(None, goes_on, {"epoch": e, "map": v}) for e, v in on.items()]
    expected = [fresh.on_trial_result(None, as_ray_has_it(1), {"epoch": e, "map": v}) for e, v in on.items()]
    assert decisions == expected == [CONTINUE, STOP]
    for number, new in enumerate(({1: 9.0}, {1: 11.0, 2: 19.0}, {1: 13.0, 2: 23.0}), start=7):
        assert halve(again, number, new) == halve(fresh, number, new)


@pytest.fixture
def recording_events(study, folder):
    """A recording with three trials that started, what it tells, and the folder's records."""
    events = []
    with folder.recording() as log:
        for number in range(3):
            log.start(number, study.sample(number))
            checkpoints = folder.of_trial(number) / "checkpoints"
            checkpoints.mkdir(parents=True)
        tracker = StudyTracker(study, folder.path)
        yield Recording(study, folder, log, tracker=tracker, on_event=events.append), events


def result(epoch, value):
    return {
        "epoch": epoch,
        "of": 2,
        "steps": 10 * epoch,
        "values": values(value),
        "map": value,
        "time_total_s": 3,
    }


def test_a_trial_that_comes_to_its_end_has_finished(recording_events, folder):
    recording, events = recording_events
    trial = as_ray_has_it(0)
    recording.on_trial_start(0, [], trial)
    for epoch in (1, 2):
        recording.on_trial_result(0, [], trial, result(epoch, 5.0 * epoch))
    assert (folder.of_trial(0) / "checkpoints").is_dir()
    recording.on_trial_complete(0, [], trial)
    assert folder.trials()[0].state == "finished"
    assert folder.trials()[0].curve("map") == {1: 5.0, 2: 10.0}
    assert [(event.state, event.epoch, event.value) for event in events] == [
        ("running", 0, None),
        ("finished", 2, 10.0),
    ]
    assert not (folder.of_trial(0) / "checkpoints").exists()
    assert (folder.of_trial(1) / "checkpoints").is_dir()


def test_a_trial_that_is_ended_before_was_stopped(recording_events, folder):
    recording, _ = recording_events
    recording.on_trial_result(0, [], as_ray_has_it(1), result(1, 5.0))
    recording.on_trial_complete(0, [], as_ray_has_it(1))
    assert (folder.trials()[1].state, folder.trials()[1].reason) == (
        "stopped",
        "not in the better half after epoch 1",
    )


def test_a_trial_that_failed_says_why_and_has_not_finished(recording_events, folder):
    recording, events = recording_events
    trial = as_ray_has_it(2)
    recording.on_trial_result(0, [], trial, {"failed": "ClusteringError: the features collapsed"})
    recording.on_trial_complete(0, [], trial)
    assert (folder.trials()[2].state, folder.trials()[2].reason) == (
        "failed",
        "ClusteringError: the features collapsed",
    )
    assert [event.state for event in events] == ["failed"]


def test_a_trial_whose_driver_dies_has_failed(recording_events, folder):
    recording, _ = recording_events
    recording.on_trial_error(
        0, [], SimpleNamespace(**vars(as_ray_has_it(0)), get_error=lambda: RuntimeError("a\nno memory\n"))
    )
    recording.on_trial_error(0, [], SimpleNamespace(**vars(as_ray_has_it(1)), get_error=lambda: None))
    reasons = [trial.reason for trial in folder.trials()]
    assert reasons == ["its driver died: no memory", "its driver died: no reason is known", ""]
    assert Counter(trial.state for trial in folder.trials()) == {"failed": 2, "running": 1}
