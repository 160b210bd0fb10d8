"""What a run came to, as `summary.json` in its folder holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from raydist.engine.events import EpochReport, Scores
from raydist.engine.retrieval import best_epoch
from raydist.engine.state import RunState

Value = TypeVar("Value")


@dataclass(frozen=True)
class Best:
    """The epoch of the highest mean mAP.

    Attributes:
        scores: direction -> measure -> percent.
        epoch: counted from 1.
        picked_on: the split that it was chosen on.
    """

    scores: Scores
    epoch: int
    picked_on: str


@dataclass(frozen=True)
class RunSummary:
    """The result of a run.

    Attributes:
        method: its name.
        supervised: whether it was given the identities.
        data: name of the data set.
        protocol: how queries and gallery were ranked.
        split: that was evaluated.
        paired: whether simultaneous tracklets were known.
        seed: of the run.
        epochs: of the run.
        untrained: scores of the untrained encoder.
        last: scores after the last epoch.
        best: the best epoch.
        clusters: ``first`` and ``last`` -> modality -> measure -> value; empty without clusters.
        association: ``first`` and ``last`` -> measure -> value.
        frames_seen: training frames that went through the encoder.
        seconds: part of the epochs -> sum over the run.
        frames_per_second: training frames for each second of training.
    """

    method: str
    supervised: bool
    data: str
    protocol: str
    split: str
    paired: bool
    seed: int
    epochs: int
    untrained: Scores
    last: Scores
    best: Best
    clusters: Mapping[str, Mapping[str, Mapping[str, float]]]
    association: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    frames_seen: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    frames_per_second: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """What ``summary.json`` holds."""
        best = {**self.best.scores, "epoch": self.best.epoch, "picked_on": self.best.picked_on}
        return {**asdict(self), "best": best}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunSummary:
        """The summary that ``summary.json`` holds; keys of other versions are passed over."""
        absent = {"split": "test", "paired": False}  # in summaries of early versions
        known: dict[str, Any] = absent | {
            name: value for name, value in values.items() if name in cls.__dataclass_fields__
        }
        scores = dict(known.pop("best"))
        epoch, picked_on = scores.pop("epoch"), scores.pop("picked_on")
        return cls(**known, best=Best(scores, epoch, picked_on))


def summarise(state: RunState, reports: Sequence[EpochReport]) -> RunSummary:
    """The summary of a run at its end.

    Args:
        state: the run.
        reports: of all its epochs, in order.
    """
    config = state.config
    best = best_epoch(state.history)
    assert best is not None
    split = config.evaluation.split
    seconds = _sum_of_seconds(reports)
    return RunSummary(
        method=config.method.name,
        supervised=state.method.supervised,
        data=config.data.name,
        protocol=state.inputs.protocol,
        split=split,
        paired=config.data.paired,
        seed=config.run.seed,
        epochs=state.epoch,
        untrained=state.history[0],
        last=state.history[state.epoch],
        best=Best(state.history[best], best, f"{split} split"),
        clusters=_first_and_last([report.clusters for report in reports]),
        association=_first_and_last([report.association for report in reports]),
        frames_seen=state.frames_seen,
        seconds=seconds,
        frames_per_second=round(state.frames_seen / max(seconds.get("train", 0.0), 1e-9), 1),
    )


def _sum_of_seconds(reports: Sequence[EpochReport]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for report in reports:
        for part, value in report.seconds.items():
            seconds[part] = round(seconds.get(part, 0.0) + value, 3)
    return seconds


def _first_and_last(values: Sequence[Mapping[str, Value]]) -> dict[str, Mapping[str, Value]]:
    """The first and the last of the mappings that are not empty."""
    given = [one for one in values if one]
    return {"first": given[0], "last": given[-1]} if given else {"first": {}, "last": {}}
