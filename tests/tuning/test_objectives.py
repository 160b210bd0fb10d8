from dataclasses import replace

from raydist.engine.events import EpochReport
from raydist.tuning.objectives import mean_over_data, metrics_of


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
