"""A search for hyper-parameters on Ray: Ray Tune runs the trials of a study, each a group of Ray Train
workers.

All samples and reports are in the records of the study's folder, see `raydist.tuning.study_folder`. What Ray
Tune keeps is
deleted, also when a study goes on: trials that were cut off go on from their last checkpoint, all others are
recorded.

Population based training is not offered. A trial is a group of workers with checkpoints of its own, which Ray
Tune cannot copy from one trial to another; it would skip every exchange without a word.
"""

from __future__ import annotations

import logging
import math
import shutil
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raydist.distributed.cluster import connected
from raydist.distributed.driver.group import run_in_thread
from raydist.distributed.driver.memory import check_group_memory
from raydist.distributed.driver.preflight import preflight_search
from raydist.distributed.job import OpenedData
from raydist.distributed.resources import num_groups
from raydist.engine.criteria_names import CRITERIA
from raydist.engine.feasibility import check_feasible
from raydist.engine.inputs import log_warning, num_tracklets
from raydist.engine.opened import open_indexed
from raydist.engine.run_folder import require_new_name
from raydist.engine.schema import Config
from raydist.engine.start import check_start
from raydist.engine.step_memory import step_memory
from raydist.engine.tracked import check_tracking
from raydist.errors import ConfigError, DataError, TrainingError
from raydist.home import cache_folder
from raydist.object_store import at_hand
from raydist.places import copy_of, named, uri_of
from raydist.reports.study_page import write_study_page
from raydist.storage import PRIVATE, write_json
from raydist.tracking.tracker import finishing
from raydist.tuning.analysis import analyse
from raydist.tuning.best import write_best
from raydist.tuning.events import OnStudyEvent, StudyStarted
from raydist.tuning.study import Study
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.summary import StudySummary
from raydist.tuning.trackers import StudyTracker, study_experiment
from raydist.tuning.trial import Trial
from raydist.tuning.trial_log import TrialLog

if TYPE_CHECKING:
    from ray import tune

    from raydist.distributed.tune.hooks import Recording

DRIVER = {"memory": 2.0**20}
"""What the driver of a trial asks for: hardly anything, or two drivers would hold the CPUs that their workers
wait for."""

GRACE = 4
"""Trials are first compared after this part of their epochs: a quarter."""


def search(
    study: Study, *, resume: Path | None = None, on_event: OnStudyEvent = lambda event: None
) -> tuple[StudyFolder, StudySummary]:
    """Run the trials of a study that have not ended yet, and sum up.

    Args:
        study: what is searched.
        resume: the folder of a study to go on with, or None for a new one.
        on_event: called with the start and with every change of a trial.

    Returns:
        The study's folder and its summary, see `conclude`.

    Raises:
        ConfigError: the cluster has no room for a trial, the name is taken, or a study that goes on was
            changed or is being run by another process.
        DataError: a data set is not as it should be.
        CheckpointError: a file of the study is damaged.
        TrainingError: no trial finished.
    """
    if not isinstance(study.base.ray.num_workers, int):
        raise ConfigError("ray.num_workers: the trials of a search have one number of workers, give one")
    study, earlier = _opened(study, resume)
    if earlier is None:
        require_new_name(copy_of(study.base.run.dir), study.base.run.name)
    check_tracking(study.base.tracking, study_experiment(study))
    for config in study.bases.values():
        check_start(config.encoder)
    opened = {data: _open(config) for data, config in study.bases.items()}
    base = study.base
    _preflight(study, earlier, opened)
    with connected(base.ray):
        from raydist.distributed.tune.hooks import Recording

        room = num_groups(base.ray)
        at_once = min(room, study.tune.max_concurrent or room)
        folder = earlier or StudyFolder.create(copy_of(base.run.dir), base.run.name, study)
        with folder.recording() as log:
            folder.write_facts(study)
            tracker = StudyTracker(study, folder.path)
            on_event(_start(study, folder, log.trials, tracker=tracker, at_once=at_once))
            with finishing(tracker):
                recording = Recording(study, folder, log, tracker=tracker, on_event=on_event)
                _run_trials(study, folder, log, recording, at_once=at_once, opened=opened)
                summary = conclude(study, folder)
                tracker.summary(summary)
    return folder, summary


def conclude(study: Study, folder: StudyFolder) -> StudySummary:
    """Write the winner's configurations, the page and ``summary.json`` of a study.

    Raises:
        TrainingError: no trial finished; the page is written nevertheless.
    """
    trials, objective = folder.trials(), study.tune.objective
    try:
        analysis = analyse(study, trials)
    except TrainingError:
        write_study_page(folder, None)
        raise
    paths = write_best(folder.path, study, analysis.winner)
    summary = StudySummary(
        method=study.method,
        data=list(study.bases),
        objective=objective,
        value=analysis.winner.last(objective),
        values={data: analysis.winner.last_of(data, objective) for data in study.bases},
        states=Counter(trial.state for trial in trials),
        analysis=analysis,
        best={data: str(path) for data, path in zip(study.bases, paths, strict=True)},
        report=named(write_study_page(folder, analysis)),
    )
    write_json(folder.path / "summary.json", summary.as_dict(), mode=PRIVATE)
    return summary


def _open(config: Config) -> OpenedData:
    """Open data on which the objective can be measured."""
    inputs, index = open_indexed(config, cache_folder(), on_warning=log_warning)
    stages = check_feasible(config, inputs)
    if config.tune.objective == "map" and inputs.obstacle:
        raise DataError(
            f"tune.objective = map compares trials by scores, but {config.data.name} cannot be scored: "
            f"{inputs.not_scored}; take a criterion that needs no identities: "
            f"tune.objective={'|'.join(CRITERIA)}"
        )
    return OpenedData(num_tracklets(inputs), index, step_memory(config, stages))


def _preflight(study: Study, earlier: StudyFolder | None, opened: Mapping[str, OpenedData]) -> None:
    """Look for what would stop the trials that have not ended."""
    parts = [
        (config, check_group_memory(config, opened[data].sizes, opened[data].step))
        for data, config in study.bases.items()
    ]
    trials = waiting(earlier.trials() if earlier else [], study.tune.num_samples)
    if trials:
        preflight_search(parts, num_trials=len(trials))


def waiting(trials: Sequence[Trial], num_samples: int) -> list[int]:
    """The numbers of the trials that are to be run: those that were cut off, then new ones.

    >>> waiting([Trial(0, {}, "finished"), Trial(1, {})], 4)
    [1, 2, 3]
    """
    cut_off = [trial.number for trial in trials if trial.state == "running"]
    return cut_off + list(range(max((trial.number + 1 for trial in trials), default=0), num_samples))


def first_rung(configs: Sequence[Config]) -> int:
    """The epoch after which trials are first compared: a quarter of the longest training, where all data sets
    have a value.

    A criterion is measured after every epoch, retrieval after every ``evaluation.every`` epochs, where 0
    stands for the last epoch only.
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


def _opened(study: Study, resume: Path | None) -> tuple[Study, StudyFolder | None]:
    """The study as it is run, and the folder that it goes on in; None for a new one."""
    if resume is None:
        return study.with_fixed_starts(), None
    folder = StudyFolder.open(at_hand(resume))
    folder.check_same(study)
    return study, folder


def _start(
    study: Study, folder: StudyFolder, trials: Sequence[Trial], *, tracker: StudyTracker, at_once: int
) -> StudyStarted:
    return StudyStarted(
        folder=named(folder.path),
        mlflow_uri=tracker.uri,
        method=study.method,
        data=list(study.bases),
        num_parameters=len(study.parameters),
        tune=study.tune,
        num_ended=sum(trial.state != "running" for trial in trials),
        num_waiting=len(waiting(trials, study.tune.num_samples)),
        at_once=at_once,
    )


def _run_trials(
    study: Study,
    folder: StudyFolder,
    log: TrialLog,
    recording: Recording,
    *,
    at_once: int,
    opened: Mapping[str, OpenedData],
) -> None:
    """Run the trials that are waiting on Ray Tune."""
    from ray import tune

    from raydist.distributed.tune.trial_driver import StudyJob, TrialDriver

    numbers = waiting(log.trials, study.tune.num_samples)
    if not numbers:
        return
    # Ray Tune warns of drivers without GPUs, and misses its own logs
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    path = folder.path.resolve()
    scratch = path / "ray" if uri_of(path) is None else cache_folder() / "ray_tune" / uuid.uuid4().hex
    shutil.rmtree(scratch, ignore_errors=True)  # what a study that was killed has left
    job = StudyJob(study, named(path), opened, scratch)
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(TrialDriver, job=job), DRIVER),
        param_space={},
        tune_config=_tune_config(study, log, numbers, at_once),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(scratch),
            callbacks=[recording],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # the workers write theirs
            # only a driver that was lost, as with its node, is an error to Ray Tune: then the trial goes on
            failure_config=tune.FailureConfig(max_failures=study.base.ray.max_failures),
            verbose=0,
        ),
    )
    try:
        run_in_thread(tuner.fit)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tune_config(study: Study, log: TrialLog, numbers: Sequence[int], at_once: int) -> tune.TuneConfig:
    """Which trials Ray Tune runs, how many at once, and when it stops one."""
    from ray import tune

    from raydist.distributed.tune.hooks import Halving, Proposing

    scheduler = None
    if study.tune.scheduler == "asha":
        first = first_rung(list(study.bases.values()))
        scheduler = Halving(log.trials, metric=study.tune.objective, first=first)
    return tune.TuneConfig(
        num_samples=len(numbers),
        max_concurrent_trials=at_once,
        search_alg=Proposing(study, log, numbers),
        scheduler=scheduler,
        trial_name_creator=_name,
        trial_dirname_creator=_name,
    )


def _name(trial: Any) -> str:
    return f"{trial.config['number']:04d}"
