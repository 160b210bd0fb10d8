import pytest

from raydist.engine.schema import load_config
from raydist.tuning.best import write_best
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from raydist.tuning.trial import Trial


@pytest.fixture
def trial(study):
    values = {"synthetic": {"map": 41.0, "balance": 0.5}, "manifest": {"map": 31.0, "balance": 0.5}}
    return Trial(5, study.sample(5), "finished", epochs=(TrialReport(3, 3, 30, values),))


def test_the_winner_is_a_training_on_all_identities(tmp_path, study, trial):
    for path, data in zip(write_best(tmp_path, study, trial), study.bases, strict=True):
        assert path == tmp_path / f"best-{data}.yaml"
        best, tried = load_config(str(path)), study.config(data, trial.sample)
        assert (best.evaluation.split, best.data.validation_identities) == ("test", 0)
        assert (best.method, best.clustering, best.train) == (tried.method, tried.clustering, tried.train)
        again = load_config(str(path), ["evaluation.split=validation", "data.validation_identities=0.2"])
        assert again == tried


def test_the_file_says_what_it_is(tmp_path, study, trial):
    text = write_best(tmp_path, study, trial)[0].read_text()
    assert f"python -m raydist.train {tmp_path}/best-synthetic.yaml" in text
    assert "the best by map: 41 here, 36 over synthetic, manifest" in text
    assert "evaluation.split=validation data.validation_identities=0.2" in text


def test_a_search_without_held_out_identities_is_left_as_it_is(tmp_path, raw_space, trial):
    words = ["evaluation.split=test", "tune.objective=balance", "run.name=search"]
    study = make_study(Space.parse(raw_space), words)
    (path,) = write_best(tmp_path, study, trial)
    assert "held some back" not in path.read_text()
    assert load_config(str(path)).evaluation == study.bases["synthetic"].evaluation
    assert load_config(str(path)).run.name is None
