from raydist.tuning.objectives import measured, over_data


def test_map_is_the_mean_of_both_directions_after_epochs_that_were_evaluated():
    report = {
        "epoch": 2,
        "retrieval": {"infrared_to_visible": {"map": 40.0}, "visible_to_infrared": {"map": 50.0}},
    }
    assert measured(report) == {"map": 45.0}
    assert measured(report | {"criteria": {"silhouette": 0.5}}) == {"map": 45.0, "silhouette": 0.5}
    assert measured({"epoch": 1, "stage": "warm-up"}) == {}


def test_a_measure_counts_where_every_data_set_has_it():
    assert over_data({"a": {"map": 1.0}, "b": {"balance": 0.5}}, "map") is None
    assert over_data({}, "map") is None
    assert over_data({"a": {"map": 0.0}, "b": {"map": 0.0}}, "map") == 0.0
