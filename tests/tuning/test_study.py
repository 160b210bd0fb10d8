from pathlib import Path

import pytest

from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.errors import ConfigError
from raydist.tuning.space import Space, values_for
from raydist.tuning.study import Study, arguments_by_data, make_study, with_overrides

SPACES = Path(__file__).parent.parent.parent / "tune_spaces"
BOTH = ["data.name=synthetic,manifest", "data.root=unused,tracks.csv"]


SPACES_AND_DATA = [
    (name, data)
    for name in ("cba", "hitpro", "pgm", "bmil", "dmdl", "hil", "cba-drawn")
    for data in ("synthetic", "hitsz_vcm,buptcampus")
    if (name, data) != ("cba-drawn", "synthetic")
]


@pytest.mark.parametrize(("name", "data"), SPACES_AND_DATA)
def test_every_space_of_the_project_fits_its_method_on_every_data_set(name, data):
    """`make_study` lays every bound over every recipe; here whole samples are laid over them too."""
    method = name.partition("-")[0]
    study = make_study(Space.read(SPACES / f"{name}.yaml"), [f"data.name={data}"])
    assert study.method == method
    assert {base.method.name for base in study.bases.values()} == {method}
    for number in range(20):
        sample = study.sample(number)
        for data in study.bases:
            config = study.config(data, sample)
            assert config.data.name == data
            assert config != study.bases[data]


@pytest.mark.parametrize(("name", "data"), SPACES_AND_DATA)
def test_no_space_searches_a_stage_that_is_left_out(name, data):
    study = make_study(Space.read(SPACES / f"{name}.yaml"), [f"data.name={data}"])
    for base_name, base in study.bases.items():
        shares = {
            stage: given["share"]
            for stage, given in base.method.model_dump().items()
            if isinstance(given, dict)
        }
        searched = {
            path.split(".")[1] for path in values_for(study.parameters, base_name) if path.count(".") == 2
        }
        assert all(shares.get(stage, 1) > 0 for stage in searched)


def test_every_space_has_a_test():
    assert {path.stem for path in SPACES.iterdir()} == {name for name, _ in SPACES_AND_DATA}


def test_arguments_with_a_value_for_each_are_divided():
    assert arguments_by_data(["a.x=1,2", "a.y=3", "a.z=[1,2]"], ["one", "two"]) == [
        ["a.x=1", "a.y=3", "a.z=[1,2]"],
        ["a.x=2", "a.y=3", "a.z=[1,2]"],
    ]
    assert arguments_by_data(["data.root=/a,b"], ["one"]) == [["data.root=/a,b"]]
    with pytest.raises(ConfigError, match="3 values for 2 data sets"):
        arguments_by_data(["a.x=1,2,3"], ["one", "two"])


def test_each_data_set_has_its_own_configuration(study):
    sample = study.sample(3)
    first, second = (study.config(data, sample) for data in ("synthetic", "manifest"))
    assert second.data.root.endswith("tracks.csv")
    assert first.train.lr == second.train.lr == sample["train.lr"]
    assert first.method.refinement.eta == sample["method.refinement.eta"]
    assert (first.clustering.eps, second.clustering.eps) == (0.5, sample["manifest:clustering.eps"])


def test_all_data_sets_start_from_one_epoch_of_another_run(raw_space, tmp_path):
    for file in ("config.yaml", "summary.json"):
        (tmp_path / file).write_text("{}")
    CheckpointFolder(tmp_path / "checkpoints").write(7, {"state.json": b"{}"})
    study = make_study(Space.parse(raw_space), [*BOTH, f"encoder.weights={tmp_path}"]).with_fixed_starts()
    assert [base.encoder.weights for base in study.bases.values()] == 2 * [f"{tmp_path}@7"]
    assert study.with_fixed_starts() == study


def test_samples_are_a_function_of_seed_and_number(study, raw_space):
    again = make_study(Space.parse(raw_space), BOTH)
    other = make_study(Space.parse(raw_space), [*BOTH, "tune.seed=1"])
    assert study.sample(0) == again.sample(0)
    assert len({str(sample) for sample in (study.sample(0), study.sample(1), other.sample(0))}) == 3


def test_identities_are_held_out_unless_the_words_say_otherwise(study, raw_space):
    base = study.bases["synthetic"]
    assert (base.evaluation.split, base.data.validation_identities, base.evaluation.criteria) == (
        "validation",
        0.2,
        True,
    )
    base = make_study(Space.parse(raw_space), ["data.validation_identities=0.4"]).bases["synthetic"]
    assert (base.evaluation.split, base.data.validation_identities) == ("validation", 0.4)
    base = make_study(Space.parse(raw_space), ["evaluation.split=test", "tune.objective=silhouette"]).bases[
        "synthetic"
    ]
    assert (base.evaluation.split, base.data.validation_identities) == ("test", 0.0)


def test_a_word_fixes_what_the_space_searches(raw_space):
    study = make_study(Space.parse(raw_space), ["train.lr=3e-3"])
    assert "train.lr" not in study.parameters
    assert study.config("synthetic", study.sample(0)).train.lr == 3e-3


@pytest.mark.parametrize(
    ("more", "words", "message"),
    [
        ({}, ["evaluation.split=test"], "tune.objective = map with evaluation.split = test"),
        ({}, ["tune.objective=balance", "evaluation.criteria=false"], "needs evaluation.criteria"),
        ({}, ["data.name=regdb"], "no recipe for regdb"),
        ({}, ["data.name=synthetic,synthetic"], "each data set once"),
        (
            {},
            ["data.name=synthetic,manifest", "data.root=a,b", "tune.num_samples=2,3"],
            r"tune\.\* .* one value",
        ),
        (
            {},
            ["data.name=synthetic,manifest", "data.root=a,b", "ray.num_workers=1,2"],
            r"ray\.\* .* one value",
        ),
        (
            {},
            [f"{path}=2" for path in ("method.refinement.eta", "train.lr", "clustering.min_samples")],
            "nothing is left",
        ),
        (
            {"method.refinement.etta": {"uniform": [1, 2]}},
            [],
            "unknown key method.refinement.etta: did you mean 'eta'",
        ),
        ({"method.refinement.rho": {"uniform": [0, 1]}}, [], r"rho = 0.0"),
        ({"method.refinement.rho": {"uniform": [0.5, 1.5]}}, [], r"rho = 1.5"),
        ({"clustering.k1": {"uniform": [5, 9]}}, [], r"clustering\.k1.* = 6\.2"),
        ({"clustering.distance": {"choice": ["jaccard", "jackard"]}}, [], "jackard"),
        ({"run.seed": {"randint": [0, 5]}}, [], "run.seed cannot be searched"),
        ({"method.name": {"choice": ["cba", "pgm"]}}, [], "method.name cannot be searched"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(raw_space, more, words, message):
    with pytest.raises(ConfigError, match=message):
        make_study(Space.parse(raw_space | more), words)


def test_words_are_laid_over_a_study_that_goes_on(study):
    again = with_overrides(
        study, ["tune.num_samples=40", "ray.num_workers=1,1", "data.root=unused,other.csv"]
    )
    assert again.space == study.space
    assert again.tune.num_samples == 40
    assert study.differences(again) == [
        f"manifest: data.root: {study.bases['manifest'].data.root!r} -> {str(Path.cwd() / 'other.csv')!r}"
    ]
    with pytest.raises(ConfigError, match="did you mean 'num_samples'"):
        with_overrides(study, ["tune.num_sample=40"])


def test_differences_are_what_a_resumed_study_may_not_change(study, raw_space):
    def planned(*words, **more) -> Study:
        return make_study(Space.parse(raw_space | more), [*BOTH, *words])

    allowed = ["tune.num_samples=99", "tune.max_concurrent=3", "ray.num_workers=1", "run.name=other"]
    assert study.differences(planned(*allowed)) == []
    assert study.differences(planned("tune.seed=4")) == ["tune.seed: 0 -> 4"]
    assert study.differences(planned("train.epochs=7")) == [
        f"{d}: train.epochs: 3 -> 7" for d in ("synthetic", "manifest")
    ]
    (line,) = study.differences(planned(**{"train.lr": {"uniform": [0.1, 1]}}))
    assert line == "train.lr: loguniform [0.0001, 0.01] -> uniform [0.1, 1]"
    alone = make_study(Space.parse(raw_space), [])
    assert study.differences(alone) == ["data sets: synthetic, manifest -> synthetic"]


@pytest.mark.parametrize(("in_space", "given"), [("keep", "momentum"), ("momentum", "keep")])
def test_a_word_fixes_a_path_of_the_space_under_its_old_and_its_new_name(in_space, given):
    space = Space.parse(
        {
            "recipes": {"synthetic": "smoke method.name=dcl"},
            f"method.dual.{in_space}": {"uniform": [0, 0.5]},
            "train.lr": {"loguniform": [1e-4, 1e-3]},
        }
    )
    study = make_study(space, [f"method.dual.{given}=0.3"])
    assert list(study.parameters) == ["train.lr"]
    assert study.base.method.dual.momentum == 0.3
