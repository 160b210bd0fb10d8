"""What trials are compared by: retrieval on held-out identities, or a criterion that needs none. Larger is better."""

from __future__ import annotations

from math import isfinite
from statistics import fmean

from raydist.engine.criteria import CRITERIA
from raydist.engine.events import EpochReport
from raydist.engine.retrieval import mean_map
from raydist.engine.schema import Config
from raydist.errors import ConfigError
from raydist.tuning.report import MetricsByData

METRICS = ("map", *CRITERIA)
"""Whatever `metrics_of` may find; each can be the objective of a study."""


def metrics_of(report: EpochReport) -> dict[str, float]:
    """The metrics of an epoch that trials can be compared by.

    Args:
        report: of the epoch.

    Returns:
        Metric -> value, finite ones only; ``map`` is the mean of both directions in percent, after epochs that were
        evaluated.

    >>> metrics_of(EpochReport(3, "intra", criteria={"balance": 0.5}))
    {'balance': 0.5}
    """
    retrieval = {} if report.retrieval is None else {"map": mean_map(report.retrieval)}
    metrics = {**retrieval, **report.criteria}
    return {metric: value for metric, value in metrics.items() if isfinite(value)}


def mean_over_data(values: MetricsByData, measure: str) -> float | None:
    """The mean of a measure over the data sets; None unless all have it.

    >>> mean_over_data({"a": {"map": 40.0}, "b": {"map": 20.0}}, "map")
    30.0
    """
    found = [of_one.get(measure) for of_one in values.values()]
    known = [value for value in found if value is not None]
    return fmean(known) if known and len(known) == len(found) else None


def means_over_data(values: MetricsByData) -> dict[str, float]:
    """Every measure that all data sets have, as its mean over them.

    >>> means_over_data({"a": {"map": 40.0, "balance": 1.0}, "b": {"map": 20.0}})
    {'map': 30.0}
    """
    found = {measure: mean_over_data(values, measure) for measure in METRICS}
    return {measure: value for measure, value in found.items() if value is not None}


def check_objective(config: Config) -> None:
    """Refuse a search that would be steered by the identities it is to be tested on.

    Raises:
        ConfigError: the objective is ``map`` on the test split, or a criterion that is not measured.
    """
    objective = config.tune.objective
    if objective == "map" and config.evaluation.split == "test":
        raise ConfigError(
            "tune.objective = map with evaluation.split = test would choose hyper-parameters by the very identities that the "
            "result is tested on; hold some back (evaluation.split=validation data.validation_identities=0.2), or choose a "
            f"criterion that needs no identities: tune.objective={'|'.join(CRITERIA)}"
        )
    if objective in CRITERIA and not config.evaluation.criteria:
        raise ConfigError(f"tune.objective = {objective} needs evaluation.criteria = true, which measures it")
