"""A search for hyper-parameters on Ray: Ray Tune runs the trials of a study, each a group of Ray Train workers.

What was tried and what came of it is in the records of the study's folder, see `raydist.tuning.records`. What Ray Tune keeps is
thrown away, also when a study goes on: trials that were cut off go on from their last checkpoint, all others are known.

Population based training is not offered. A trial is a group of workers with checkpoints of its own, which Ray Tune cannot hand
from one trial to another; it would pass over every exchange in silence.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raydist.distributed.cluster import connected, num_groups
from raydist.distributed.driver.group import OnEvent, run_in_thread
from raydist.engine.inputs import num_tracklets, open_inputs
from raydist.engine.schema import Config
from raydist.errors import TrainingError
from raydist.home import cache_folder
from raydist.reports.of_study import write_study_page
from raydist.tracking.tracker import finishing
from raydist.tuning.analysis import analyse
from raydist.tuning.best import write_best
from raydist.tuning.proposals import check_search
from raydist.tuning.records import StudyFolder, Trial, TrialLog
from raydist.tuning.study import Study
from raydist.tuning.trackers import StudyTracker

DRIVER = {"memory": 2.0**20}
"""What the driver of a trial asks for: next to nothing, or two drivers would hold the CPUs that their workers wait for."""

GRACE = 4
"""Trials are first compared after one in so many of their epochs."""


def search(
    study: Study, *, resume: Path | None = None, say: OnEvent = lambda message: None
) -> tuple[StudyFolder, dict[str, Any]]:
    """Run the trials of a study that have not ended yet, and sum up.

    Args:
        study: what is searched.
        resume: the folder of a study to go on with, or None for a new one.
        say: told of the start and of every change of a trial, as plain mappings with a ``kind``.

    Returns:
        The study's folder and its summary, see `conclude`.

    Raises:
        ConfigError: the cluster has no room for a trial, the name is taken, or a study that goes on was changed.
        DataError: a data set is not as it should be.
        CheckpointError: the study is being run by another process.
        TrainingError: no trial finished.
    """
    check_search(study.tune.search)
    known = _known_folder(study, resume)
    sizes = {data: num_tracklets(open_inputs(config, cache_folder())) for data, config in study.bases.items()}
    base = next(iter(study.bases.values()))
    with connected(base.ray):
        room = num_groups(base.ray)
        at_once = min(room, study.tune.max_concurrent or room)
        folder = known or StudyFolder.create(Path(base.run.dir), base.run.name, study)
        with folder.recording() as log:
            folder.write_facts(study)
            tracker = StudyTracker(study, folder.path)
            say(_start(study, folder, log.trials, tracker=tracker, at_once=at_once))
            with finishing(tracker):
                _run_trials(study, folder, log, tracker=tracker, at_once=at_once, sizes=sizes, say=say)
                summary = conclude(study, folder)
    return folder, summary


def conclude(study: Study, folder: StudyFolder) -> dict[str, Any]:
    """Write the winner's configurations, the page and ``summary.json`` of a study.

    Returns:
        ``{"method", "data", "objective", "value", "values", "trials": {state: number}, "best": {data: path}, "report"}`` with
        what `Analysis.as_dict` says; ``value`` and ``values`` are the winner's.

    Raises:
        TrainingError: no trial finished; the page is written all the same.
    """
    trials, objective = folder.trials(), study.tune.objective
    try:
        analysis = analyse(study, trials)
    except TrainingError:
        write_study_page(folder, None)
        raise
    paths = write_best(folder.path, study, analysis.winner)
    summary = {
        "method": study.method,
        "data": list(study.bases),
        "objective": objective,
        "value": analysis.winner.last(objective),
        "values": {data: analysis.winner.last_of(data, objective) for data in study.bases},
        "trials": dict(Counter(trial.state for trial in trials)),
        **analysis.as_dict(),
        "best": {data: str(path) for data, path in zip(study.bases, paths, strict=True)},
        "report": str(write_study_page(folder, analysis)),
    }
    (folder.path / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary


def waiting(trials: Sequence[Trial], num_samples: int) -> list[int]:
    """The numbers of the trials that are to be run: those that were cut off, then new ones.

    >>> waiting([Trial(0, {}, "finished"), Trial(1, {})], 4)
    [1, 2, 3]
    """
    cut_off = [trial.number for trial in trials if trial.state == "running"]
    return cut_off + list(range(max((trial.number + 1 for trial in trials), default=0), num_samples))


def first_rung(configs: Sequence[Config]) -> int:
    """The epoch after which trials are first compared: a quarter of the longest training, where all data sets have a value.

    A criterion is measured after every epoch, retrieval after every ``evaluation.every``, where 0 stands for the last epoch only.
    """
    lengths = [
        min(config.train.epochs, config.train.limit_epochs or config.train.epochs) for config in configs
    ]
    if configs[0].tune.objective != "map":
        return math.ceil(max(lengths) / GRACE)
    if not all(config.evaluation.every for config in configs):
        return max(lengths)
    step = math.lcm(*(config.evaluation.every for config in configs))
    return step * math.ceil(max(lengths) / GRACE / step)


def _known_folder(study: Study, resume: Path | None) -> StudyFolder | None:
    if resume is None:
        return None
    folder = StudyFolder.open(resume)
    folder.check_same(study)
    return folder


def _start(
    study: Study, folder: StudyFolder, trials: Sequence[Trial], *, tracker: StudyTracker, at_once: int
) -> dict[str, Any]:
    return {
        "kind": "study",
        "folder": str(folder.path),
        "mlflow": tracker.uri,
        "method": study.method,
        "data": list(study.bases),
        "parameters": len(study.parameters),
        "tune": study.tune.model_dump(),
        "ended": sum(trial.state != "running" for trial in trials),
        "waiting": len(waiting(trials, study.tune.num_samples)),
        "at_once": at_once,
    }


def _run_trials(
    study: Study,
    folder: StudyFolder,
    log: TrialLog,
    *,
    tracker: StudyTracker,
    at_once: int,
    sizes: dict[str, list[int]],
    say: OnEvent,
) -> None:
    """Run what is waiting on Ray Tune."""
    from ray import tune

    from raydist.distributed.tune.hooks import Halving, Proposing, Recording
    from raydist.distributed.tune.trial import TrialDriver

    numbers, objective = waiting(log.trials, study.tune.num_samples), study.tune.objective
    if not numbers:
        return
    logging.getLogger("ray.tune").setLevel(
        logging.CRITICAL
    )  # it warns of drivers without GPUs, and misses its own logs
    path = folder.path.resolve()
    scratch = path / "ray"
    shutil.rmtree(scratch, ignore_errors=True)  # what a study that was killed has left
    given = {"study": study, "folder": str(path), "sizes": sizes, "scratch": str(scratch)}
    first = first_rung(list(study.bases.values()))
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(TrialDriver, **given), DRIVER),
        param_space={},
        tune_config=tune.TuneConfig(
            num_samples=len(numbers),
            max_concurrent_trials=at_once,
            search_alg=Proposing(study, log, numbers),
            scheduler=Halving(log.trials, metric=objective, first=first)
            if study.tune.scheduler == "asha"
            else None,
            trial_name_creator=_name,
            trial_dirname_creator=_name,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(scratch),
            callbacks=[Recording(study, folder, log, tracker=tracker, say=say)],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # the workers write theirs
            verbose=0,
        ),
    )
    try:
        run_in_thread(tuner.fit)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _name(trial: Any) -> str:
    return f"{trial.config['number']:04d}"
