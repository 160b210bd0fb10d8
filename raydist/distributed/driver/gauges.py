"""The newest numbers of a run among the metrics of Ray, which Prometheus collects on every node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from raydist.engine.events import EpochDone, EpochReport

RUN_TAGS = ("run", "method")


class GaugeKind(NamedTuple):
    """A number of a run.

    Attributes:
        about: what it is, with its unit.
        tag: what distinguishes several values of it, beside `RUN_TAGS`; empty where there is one value.
    """

    about: str
    tag: str = ""


GAUGES = {
    "raydist_epoch": GaugeKind("Epochs that are done."),
    "raydist_frames_seen": GaugeKind("Training frames that went through the encoder since the start."),
    "raydist_loss": GaugeKind("Mean of a loss term over the last epoch.", "term"),
    "raydist_clusters": GaugeKind("Clusters of a modality in the last epoch.", "modality"),
    "raydist_noise": GaugeKind("Share of a modality's tracklets that are in no cluster.", "modality"),
    "raydist_rank1": GaugeKind("Rank-1 of the last evaluation, in percent.", "direction"),
    "raydist_map": GaugeKind("mAP of the last evaluation, in percent.", "direction"),
    "raydist_epoch_seconds": GaugeKind("Seconds of a part of the last epoch.", "part"),
}
"""Name -> what it is; Ray puts ``ray_`` before the names."""


class Reading(NamedTuple):
    """A value of a gauge.

    Attributes:
        name: one of `GAUGES`.
        value: the number.
        tag: the value of its tag; empty where it has none.
    """

    name: str
    value: float
    tag: str = ""


def readings(report: EpochReport) -> Iterator[Reading]:
    """What a report says, as values of gauges.

    >>> list(readings(EpochReport(3, "warm-up", losses={"tracklet": 2.5})))
    [Reading(name='raydist_epoch', value=3, tag=''), Reading(name='raydist_loss', value=2.5, tag='tracklet')]
    """
    yield Reading("raydist_epoch", report.epoch)
    if report.frames_seen is not None:
        yield Reading("raydist_frames_seen", report.frames_seen)
    for term, loss in report.losses.items():
        yield Reading("raydist_loss", loss, term)
    for modality, of_modality in report.clusters.items():
        yield Reading("raydist_clusters", of_modality["count"], modality)
        yield Reading("raydist_noise", of_modality["noise"], modality)
    for direction, scores in (report.retrieval or {}).items():
        yield Reading("raydist_rank1", scores["rank1"], direction)
        yield Reading("raydist_map", scores["map"], direction)
    for part, seconds in report.seconds.items():
        yield Reading("raydist_epoch_seconds", seconds, part)


def with_gauges(on_event: Callable[[Any], None], *, run: str, method: str) -> Callable[[Any], None]:
    """Set the gauges of a run at the end of each epoch, and pass every event on.

    Args:
        on_event: called with every event.
        run: the name of the run.
        method: its method.
    """
    from ray.util.metrics import Gauge

    gauges = {
        name: Gauge(name, kind.about, (*RUN_TAGS, kind.tag) if kind.tag else RUN_TAGS)
        for name, kind in GAUGES.items()
    }

    def take(event: Any) -> None:
        if isinstance(event, EpochDone):
            for reading in readings(event.report):
                tags = {"run": run, "method": method}
                if tag := GAUGES[reading.name].tag:
                    tags[tag] = reading.tag
                gauges[reading.name].set(reading.value, tags)
        on_event(event)

    return take
