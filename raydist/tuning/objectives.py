"""What trials are compared by: retrieval on held-out identities, or a criterion that needs none. Larger is better."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from statistics import fmean
from typing import Any

from raydist.engine.criteria import CRITERIA
from raydist.engine.run import mean_map
from raydist.engine.schema import Config
from raydist.errors import ConfigError

METRICS = ("map", *CRITERIA)
"""Whatever `metrics_of` may find; each can be the objective of a study."""

MetricsByData = Mapping[str, Mapping[str, float]]
"""Data set -> measure -> value, of one trial after one epoch."""


def metrics_of(report: Mapping[str, Any]) -> dict[str, float]:
    """What an epoch's report says of the measures.

    Args:
        report: as `raydist.engine.loop.run_epoch` gives it.

    Returns:
        Measure -> value, finite ones only; ``map`` is the mean of both directions in percent, after epochs that were evaluated.

    >>> metrics_of({"epoch": 3, "criteria": {"balance": 0.5}})
    {'balance': 0.5}
    """
    found = {"map": mean_map(report["retrieval"])} if "retrieval" in report else {}
    found |= report.get("criteria", {})
    return {measure: value for measure, value in found.items() if isfinite(value)}


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
