from raydist.distributed.driver.comparison_table import tabulate
from raydist.engine.comparison_table import measures_of
from raydist.engine.summary import RunSummary
from raydist.evaluation.headings import METRICS


def test_nothing_is_tabulated_before_a_cell_has_ended(comparison):
    assert tabulate(comparison).rows == []
    assert not comparison.folder.exists()


def test_other_searches_are_measures_of_their_own():
    first, second = (
        {"infrared_to_visible": dict.fromkeys(METRICS, value) | {"rank1": value + 1}}
        for value in (10.0, 20.0)
    )
    facts = {"method": "pgm", "supervised": False, "data": "sysu_mm01", "protocol": "sysu_mm01", "seed": 0}
    values = facts | {"epochs": 3, "untrained": first, "last": first, "best": None, "clusters": {}}
    summary = RunSummary.from_dict(values | {"searches": {"sysu_mm01_indoor": {"last": second}}})
    measures = dict(measures_of(summary))
    assert measures["last/infrared_to_visible/map"] == 10.0
    assert measures["last/sysu_mm01_indoor/infrared_to_visible/map"] == 20.0
    assert measures["last/sysu_mm01_indoor/infrared_to_visible/rank1"] == 21.0
    assert not [name for name in measures if name.startswith("untrained/sysu_mm01_indoor")]
