"""What a run is beside its line in a list, and how configurations differ."""

import pytest

from raydist.config import validate
from raydist.engine.events import EpochReport
from raydist.engine.run_facts import RunFacts, changed_from_default, differing_keys
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.errors import ConfigError
from raydist.evaluation.headings import METRICS
from raydist.methods.registry import METHODS

SCORES = {
    way: dict.fromkeys(METRICS, 50.0) | {"map": 12.5}
    for way in ("infrared_to_visible", "visible_to_infrared")
}


@pytest.mark.parametrize("method", METHODS)
def test_what_differs_from_the_defaults_of_a_method_is_what_was_set(method):
    config = validate(Config, {"method": {"name": method}, "train": {"lr": 0.25}})
    assert changed_from_default(config) == {"train.lr": 0.25}


def test_keys_of_one_method_alone_differ_from_nothing(smoke):
    first, second = smoke("method.name=cba"), smoke("method.name=pgm", "run.name=other")
    keys = differing_keys([first, second])
    assert keys["method.name"] == ["cba", "pgm"]
    assert any(values[1] is None for path, values in keys.items() if path.startswith("method."))
    assert "run.name" not in keys
    assert differing_keys([first, first]) == {}


def test_a_run_under_way_has_the_scores_that_are_known(smoke, tmp_path):
    folder = RunFolder.create(tmp_path, "r", "x")
    folder.write("config.yaml", smoke().dump())
    facts = RunFacts.read(folder.path)
    assert (facts.scores, facts.best_epoch, list(facts.checkpoints)) == ({}, None, [])
    folder.log_epoch(EpochReport(0, "untrained", retrieval=SCORES))
    assert list(RunFacts.read(folder.path).scores) == ["untrained"]
    folder.log_epoch(EpochReport(1, "a", retrieval=SCORES))
    facts = RunFacts.read(folder.path)
    assert list(facts.scores) == ["untrained", "last"]
    assert set(facts.files) == {"config.yaml", "metrics.jsonl"}


def test_no_run_is_refused_with_the_runs_beside_it(smoke, tmp_path):
    for number in range(15):
        RunFolder.create(tmp_path, f"run-{number:02d}", "x").write("config.yaml", "x: 1")
    with pytest.raises(ConfigError, match=r"run-00, run-01.* and 3 more \(raydist runs ls"):
        RunFacts.read(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="such as runs/pgm-synthetic-001"):
        RunFacts.read(tmp_path / "run-00" / "inner")
