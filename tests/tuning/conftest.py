"""A small study of two drawn data sets, and trials that were made up."""

from collections.abc import Callable
from pathlib import Path

import pytest

from raydist.tuning.report import TrialReport
from raydist.tuning.space import Space
from raydist.tuning.study import Study, make_study
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trial import Trial

SPACE = {
    "recipes": {"synthetic": "smoke", "manifest": "smoke"},
    "method.refinement.eta": {"uniform": [1, 2]},
    "train.lr": {"loguniform": [1e-4, 1e-2]},
    "clustering.min_samples": {"randint": [2, 4]},
    "manifest": {"clustering.eps": {"choice": [0.4, 0.5]}},
}


@pytest.fixture
def raw_space() -> dict:
    """A space as it is read."""
    return dict(SPACE)


@pytest.fixture
def study(raw_space: dict) -> Study:
    """Its study on both data sets."""
    return make_study(Space.parse(raw_space), ["data.name=synthetic,manifest", "data.root=unused,tracks.csv"])


@pytest.fixture
def folder(tmp_path: Path, study: Study) -> StudyFolder:
    """Its folder, without trials."""
    return StudyFolder.create(tmp_path, "study-1", study)


@pytest.fixture
def make_trial() -> Callable[..., Trial]:
    """`make_trial(number, maps, ...)`: a trial with these mAP values on `a`, and 10 less on `b`."""

    def make(number, maps, *, state="finished", of=None, sample=None, steps=100, criteria=None):
        epochs = []
        for epoch, value in enumerate(maps, start=1):
            more = criteria or {}
            values = {"a": {"map": value} | more, "b": {"map": value - 10} | more}
            epochs.append(TrialReport(epoch, of or len(maps), steps * epoch, values))
        return Trial(number, sample or {}, state, epochs=tuple(epochs))

    return make
