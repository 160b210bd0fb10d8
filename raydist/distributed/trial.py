"""One trial of a search: the driver that Ray Tune starts for it, and the function that every Ray Train worker of it executes.

The workers tell the board of every epoch, once it is safe on disk; the driver hands that on to Ray Tune. What Ray offers for
this (`TuneReportCallback`) reports from a second thread, and waits for ever where the last epoch and the end of a trial meet.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from raydist.distributed.group import Job, attempt, begin, helpers, logging_to, run_group, shard_memory_of, state_of_worker
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


def run_trial(given: Mapping[str, Any], *, study: Study, folder: str, sizes: Mapping[str, Sequence[int]], scratch: str) -> None:
    """What Ray Tune executes for a trial.

    It reports the epoch, the mean of every measure over the data sets, and every value; or why it failed, and ends well, so that
    the study goes on.

    Args:
        given: its ``number`` and ``sample``.
        study: what is searched.
        folder: of the trial's study; every trial has a folder in it.
        sizes: data set -> training tracklets of each modality.
        scratch: where Ray Train keeps its files.
    """
    from ray import tune

    path = StudyFolder(Path(folder)).of_trial(given["number"])
    path.mkdir(parents=True, exist_ok=True)
    try:
        configs = {data: study.config(data, given["sample"]) for data in study.bases}
        section = next(iter(configs.values())).ray
        with helpers(section, search_budget=_search_budget(configs, sizes)) as handles:
            job = handles | {"configs": {data: c.model_dump(mode="json") for data, c in configs.items()}, "folder": str(path)}
            run_group(train_trial, job, section, name=path.name, storage=Path(scratch), say=tune.report)
    except Exception as error:
        (path / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        tune.report({FAILED: reason(error)})


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
    attempt(job, _train_trial)


def _train_trial(job: Job) -> None:
    import ray

    folder = Path(job["folder"])
    configs = {data: Config.model_validate(raw) for data, raw in job["configs"].items()}
    world = begin(deterministic=all(config.run.deterministic for config in configs.values()))
    run = JointRun({data: state_of_worker(config, world, job) for data, config in configs.items()})
    checkpoints = CheckpointFolder((folder / "checkpoints").as_uri())

    def tell(report: Epoch) -> None:
        if world.rank == 0:
            ray.get(job["board"].say.remote(asdict(report) | means(report.values)))

    with logging_to(folder / "log.txt", world):
        if found := checkpoints.newest():
            tell(run.unpack(found[1]))
        while run.epoch < run.num_epochs:
            report = run.advance()
            if world.rank == 0:
                checkpoints.write(report.epoch, run.pack())
                checkpoints.keep_only({*range(report.epoch - KEPT + 1, report.epoch + 1)})
            tell(report)
