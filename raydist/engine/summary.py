"""What a run came to, as `summary.json` in its folder holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from raydist.engine.best import MAP, picked_on
from raydist.engine.events import EpochReport, Scores, check_scores
from raydist.evaluation.directions import DIRECTIONS
from raydist.json_values import check_shape

if TYPE_CHECKING:
    from raydist.engine.state import RunState

Value = TypeVar("Value")


@dataclass(frozen=True)
class Best:
    """The best epoch, see `raydist.engine.best`.

    Attributes:
        scores: direction -> measure -> percent; empty where it cannot be scored.
        epoch: counted from 1; of a mean over splits, the mean.
        picked_on: the split, or the criterion, that it was chosen on.
        measure: what it is the best by.
        value: of the measure.
    """

    scores: Scores
    epoch: float
    picked_on: str
    measure: str = MAP
    value: float | None = None

    @classmethod
    def of(cls, state: RunState) -> Best | None:
        """That of a run; None where nothing was measured."""
        best, split = state.best, state.config.evaluation.split
        if best is None:
            return None
        scores = state.history.get(best.epoch, {})
        return cls(scores, best.epoch, picked_on(best.measure, split), best.measure, round(best.value, 4))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Best:
        """From an entry of ``summary.json``."""
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        known.pop("scores", None)  # the directions stand beside the other values
        return cls({d: values[d] for d in DIRECTIONS if d in values}, **known)

    def as_dict(self) -> dict[str, Any]:
        """The entry of ``summary.json``: the directions stand beside the other values."""
        values = asdict(self)
        return {**values.pop("scores"), **values}


@dataclass(frozen=True)
class RunSummary:
    """The result of a run.

    Attributes:
        method: its name.
        supervised: whether it was given the identities.
        data: name of the data set.
        protocol: how queries and gallery were ranked; None where nothing was scored.
        split: that was evaluated; None likewise.
        paired: whether simultaneous tracklets were known.
        seed: of the run.
        epochs: of the run.
        untrained: scores of the untrained encoder; None where nothing can be scored.
        last: scores after the last epoch; None likewise.
        best: the best epoch; None where nothing was measured.
        searches: name of another search of the data set -> ``untrained``, ``last`` and ``best`` -> scores.
        clusters: ``first`` and ``last`` -> modality -> measure -> value; empty without clusters.
        association: ``first`` and ``last`` -> measure -> value.
        criteria: ``first`` and ``last`` -> criterion -> value; empty where none was measured.
        not_scored: why nothing was scored; None where the encoder was.
        frames_seen: training frames that went through the encoder.
        seconds: part of the epochs -> sum over the run.
        frames_per_second: training frames for each second of training.
    """

    method: str
    supervised: bool
    data: str
    protocol: str | None
    split: str | None
    paired: bool
    seed: int
    epochs: int
    untrained: Scores | None
    last: Scores | None
    best: Best | None
    clusters: Mapping[str, Mapping[str, Mapping[str, float]]]
    searches: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)
    association: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    criteria: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    not_scored: str | None = None
    frames_seen: float = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    frames_per_second: float = 0.0

    @property
    def of_searches(self) -> dict[str, Mapping[str, Scores]]:
        """Name of a search -> ``untrained``, ``last`` and ``best`` -> scores, the run's own search first.

        Without what was not scored.
        """
        if self.protocol is None:
            return {}
        best = self.best.scores if self.best else None
        own = {"untrained": self.untrained, "last": self.last, "best": best}
        return {self.protocol: {key: scores for key, scores in own.items() if scores}, **self.searches}

    def as_dict(self) -> dict[str, Any]:
        """What ``summary.json`` holds."""
        return {**asdict(self), "best": self.best and self.best.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunSummary:
        """The summary that ``summary.json`` holds; keys of other versions are passed over.

        Raises:
            ValueError: a key is missing, or a value has another shape; the message says where.
        """
        absent = {"split": "test", "paired": False}  # in summaries of early versions
        known: dict[str, Any] = absent | {
            name: value for name, value in values.items() if name in cls.__dataclass_fields__
        }
        if isinstance(best := known.get("best"), dict):
            scores = {direction: best[direction] for direction in DIRECTIONS if direction in best}
            known["best"] = {**best, "scores": scores}
        check_shape(known, cls)
        summary = cls(**{**known, "best": best and Best.from_dict(best)})
        best_scores = summary.best.scores if summary.best else None
        for scored, place in (
            (summary.untrained, "untrained"),
            (summary.last, "last"),
            (best_scores, "best"),
        ):
            check_scores(scored, place)
        for search, of_encoders in summary.searches.items():
            for encoder, of_one in of_encoders.items():
                check_scores(of_one, f"searches: {search}: {encoder}")
        return summary


def summarise(state: RunState, reports: Sequence[EpochReport]) -> RunSummary:
    """The summary of a run at its end.

    Args:
        state: the run.
        reports: of all its epochs, in order.
    """
    config = state.config
    scored = state.inputs.not_scored is None
    seconds = _sum_of_seconds(reports)
    return RunSummary(
        method=config.method.name,
        supervised=state.method.supervised,
        data=config.data.name,
        protocol=state.inputs.protocol if scored else None,
        split=config.evaluation.split if scored else None,
        paired=config.data.paired,
        seed=config.run.seed,
        epochs=state.epoch,
        untrained=state.history.get(0),
        last=state.history.get(state.epoch),
        best=Best.of(state),
        searches=_searches(state),
        clusters=_first_and_last([report.clusters for report in reports]),
        association=_first_and_last([report.association for report in reports]),
        criteria=_first_and_last([report.criteria for report in reports]),
        not_scored=state.inputs.not_scored,
        frames_seen=state.frames_seen,
        seconds=seconds,
        frames_per_second=round(state.frames_seen / max(seconds.get("train", 0.0), 1e-9), 1),
    )


def _searches(state: RunState) -> dict[str, dict[str, Scores]]:
    """The scores of the other searches, of the encoders that the summary has."""
    epochs = {"untrained": 0, "last": state.epoch} | ({"best": state.best.epoch} if state.best else {})
    searches: dict[str, dict[str, Scores]] = {}
    for encoder, epoch in epochs.items():
        for search, scores in state.searches.get(epoch, {}).items():
            searches.setdefault(search, {})[encoder] = scores
    return searches


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
