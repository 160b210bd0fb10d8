"""Which epoch of a run is called its best: by retrieval, or by a criterion where nothing can be scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from raydist.engine.criteria_names import CRITERIA
from raydist.engine.events import Scores
from raydist.evaluation.directions import DIRECTIONS

MAP = "map"
TEST_SPLIT = "test split"
"""What most best epochs are picked on, as papers do: the very rows that are scored."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class BestEpoch:
    """The best epoch so far.

    Attributes:
        epoch: counted from 1.
        measure: what it is the best by: ``map``, or the name of a criterion.
        value: of the measure.
    """

    epoch: int
    measure: str
    value: float


def mean_map(of_one: Scores) -> float:
    """The mean of both directions' mAP, in percent."""
    return sum(of_one[d]["map"] for d in DIRECTIONS) / len(DIRECTIONS)


def picked_on(measure: str, split: str) -> str:
    """What a best epoch was picked on, in words.

    Args:
        measure: what it is the best by.
        split: that the run evaluates on.

    >>> picked_on("map", "test"), picked_on("silhouette", "test")
    ('test split', 'criterion silhouette')
    """
    return f"{split} split" if measure == MAP else f"criterion {measure}"


def by_epoch(values: Mapping[str, Value]) -> dict[int, Value]:
    """Values by epoch as they were before JSON, which has no keys but strings."""
    return {int(epoch): value for epoch, value in values.items()}


def best_epoch(
    history: Mapping[int, Scores], criteria: Mapping[int, Mapping[str, float]]
) -> BestEpoch | None:
    """The trained epoch of the highest mean mAP; without scores, of the highest value of a criterion.

    The criterion is the first of `raydist.engine.criteria_names.CRITERIA` that was measured. It belongs to
    the clusters that an epoch trained on. Of equal epochs it is the earliest.

    Args:
        history: epoch -> scores; epoch 0 is the untrained encoder.
        criteria: epoch -> criterion -> value, of a run that cannot be scored.

    Returns:
        None while no trained epoch has either.

    >>> best_epoch({}, {1: {"silhouette": 0.1}, 2: {"silhouette": 0.3}})
    BestEpoch(epoch=2, measure='silhouette', value=0.3)
    """
    values = {epoch: {MAP: mean_map(of_one)} for epoch, of_one in history.items() if epoch > 0} or criteria
    for measure in (MAP, *CRITERIA):
        measured = {epoch: of_one[measure] for epoch, of_one in values.items() if measure in of_one}
        if measured:
            epoch = max(measured, key=lambda epoch: (measured[epoch], -epoch))
            return BestEpoch(epoch, measure, measured[epoch])
    return None
