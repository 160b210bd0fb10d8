"""What trials report to Ray Tune, which needs no cluster."""

from raydist.distributed.tune.results import TrialFailed, from_result, to_result
from raydist.tuning.report import TrialReport


def test_a_report_comes_back_and_the_last_one_ends_the_trial():
    for epoch, done in ((1, False), (2, True)):
        report = TrialReport(epoch, 2, 10, {"a": {"map": 4.0}, "b": {"map": 6.0}})
        result = to_result(report)
        assert (result["map"], result["epoch"], result["done"]) == (5.0, epoch, done)
        assert from_result(result | {"time_total_s": 3}) == report


def test_a_trial_that_failed_is_done():
    failed = TrialFailed("ClusteringError: the features collapsed")
    assert to_result(failed)["done"]
    assert from_result(to_result(failed)) == failed
