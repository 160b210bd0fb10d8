"""One trial of a search: the driver that Ray Tune starts for it, and the function that every Ray Train worker of it executes.

The workers tell the board of every epoch, once it is safe on disk, and wait there until Ray Tune has decided what becomes of the
trial; the driver carries both. What Ray offers for this (`TuneReportCallback`) reports from a second thread, and waits for ever
where the last epoch and the end of a trial meet.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ray.tune import Trainable

from raydist.distributed.driver.group import (
    Job,
    Message,
    group_actors,
    logging_to,
    run_group,
    run_guarded,
    setup_worker,
    shard_memory_of,
    state_of_worker,
)
from raydist.engine.checkpoint import CheckpointFolder
from raydist.engine.run_folder import KEPT
from raydist.engine.schema import Config
from raydist.engine.state import check_memory, feature_width
from raydist.errors import RaydistError, WorkerError
from raydist.tuning.joint_run import JointRun
from raydist.tuning.objectives import means
from raydist.tuning.records import Epoch, StudyFolder
from raydist.tuning.study import Study

FAILED = "failed"
"""The key under which a trial reports why it failed."""


class TrialDriver(Trainable):
    """What Ray Tune starts for a trial; a step is an epoch.

    It reports the epoch, the mean of every measure over the data sets, and every value; or why the trial failed, and ends well,
    so that the study goes on. The workers of a trial that Ray Tune stops come to an end by themselves. Were the driver just
    killed, a watcher of Ray Train would have to free their CPUs: it dies of a late answer, and the next trial waits for ever.
    """

    def setup(  # type: ignore[override]  # Ray Tune gives what `with_parameters` was told
        self,
        config: Mapping[str, Any],
        *,
        study: Study,
        folder: str,
        sizes: Mapping[str, Sequence[int]],
        scratch: str,
    ) -> None:
        """Start the workers.

        Args:
            config: the trial's ``number`` and ``sample``.
            study: what is searched.
            folder: of the trial's study; every trial has a folder in it.
            sizes: data set -> training tracklets of each modality.
            scratch: where Ray Train keeps its files.
        """
        self._heard: SimpleQueue[Message] = SimpleQueue()
        self._board: Any = None
        self._epoch = 0
        self._folder = StudyFolder(Path(folder)).of_trial(config["number"])
        self._folder.mkdir(parents=True, exist_ok=True)
        given = (study, config["sample"], sizes, Path(scratch))
        self._group = threading.Thread(target=self._run, args=given, daemon=True)
        self._group.start()

    def step(self) -> Message:
        """Let the workers go on, and wait for the end of an epoch."""
        if self._epoch:
            self._board.allow.remote(self._epoch)
        message = self._heard.get()
        if FAILED in message:
            return message | {"done": True}
        self._epoch = message["epoch"]
        return message | {"done": self._epoch == message["of"]}

    def cleanup(self) -> None:
        """Send the workers home, and wait until their CPUs are free."""
        if self._board is not None:
            self._board.dismiss.remote()
        self._group.join()

    def _run(
        self, study: Study, sample: Mapping[str, Any], sizes: Mapping[str, Sequence[int]], scratch: Path
    ) -> None:
        """The whole trial."""
        try:
            configs = {data: study.config(data, sample) for data in study.bases}
            section = next(iter(configs.values())).ray
            with group_actors(section, search_budget=_search_budget(configs, sizes)) as handles:
                self._board = handles["board"]
                raw = {data: config.model_dump(mode="json") for data, config in configs.items()}
                job = handles | {"configs": raw, "folder": str(self._folder)}
                run_group(
                    train_trial, job, section, name=self._folder.name, storage=scratch, say=self._heard.put
                )
        except Exception as error:
            (self._folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
            self._heard.put({FAILED: reason(error)})


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


def _search_budget(configs: Mapping[str, Config], sizes: Mapping[str, Sequence[int]]) -> int:
    """Bytes that the search of a shard may take, whichever data set it serves."""
    budgets = []
    for data, config in configs.items():
        width = feature_width(config)
        check_memory(config, sum(sizes[data]), width)
        budgets.append(shard_memory_of(config, sizes[data], width)[1])
    return min(budgets)


def train_trial(job: Job) -> None:
    """What every Ray Train worker of a trial executes.

    Args:
        job: the configuration of every data set, the trial's folder, and the handles of the board and the shards.
    """
    run_guarded(job, _train_trial)


def _train_trial(job: Job) -> None:
    import ray

    folder = Path(job["folder"])
    configs = {data: Config.model_validate(raw) for data, raw in job["configs"].items()}
    process_group = setup_worker(deterministic=all(config.run.deterministic for config in configs.values()))
    run = JointRun({data: state_of_worker(config, process_group, job) for data, config in configs.items()})
    checkpoints = CheckpointFolder((folder / "checkpoints").as_uri())

    def may_go_on_after(report: Epoch) -> bool:
        if process_group.rank == 0:
            ray.get(job["board"].say.remote(asdict(report) | means(report.values)))
        return bool(ray.get(job["board"].may_go_on.remote(report.epoch)))

    with logging_to(folder / "log.txt", process_group):
        found = checkpoints.newest()
        wanted = may_go_on_after(run.unpack(found[1])) if found else True
        while wanted and run.epoch < run.num_epochs:
            report = run.advance()
            if process_group.rank == 0:
                checkpoints.write(report.epoch, run.pack())
                checkpoints.keep_only({*range(report.epoch - KEPT + 1, report.epoch + 1)})
            wanted = may_go_on_after(report)
