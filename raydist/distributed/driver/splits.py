"""The driver of a training on all published splits of a data set: ordinary runs, one after the other.

A split that is finished is not trained again, and one that was cut off goes on from its last checkpoint.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from raydist.announcements import listening
from raydist.data.checks.balance import Balance, modality_balance
from raydist.data.checks.split_sizes import odd_splits
from raydist.distributed.cluster import connected
from raydist.distributed.driver.training import Whole, train, whole_summary
from raydist.distributed.resources import check_resources
from raydist.engine.earlier import Earlier, adopt
from raydist.engine.events import CellStarted, OnEvent, Preparing
from raydist.engine.feasibility import check_feasible, check_sizes
from raydist.engine.inputs import open_inputs, read_tracklets, split_tables
from raydist.engine.run_folder import SUMMARY, require_new_name
from raydist.engine.run_tags import run_experiment
from raydist.engine.schema import Config
from raydist.engine.split_folders import run_name
from raydist.engine.splits import SplitsFolder, SplitsSummary, config_of_split, trials_of
from raydist.engine.start import check_start, is_fresh
from raydist.engine.tracked import WHOLE_FILES, check_tracking, track
from raydist.errors import DataError
from raydist.home import cache_folder
from raydist.methods.registry import method_class
from raydist.object_store import at_hand, remove
from raydist.places import copy_of, named
from raydist.tracking.tracker import finishing
from raydist.types import Modality

log = logging.getLogger(__name__)


def train_splits(
    config: Config, *, resume: Path | None = None, on_event: OnEvent = lambda event: None
) -> tuple[SplitsFolder, SplitsSummary]:
    """Train on each split of a data set that is not finished yet, and average.

    Args:
        config: the whole configuration, with ``data.trial: all``.
        resume: the folder to go on with, or None for a new one.
        on_event: called with the start of every split, and with the events of its training.

    Returns:
        The folder of all runs, and their mean.

    Raises:
        ConfigError: the folder is taken, or cannot be gone on with in this way; or as
            `raydist.distributed.driver.training.train`.
        DataError: the lists of a split, or what else its run needs, are not as they should be.
        WorkerError: as `raydist.distributed.driver.training.train`.
    """
    folder = None if resume is None else SplitsFolder.open(at_hand(resume).resolve(), config)
    pending = list(trials_of(config)) if folder is None else _pending(folder)
    if folder is not None and not pending:
        return folder, _train_each(folder, pending, on_event)
    if folder is None:
        require_new_name(copy_of(config.run.dir), config.run.name)
    check_tracking(config.tracking, run_experiment(config))
    with ExitStack() as stack:
        if folder is not None:
            stack.enter_context(folder.whole.owned())
            folder.require_runs()
        with listening(lambda text: on_event(Preparing(text))):
            check_splits(config, pending, folder)
        stack.enter_context(connected(config.ray))
        check_resources(config.ray)
        if folder is None:
            folder = SplitsFolder.create(config)
            stack.enter_context(folder.whole.owned())
        adopt(folder.whole, config)
        return folder, _train_each(folder, pending, on_event)


def check_splits(config: Config, pending: Sequence[int], folder: SplitsFolder | None = None) -> None:
    """Refuse in the beginning what would stop the run on a later split.

    The frames are opened for the first split only: the splits of a set share their images. Splits of other
    sizes than the rest are warned of.

    Args:
        config: with ``data.trial: all``.
        pending: the splits to train on, at least one.
        folder: what is gone on with; a run that has a checkpoint there needs no other weights.

    Raises:
        ConfigError: see `raydist.engine.start.check_start`.
        DataError: a list is missing or broken, or a modality is absent or too small.
    """
    configs = {trial: config_of_split(config, trial) for trial in pending}
    starts = {
        one.encoder.weights: one.encoder
        for trial, one in configs.items()
        if folder is None or is_fresh(one, folder.run_folder(trial).checkpoints)
    }
    for encoder in starts.values():
        check_start(encoder)
    balances = {}
    for trial, one in configs.items():
        try:
            balances[trial] = _check_lists(one)
        except DataError as error:
            raise DataError(f"data.trial = {trial}: {error}") from error
    if odd := odd_splits(balances):
        log.warning("warning: %s", odd)
    first = next(iter(configs.values()))
    check_feasible(first, open_inputs(first, cache_folder()))


def _check_lists(config: Config) -> Balance:
    """Refuse a split whose lists cannot be read or trained on, and count it; no frame is opened."""
    _, table, _ = read_tracklets(config.data, cache_folder())
    training, _ = split_tables(config, table)
    training.require_both_modalities()
    if method_class(config.method.name).needs_clusters:
        check_sizes(config, [int((training.modality == m).sum()) for m in Modality])
    return modality_balance(table)


def _pending(folder: SplitsFolder) -> list[int]:
    """The splits on which work is left."""
    return [trial for trial in trials_of(folder.config) if not _is_whole(folder, trial)]


def _is_whole(folder: SplitsFolder, trial: int) -> bool:
    if not folder.has_begun(trial):
        return False
    return whole_summary(Earlier.open(folder.run_folder(trial).path), folder.config) is not None


def _train_each(folder: SplitsFolder, pending: Sequence[int], on_event: OnEvent) -> SplitsSummary:
    """Train on the splits on which work is left; after each of them the mean is written and logged."""
    trials = trials_of(folder.config)
    if folder.summary() is None:
        remove(folder.path / SUMMARY)  # of fewer epochs
    tracker, run_id = track(folder.config, folder.whole)
    with finishing(tracker):
        for trial in trials:
            done = trial not in pending
            on_event(CellStarted(trial, len(trials), run_name(trial), done, folder=named(folder.path)))
            if not done:
                _train_one(folder, trial, Whole(folder.path, run_id), on_event)
            summary = _write_summary(folder)
            tracker.epoch({"epoch": len(summary.trials), **summary.nested_metrics()})
        tracker.artifacts(folder.path, WHOLE_FILES)
    return summary


def _write_summary(folder: SplitsFolder) -> SplitsSummary:
    """Write the mean over the splits so far, at least one."""
    summary = folder.summary()
    assert summary is not None
    folder.whole.write("summary.json", summary.as_dict())
    return summary


def _train_one(folder: SplitsFolder, trial: int, part_of: Whole, on_event: OnEvent) -> None:
    """Train on a split, or go on with it."""
    config, path = folder.config_of(trial), folder.run_folder(trial).path
    has_begun = folder.has_begun(trial)
    if not has_begun and path.is_dir():
        path.rmdir()  # it was cut off before it had a file
    train(config, resume=path if has_begun else None, on_event=on_event, part_of=part_of)
