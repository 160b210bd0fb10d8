"""What `raydist tune` says, and what it refuses before Ray is started."""

from dataclasses import replace
from pathlib import Path

import pytest

from raydist.cli.tune import describe_event, print_study
from raydist.distributed.tune.search import conclude
from raydist.engine.criteria_names import WHY_MISSING
from raydist.tuning.events import StudyStarted, TrialChanged
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Space
from raydist.tuning.study import make_study
from raydist.tuning.study_folder import StudyFolder

SPACE = """
recipes: {synthetic: smoke, hitsz_vcm: smoke}
train.lr: {loguniform: [1e-4, 1e-2]}
hitsz_vcm: {clustering.eps: {uniform: [0.3, 0.6]}}
"""
BOTH = ["data.name=synthetic,hitsz_vcm", "data.root=unused,elsewhere"]


@pytest.fixture
def space(tmp_path: Path) -> Path:
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path / "space.yaml"


@pytest.fixture
def study(space):
    return make_study(Space.read(space), BOTH)


@pytest.fixture
def folder(study, tmp_path):
    """A study with one trial of every kind."""
    folder = StudyFolder.create(tmp_path / "runs", None, study)
    with folder.recording() as log:
        for number, (state, maps) in enumerate(
            {"finished": [5.0, 9.25], "stopped": [2.0], "failed": []}.items()
        ):
            log.start(number, study.sample(number))
            for epoch, value in enumerate(maps, start=1):
                log.epoch(
                    number,
                    TrialReport(
                        epoch, 2, 10 * epoch, {"synthetic": {"map": value}, "hitsz_vcm": {"map": value - 1}}
                    ),
                )
            log.end(number, state, "" if state == "finished" else "for a reason")
    return folder


def test_a_criterion_that_a_trial_lacks_is_explained(space, tmp_path, capsys):
    study = make_study(Space.read(space), ["tune.objective=stability"])
    folder = StudyFolder.create(tmp_path / "runs", None, study)
    with folder.recording() as log:
        for number, values in enumerate([{"stability": 0.5, "balance": 1.0}, {"balance": 1.0}]):
            log.start(number, study.sample(number))
            log.epoch(number, TrialReport(2, 2, 20, {"synthetic": values}))
            log.end(number, "finished", "")
    print_study(study, folder, conclude(study, folder))
    out, err = capsys.readouterr()
    assert [line.split("│")[4].strip() for line in out.splitlines() if "│" in line] == ["0.5", "-"]
    assert WHY_MISSING["stability"] in err.splitlines()


def test_all_trials_are_tabled_and_the_winner_is_named(study, folder, capsys):
    summary = conclude(study, folder)
    print_study(study, folder, summary)
    out, err = capsys.readouterr()
    rows = {
        row[0]: row[1:]
        for text in out.splitlines()
        if "│" in text
        for row in [[part.strip() for part in text.split("│")[1:-1]]]
    }
    assert rows == {
        "0": ["finished", "2/2", "8.75", "9.25", "8.25"],
        "1": ["stopped", "1/2", "1.5", "2", "1"],
        "2": ["failed", "0", "-", "-", "-"],
    }
    assert "1 of 3 trials were stopped early, which saved 25 % of the full grid's steps" in err
    assert "trial 0 is the best of those that finished, map 8.75" in err
    assert "is missing" not in err
    for data in study.bases:
        assert f"python -m raydist.train {folder.path}/best-{data}.yaml" in err
    assert (folder.path / "report" / "index.html").is_file()
    assert summary.as_dict()["trials"] == {"finished": 1, "stopped": 1, "failed": 1}
    assert summary.as_dict()["values"] == {"synthetic": 9.25, "hitsz_vcm": 8.25}
    assert summary.as_dict()["winner"] == {"trial": 0, "sample": study.sample(0)}


def test_a_change_of_a_trial_is_one_line():
    started = TrialChanged(3, "running", "", epoch=0, num_epochs=None, objective="map", value=None)
    assert describe_event(started) == "trial 3 started"
    continued = replace(started, epoch=4, num_epochs=12, value=1.0)
    assert describe_event(continued) == "trial 3 goes on after epoch 4/12"
    finished = replace(continued, state="finished", epoch=12, value=23.456)
    assert describe_event(finished) == "trial 3 finished after epoch 12/12, map 23.46"
    failed = replace(started, state="failed", reason="TrainingError: the loss is nan")
    assert describe_event(failed) == "trial 3 failed after epoch 0: TrainingError: the loss is nan"


def test_the_start_says_what_is_searched(study):
    event = StudyStarted(
        folder="runs/s",
        mlflow_uri=None,
        method="cba",
        data=["a", "b"],
        num_parameters=3,
        tune=study.tune,
        num_ended=2,
        num_waiting=6,
        at_once=4,
    )
    assert describe_event(event).splitlines() == [
        "study folder: runs/s",
        "3 parameters of cba on a, b, compared by map: random search, early stopping asha",
        "6 trials to run, 2 ended before; 4 at once",
    ]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "no search space is given: name one, such as tune_spaces/cba.yaml"),
        (["{space}", "other.yaml"], 2, "give one search space"),
        (
            ["nowhere.yaml"],
            2,
            "no configuration file at nowhere.yaml; the spaces of this package lie in tune_spaces/",
        ),
        (
            ["{space}", "tune.objective=map", "evaluation.split=test"],
            2,
            "tune.objective = map with evaluation.split = test",
        ),
        (["{space}", "tune.search=pbt"], 2, "tune.search"),
        (["{space}", "run.dir={folder}/..", "run.name={name}"], 2, "exists; choose another name"),
        (["{space}", "data.name=hitsz_vcm", "data.root={space}"], 3, "space.yaml"),
        (["{space}", "--resume", "nowhere"], 2, "nowhere holds no study"),
        (["--resume", "nowhere"], 2, "nowhere holds no study"),
        (["--resume", "{folder}", "train.epochs=9"], 2, "synthetic: train.epochs: 3 -> 9"),
        (["--resume", "{folder}", "tune.seed=9"], 2, "tune.seed: 0 -> 9"),
        (["{space}", "--resume", "{folder}"], 2, "data sets: synthetic, hitsz_vcm -> synthetic"),
        (
            ["{space}", "run.dir={folder}/..", "run.name={name}", "run.on_exists=resume"],
            2,
            "a study keeps what it searches, a changed one is a new study",
        ),
    ],
)
def test_what_cannot_work_ends_with_its_code(raydist, space, folder, words, code, message):
    before = {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")}
    result = raydist(
        "tune", *[word.format(space=space, folder=folder.path, name=folder.path.name) for word in words]
    )
    assert result.code == code
    assert result.err.startswith("error: ")
    assert message in result.err
    assert {path: path.stat().st_mtime_ns for path in folder.path.rglob("*")} == before


def test_a_changed_space_is_refused_with_the_difference(raydist, space, folder):
    space.write_text(SPACE.replace("0.6", "0.7"))
    result = raydist("tune", space, *BOTH, "--resume", folder.path)
    assert result.code == 2
    assert "hitsz_vcm:clustering.eps: uniform [0.3, 0.6] -> uniform [0.3, 0.7]" in result.err
