"""What trials are compared by: retrieval on held-out identities, or a criterion that needs none.

Larger is better for all of them.
"""

from __future__ import annotations

from math import isfinite
from statistics import fmean

from raydist.engine.best import mean_map
from raydist.engine.criteria_names import CRITERIA
from raydist.engine.events import EpochReport
from raydist.engine.schema import Config
from raydist.errors import ConfigError
from raydist.methods.registry import method_class
from raydist.tuning.report import MetricsByData

METRICS = ("map", *CRITERIA)
"""All that `metrics_of` may return; each can be the objective of a study."""


def metrics_of(report: EpochReport) -> dict[str, float]:
    """The metrics of one epoch by which a trial can be compared.

    Args:
        report: of one data set.

    Returns:
        Metric -> value, finite ones only; ``map`` is the mean of both directions in percent, after epochs
        that were evaluated.

    >>> metrics_of(EpochReport(3, "dual", criteria={"balance": 0.5}))
    {'balance': 0.5}
    """
    retrieval = {} if report.retrieval is None else {"map": mean_map(report.retrieval)}
    return {name: value for name, value in (retrieval | dict(report.criteria)).items() if isfinite(value)}


def mean_over_data(values: MetricsByData, metric: str) -> float | None:
    """The mean of a metric over the data sets; None unless all have it.

    >>> mean_over_data({"a": {"map": 40.0}, "b": {"map": 20.0}}, "map")
    30.0
    """
    each = [of_one.get(metric) for of_one in values.values()]
    known = [value for value in each if value is not None]
    return fmean(known) if known and len(known) == len(each) else None


def means_over_data(values: MetricsByData) -> dict[str, float]:
    """Every metric that all data sets have, as its mean over them.

    >>> means_over_data({"a": {"map": 40.0, "balance": 1.0}, "b": {"map": 20.0}})
    {'map': 30.0}
    """
    means = {metric: mean_over_data(values, metric) for metric in METRICS}
    return {metric: value for metric, value in means.items() if value is not None}


def check_objective(config: Config) -> None:
    """Refuse a search that would select by the identities it is to be tested on, or by nothing.

    Raises:
        ConfigError: the objective is ``map`` on the test split, or a criterion that is not computed or never
            has a value with the method.
    """
    objective = config.tune.objective
    if objective == "map" and config.evaluation.split == "test":
        raise ConfigError(
            "tune.objective = map with evaluation.split = test would choose hyper-parameters by the very "
            "identities that the result is tested on; hold some back (evaluation.split=validation "
            "data.validation_identities=0.2), or choose a criterion that needs no identities: "
            f"tune.objective={'|'.join(CRITERIA)}"
        )
    if objective in CRITERIA and not config.evaluation.criteria:
        raise ConfigError(f"tune.objective = {objective} needs evaluation.criteria = true, which measures it")
    _check_measured(config)


def _check_measured(config: Config) -> None:
    """Refuse a criterion that never has a value with the method."""
    unmeasured = method_class(config.method.name).unmeasured
    if config.tune.objective in unmeasured:
        given = [name for name in METRICS if name not in unmeasured]
        raise ConfigError(
            f"tune.objective = {config.tune.objective} never has a value with method.name = "
            f"{config.method.name}; these have one: tune.objective={'|'.join(given)}"
        )
