"""The driver of a trial, which Ray Tune starts.

The workers of the trial tell the board of every epoch, once it is safe on disk, and wait there until Ray Tune
has decided what becomes of the trial; the driver carries both. What Ray offers for this
(`TuneReportCallback`) reports from a second thread, and waits for ever where the last epoch and the end of a
trial meet.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ray.tune import Trainable

from raydist.distributed.driver.group import group_actors, run_group
from raydist.distributed.driver.memory import GroupMemory, check_group_memory
from raydist.distributed.job import ActorHandle, OpenedData, TrialJob
from raydist.distributed.tune.lost_group import free_lost_groups, marked
from raydist.distributed.tune.results import TrialFailed, to_result
from raydist.distributed.tune.trial_worker import train_trial
from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.engine.schema import Config
from raydist.engine.start import fix_starts
from raydist.errors import RaydistError, StorageError, WorkerError
from raydist.object_store import at_hand
from raydist.places import copy_of, named
from raydist.storage import make_folder, write_whole
from raydist.tuning.report import TrialReport
from raydist.tuning.study import Study
from raydist.tuning.study_folder import StudyFolder

STOP_SECONDS = 1.0
"""Between two times that the workers of a trial are told to end."""


@dataclass(frozen=True)
class StudyJob:
    """What the drivers of all trials are given.

    Attributes:
        study: what is searched.
        place: of the study, the absolute path of its folder or an address; every trial has a folder in it.
        opened: data set -> what was opened of it.
        scratch: where Ray Train keeps its files. Absolute.
    """

    study: Study
    place: str
    opened: Mapping[str, OpenedData]
    scratch: Path


class TrialDriver(Trainable):
    """What Ray Tune starts for a trial; a step is an epoch.

    It reports the epoch, the mean of every metric over the data sets, and every value; or why the trial
    failed, and then ends without an error, so that the study goes on. The workers of a trial that Ray Tune
    stops come to an end by themselves. If the driver were killed instead, a watcher of Ray Train would have
    to free their CPUs: it dies of one late answer, and the next trial waits for ever.
    """

    def setup(  # type: ignore[override]  # Ray Tune passes on what `with_parameters` was given
        self, config: Mapping[str, Any], *, job: StudyJob
    ) -> None:
        """Start the workers.

        Args:
            config: the trial's ``number`` and ``sample``.
            job: the study that it belongs to.
        """
        self._reports: SimpleQueue[TrialReport | TrialFailed] = SimpleQueue()
        self._board: ActorHandle = None
        self._epoch = 0
        self._folder = StudyFolder(copy_of(job.place)).of_trial(config["number"])
        self._place = named(self._folder)
        at_hand(self._place)
        make_folder(self._folder)
        free_lost_groups(self._place, job.study.base.ray.of_worker)
        self._group = threading.Thread(
            target=self._run, args=(job, config["number"], config["sample"]), daemon=True
        )
        self._group.start()

    def step(self) -> dict[str, Any]:
        """Let the workers go on, and wait for the end of an epoch."""
        if self._epoch:
            self._board.allow.remote(self._epoch)
        report = self._reports.get()
        if isinstance(report, TrialReport):
            self._epoch = report.epoch
        return to_result(report)

    def cleanup(self) -> None:
        """End the workers, and wait until their CPUs are free."""
        while self._group.is_alive():
            if self._board is not None:
                self._board.stop.remote()  # said again and again: a board that was lost has forgotten it
            self._group.join(STOP_SECONDS)

    def _configs(self, study: Study, sample: Mapping[str, Any]) -> dict[str, Config]:
        """The configurations of the trial by data set, with the number of the epoch of another run."""
        configs = {data: study.config(data, sample) for data in study.bases}
        if CheckpointFolder(self._folder / "checkpoints").newest() is not None:
            return configs  # the trial goes on, and starts from nothing else
        return dict(zip(configs, fix_starts(configs.values()), strict=True))

    def _run(self, job: StudyJob, number: int, sample: Mapping[str, Any]) -> None:
        """Run the workers of the trial to their end."""
        try:
            configs = self._configs(job.study, sample)
            section = next(iter(configs.values())).ray
            memory = GroupMemory.of_all(
                check_group_memory(config, job.opened[data].sizes) for data, config in configs.items()
            )
            inputs = {data: job.opened[data].index for data in configs}
            with group_actors(section, memory, turn=number) as actors:
                self._board = actors.board
                run_group(
                    train_trial,
                    TrialJob(actors, self._place, configs, inputs),
                    section,
                    name=self._folder.name,
                    storage=job.scratch,
                    on_event=self._reports.put,
                    asks_for=marked(self._place, section.of_worker),
                )
        except Exception as error:
            with suppress(StorageError):  # a full disk may be what went wrong
                write_whole(self._folder / "error.txt", traceback.format_exc())
            self._reports.put(TrialFailed(reason(error)))


def reason(error: Exception) -> str:
    """Why a trial failed, in a line or two: the whole message of an error of ours, the gist of any other.

    >>> reason(RuntimeError("a worker died\\nTraceback ...\\nKeyError: 3\\n"))
    'RuntimeError: a worker died ... KeyError: 3'
    """
    text = str(error).strip()
    lines = text.splitlines()
    if len(lines) > 1 and (isinstance(error, WorkerError) or not isinstance(error, RaydistError)):
        text = f"{lines[0]} ... {lines[-1]}"
    return f"{type(error).__name__}: {text}"
