from pathlib import Path

import pytest

from raydist.engine.schema import RECIPES, Config, load_config
from raydist.errors import ConfigError
from raydist.methods.registry import METHODS
from raydist.types import Modality


@pytest.mark.parametrize("recipe", sorted(p.stem for p in RECIPES.glob("*.yaml")))
def test_every_recipe_is_valid_and_runs_as_it_is_written_back(recipe, tmp_path):
    config = load_config(recipe)
    (tmp_path / "config.yaml").write_text(config.dump())
    assert load_config(str(tmp_path / "config.yaml")) == config


@pytest.mark.parametrize("method", METHODS)
def test_a_method_named_on_the_command_line_comes_with_its_defaults(method):
    assert load_config("demo", [f"method.name={method}"]).method.name == method


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("train.epoch=3", r"unknown key train\.epoch: did you mean 'epochs'\?"),
        ("trian.epochs=3", r"unknown key trian: did you mean 'train'\?"),
        ("method.warmup=3", r"unknown key method\.warmup: did you mean 'warm_up'\?"),
        ("method.name=pmg", "did you mean 'pgm'"),
        ("train.epochs=0", r"train\.epochs = 0"),
        ("train.lr=fast", r"train\.lr = 'fast'"),
        ("clustering.eps={visible: 0.5}", "infrared"),
        ("data.name=hitsz_vcm", r"needs data\.root"),
        ("evaluation.split=validation", r"needs data\.validation_identities"),
        ("data.preset=cii", "smoke"),
    ],
)
def test_a_wrong_word_is_told_with_its_path(word, message):
    with pytest.raises(ConfigError, match=message):
        load_config("demo", [word])


def test_eps_may_be_given_per_modality():
    section = load_config("demo", ["clustering.eps={visible: 0.4, infrared: 0.6}"]).clustering
    assert [section.spec(m).eps for m in Modality] == [0.4, 0.6]


def test_the_preset_null_can_be_named():
    assert load_config("demo", ["data.preset=null"]).data.preset == "null"


def test_relative_paths_lead_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config("demo", ["data.name=manifest", "data.root=m.csv"])
    assert config.data.root == str(tmp_path / "m.csv")
    assert config.tracking.mlflow_uri == f"sqlite:///{tmp_path}/runs/mlflow.db"
    assert Path(config.run.dir) == tmp_path / "runs"


def test_in_a_ray_job_they_lead_from_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", '{"metadata": {"job_submission_id": "raysubmit_1"}}')
    assert load_config("demo").run.dir == str(tmp_path / "home" / "runs")


def test_the_configuration_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().train.lr = 1.0
