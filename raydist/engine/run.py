"""A whole run: evaluate the untrained encoder, train epoch after epoch, keep what is needed to go on, sum
up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from raydist.engine.checkpoint import pack, unpack
from raydist.engine.events import EpochReport
from raydist.engine.loop import run_epoch, timed
from raydist.engine.origin import rows_of
from raydist.engine.retrieval import evaluate_retrieval
from raydist.engine.run_folder import RunFolder
from raydist.engine.state import RunState
from raydist.engine.summary import RunSummary, summarise
from raydist.engine.tracklet_rows import TRACKLETS, as_text
from raydist.tracking.tracker import Tracker

log = logging.getLogger(__name__)


def train_run(
    state: RunState, folder: RunFolder, tracker: Tracker, *, after_epoch: Callable[[EpochReport], None]
) -> RunSummary | None:
    """Train from the newest whole checkpoint, or from the start, to the end.

    Every rank calls it; rank 0 writes.

    Args:
        state: a run before its first epoch.
        folder: where the run is kept.
        tracker: takes each epoch's report.
        after_epoch: called on every rank when an epoch is safe on disk.

    Returns:
        The summary on rank 0, None on the others.
    """
    writes = state.process_group.rank == 0
    report = _resume(state, folder) or _evaluate_untrained(state)
    if writes:
        folder.write(TRACKLETS, as_text(rows_of(state.config, state.inputs)))
        _log(folder, tracker, report)
    while state.epoch < state.plan.num_epochs:
        report = run_epoch(state)
        if writes:
            _commit(state, folder, report)
            _log(folder, tracker, report)
        after_epoch(report)
    if not writes:
        return None
    summary = summarise(state, folder.reports())
    folder.write("summary.json", summary.as_dict())
    return summary


def _resume(state: RunState, folder: RunFolder) -> EpochReport | None:
    """Put the run back to its newest whole checkpoint; the report of that epoch, or None without a
    checkpoint."""
    newest = folder.checkpoints.newest_as(partial(unpack, state))
    if newest is None:
        return None
    log.info("going on after epoch %d", state.epoch)
    return newest[1]


def _evaluate_untrained(state: RunState) -> EpochReport:
    if not state.is_scored:
        return EpochReport(epoch=0, stage="untrained")
    seconds: dict[str, float] = {}
    with timed(seconds, "evaluate"):
        state.add_scores(evaluate_retrieval(state))
    return EpochReport(
        epoch=0,
        stage="untrained",
        retrieval=state.history[0],
        searches=state.searches.get(0, {}),
        seconds=seconds,
    )


def _commit(state: RunState, folder: RunFolder, report: EpochReport) -> None:
    assert state.targets is not None
    folder.commit(
        state.epoch,
        pack(state, report),
        names=state.inputs.names,
        labels=state.targets.labels,
        best=state.best.epoch if state.best else None,
    )


def _log(folder: RunFolder, tracker: Tracker, report: EpochReport) -> None:
    folder.log_epoch(report)
    tracker.epoch(report.as_row())
