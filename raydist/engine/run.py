"""A whole run, epoch after epoch: evaluate the untrained encoder, train, keep what is needed to go on, sum up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.loop import Report, run_epoch, timed
from raydist.engine.retrieval import Scores, evaluate_retrieval
from raydist.engine.run_folder import RunFolder
from raydist.engine.state import RunState
from raydist.evaluation.protocols import DIRECTIONS
from raydist.tracking.tracker import Tracker

log = logging.getLogger(__name__)


def train_run(
    state: RunState, folder: RunFolder, tracker: Tracker, *, after_epoch: Callable[[Report], None]
) -> dict[str, Any]:
    """Train from the newest whole checkpoint, or from the start, to the end.

    Every rank calls it; rank 0 writes.

    Args:
        state: a run before its first epoch.
        folder: where the run is kept.
        tracker: takes each epoch's report.
        after_epoch: called on every rank when an epoch is safe on disk.

    Returns:
        The summary, see `summarise`.
    """
    if found := folder.checkpoints.newest():
        report = unpack(state, found[1])
        log.info("going on after epoch %d", state.epoch)
        if state.process_group.rank == 0:
            _log(folder, tracker, report)
    else:
        seconds: dict[str, float] = {}
        with timed(seconds, "evaluate"):
            state.history[0] = evaluate_retrieval(state)
        if state.process_group.rank == 0:
            _log(
                folder,
                tracker,
                {"epoch": 0, "stage": "untrained", "retrieval": state.history[0], "seconds": seconds},
            )
    while state.epoch < state.plan.num_epochs:
        report = run_epoch(state)
        if state.process_group.rank == 0:
            assert state.targets is not None
            folder.commit(
                state.epoch,
                pack(state, report),
                names=state.inputs.names,
                labels=state.targets.labels,
                best=best_epoch(state.history),
            )
            _log(folder, tracker, report)
        after_epoch(report)
    summary = summarise(state, folder.metrics.rows()) if state.process_group.rank == 0 else {}
    if summary:
        folder.write("summary.json", summary)
    return summary


def _log(folder: RunFolder, tracker: Tracker, report: Report) -> None:
    folder.log_epoch(report)
    tracker.epoch(report)


def mean_map(scores: Mapping[str, Mapping[str, float]]) -> float:
    """The mean of both directions' mAP, in percent."""
    return sum(scores[d]["map"] for d in DIRECTIONS) / len(DIRECTIONS)


def best_epoch(history: Mapping[int, Scores]) -> int | None:
    """The trained epoch of the highest mean mAP; None before the first evaluation. Picked on the split that is evaluated."""
    trained = {epoch: mean_map(scores) for epoch, scores in history.items() if epoch > 0}
    return max(trained, key=lambda epoch: (trained[epoch], -epoch)) if trained else None


def summarise(state: RunState, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What `summary.json` holds.

    Args:
        state: a run at its end.
        rows: its metrics.
    """
    config = state.config
    best = best_epoch(state.history)
    assert best is not None
    seconds: dict[str, float] = {}
    for row in rows:
        for part, value in row["seconds"].items():
            seconds[part] = round(seconds.get(part, 0.0) + value, 3)
    return {
        "method": config.method.name,
        "supervised": state.method.supervised,
        "data": config.data.name,
        "protocol": state.inputs.protocol,
        "split": config.evaluation.split,
        "paired": config.data.paired,
        "seed": config.run.seed,
        "epochs": state.epoch,
        "untrained": state.history[0],
        "last": state.history[state.epoch],
        "best": state.history[best] | {"epoch": best, "picked_on": f"{config.evaluation.split} split"},
        "clusters": _first_and_last(rows, "clusters"),
        "association": _first_and_last(rows, "association"),
        "frames_seen": state.frames_seen,
        "seconds": seconds,
        "frames_per_second": round(state.frames_seen / max(seconds.get("train", 0.0), 1e-9), 1),
    }


def _first_and_last(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found = [row[name] for row in rows if name in row]
    return {"first": found[0], "last": found[-1]} if found else {"first": {}, "last": {}}
