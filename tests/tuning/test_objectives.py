from dataclasses import replace

import pytest

from raydist.engine.criteria_names import CRITERIA
from raydist.engine.events import EpochReport
from raydist.engine.schema import load_config
from raydist.errors import ConfigError
from raydist.methods.registry import METHODS, method_class
from raydist.tuning.objectives import check_objective, mean_over_data, metrics_of


def test_map_is_the_mean_of_both_directions_after_epochs_that_were_evaluated():
    retrieval = {"infrared_to_visible": {"map": 40.0}, "visible_to_infrared": {"map": 50.0}}
    report = EpochReport(2, "dual", retrieval=retrieval)
    assert metrics_of(report) == {"map": 45.0}
    with_criteria = replace(report, criteria={"silhouette": 0.5})
    assert metrics_of(with_criteria) == {"map": 45.0, "silhouette": 0.5}
    assert metrics_of(EpochReport(1, "warm-up")) == {}


def test_a_metric_counts_where_every_data_set_has_it():
    assert mean_over_data({"a": {"map": 1.0}, "b": {"balance": 0.5}}, "map") is None
    assert mean_over_data({}, "map") is None
    assert mean_over_data({"a": {"map": 0.0}, "b": {"map": 0.0}}, "map") == 0.0


def config_by(method: str, objective: str):
    words = ["evaluation.criteria=true", f"method.name={method}", f"tune.objective={objective}"]
    return load_config("smoke", words)


def test_a_criterion_that_never_has_a_value_with_the_method_is_refused():
    with pytest.raises(
        ConfigError, match=r"hitpro; these have one: .*=map\|silhouette\|consistency\|balance$"
    ):
        check_objective(config_by("hitpro", "stability"))
    with pytest.raises(ConfigError, match=r"supervised; these have one: tune.objective=map$"):
        check_objective(config_by("supervised", "balance"))
    check_objective(config_by("hitpro", "balance"))
    check_objective(config_by("cba", "stability"))


@pytest.mark.parametrize("name", METHODS)
def test_methods_name_criteria_that_there_are(name):
    assert set(method_class(name).unmeasured) <= set(CRITERIA)
