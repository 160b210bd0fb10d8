import pytest

from raydist.tuning.proposals import NUM_RANDOM, propose
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from raydist.tuning.trial import Trial
from tests.tuning.spaces import EVERY_KIND


@pytest.fixture(scope="module")
def study():
    return make_study(Space.parse(EVERY_KIND), ["tune.search=optuna"])


def run(sample, number, state="finished"):
    """A trial whose objective is highest at eta = 1.2, a rate of 0.01 and the camera-aware distance."""
    value = (
        -5 * abs(sample["method.refinement.eta"] - 1.2)
        + 100 * sample["train.lr"]
        + (sample["clustering.distance"] != "jaccard")
    )
    epochs = (
        TrialReport(1, 2, 10, {"synthetic": {"map": value}}),
        TrialReport(2, 2, 20, {"synthetic": {"map": value}}),
    )
    return Trial(number, sample, state, epochs=epochs if state == "finished" else epochs[:1])


@pytest.fixture(scope="module")
def trials(study):
    """Forty trials, each proposed from those before; some were stopped after one epoch, some failed."""
    so_far = []
    for number in range(40):
        state = {7: "stopped", 8: "stopped", 9: "failed"}.get(number % 10, "finished")
        so_far.append(run(propose(study, so_far, number), number, state))
    return so_far


def test_the_first_samples_are_random(study, trials):
    assert [trial.sample for trial in trials[:NUM_RANDOM]] == [
        study.sample(number) for number in range(NUM_RANDOM)
    ]
    assert trials[NUM_RANDOM].sample != study.sample(NUM_RANDOM)


def test_random_search_takes_no_notice_of_the_trials(trials):
    random = make_study(Space.parse(EVERY_KIND), [])
    assert propose(random, trials, 40) == random.sample(40)


def test_every_sample_is_in_the_space(study, trials):
    for trial in trials:
        assert set(trial.sample) == set(study.parameters)
        study.config("synthetic", trial.sample)
        assert trial.sample["method.intra.momentum"] in study.parameters["method.intra.momentum"].steps
        assert type(trial.sample["clustering.min_samples"]) is int


def test_later_samples_are_better_than_random_ones(study, trials):
    def mean(samples):
        values = [run(sample, 0).last("map") for sample in samples]
        return sum(values) / len(values)

    assert (
        mean([trial.sample for trial in trials[20:]])
        > mean([study.sample(number) for number in range(200)]) + 0.5
    )


def test_a_proposal_is_a_function_of_the_records_and_the_number(study, trials):
    assert propose(study, trials, 40) == propose(study, trials, 40)
    assert propose(study, trials, 40) != propose(study, trials, 41)
    assert propose(study, trials, 40) != propose(study, trials[:20], 40)


def test_a_trial_that_runs_is_known(study, trials):
    running = Trial(40, propose(study, trials, 40))
    assert propose(study, [*trials, running], 41) != propose(study, trials, 41)
