"""The driver of a training: check, start the actors and the workers, pass events on, and write the page."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from raydist.announcements import listening
from raydist.distributed.cluster import connected
from raydist.distributed.driver.gauges import with_gauges
from raydist.distributed.driver.group import group_actors, run_group
from raydist.distributed.driver.memory import GroupMemory, check_group_memory, memory_taken, with_report
from raydist.distributed.driver.preflight import preflight
from raydist.distributed.job import TrainingJob
from raydist.distributed.resources import check_resources
from raydist.distributed.worker.training import train_worker
from raydist.engine.earlier import Earlier
from raydist.engine.environment import describe_environment
from raydist.engine.events import (
    AlreadyFinished,
    MemoryForecast,
    MemoryTaken,
    OnEvent,
    Preparing,
    ReportWritten,
    Started,
)
from raydist.engine.feasibility import check_feasible
from raydist.engine.inputs import Inputs, log_warning, num_tracklets
from raydist.engine.opened import open_indexed
from raydist.engine.run_folder import RunFolder, require_new_name
from raydist.engine.run_tags import data_facts, run_experiment
from raydist.engine.schema import Config
from raydist.engine.start import check_start, fix_starts
from raydist.engine.step_memory import step_memory
from raydist.engine.summary import RunSummary
from raydist.engine.tracked import RUN_FILES, check_tracking, track
from raydist.export.logged import check_model, log_encoder
from raydist.home import cache_folder
from raydist.memory_meter import process_size
from raydist.object_store import at_hand, remove
from raydist.places import copy_of, named
from raydist.redaction import mlflow_login, whole_uri
from raydist.reports.run_page import write_run_page
from raydist.tracking.tracker import finishing
from raydist.types import Modality


@dataclass(frozen=True)
class Whole:
    """The larger piece of work that a training is a part of.

    Attributes:
        folder: what is gone on with after a failure.
        run_id: the MLflow run that contains that of the training; None without MLflow.
    """

    folder: Path
    run_id: str | None


def train(
    config: Config,
    *,
    resume: Path | None = None,
    on_event: OnEvent = lambda event: None,
    part_of: Whole | None = None,
) -> tuple[RunFolder, RunSummary]:
    """Run a training to its end on the cluster at hand.

    Args:
        config: the whole configuration.
        resume: the folder of a run to go on with, or None for a new one.
        on_event: called with what takes long before the start, the start, every epoch, steps of an epoch, and
            the end.
        part_of: what the training is a part of; None where it stands alone.

    Returns:
        The run's folder and its summary.

    Raises:
        ConfigError: the cluster is too small, the name is taken, MLflow refuses for good (see
            `check_tracking`), a resumed run was changed or is being trained by another process, or the
            weights are those of a run with another encoder, or of a run or an epoch that there is not.
        DataError: the data set or the weights are not as they should be.
        WorkerError: workers failed more often than ``ray.max_failures``.
    """
    earlier = None if resume is None else Earlier.open(at_hand(resume).resolve())
    if earlier is not None and (summary := _finished(config, earlier, on_event)):
        return earlier.folder, summary
    with listening(lambda text: on_event(Preparing(text))):
        if earlier is not None:
            with earlier.folder.owned():
                check_tracking(config.tracking, run_experiment(config))
                return _train(config, earlier, on_event, part_of)
        require_new_name(copy_of(config.run.dir), config.run.name)
        (config,) = fix_starts([config])
        check_tracking(config.tracking, run_experiment(config))
        check_model(config)
        return _train(config, None, on_event, part_of)


def whole_summary(earlier: Earlier, config: Config) -> RunSummary | None:
    """The summary of a run that is whole, its last checkpoint and its page too; None where work is left."""
    summary = earlier.folder.summary()
    if summary is None or not (earlier.folder.path / "report" / "index.html").is_file():
        return None
    is_whole = earlier.epoch is not None and earlier.epoch >= summary.epochs
    return summary if is_whole and not earlier.is_longer(config) else None


def _finished(config: Config, earlier: Earlier, on_event: OnEvent) -> RunSummary | None:
    """The summary of a run on which no work is left; else None."""
    earlier.require_config(config)
    folder, summary = earlier.folder, whole_summary(earlier, config)
    if summary is None:
        return None
    on_event(AlreadyFinished(named(folder.path), summary.epochs))
    if folder.read_json("environment.json").get("mlflow_run_id"):
        tracker, _ = track(config, folder)
        with finishing(tracker):  # it may have been cut off before its files were sent
            tracker.artifacts(folder.path, RUN_FILES)
    return summary


def _train(
    config: Config, earlier: Earlier | None, on_event: OnEvent, part_of: Whole | None
) -> tuple[RunFolder, RunSummary]:
    before = process_size()
    start = check_start(config.encoder) if earlier is None or earlier.epoch is None else ""
    inputs, index = open_indexed(config, cache_folder(), on_warning=log_warning)
    config = config.model_copy(update={"data": inputs.data})
    if earlier is not None:
        earlier.require_data(config, inputs)
    stages = check_feasible(config, inputs)
    memory = check_group_memory(config, num_tracklets(inputs), step_memory(config, stages))
    preflight(config, memory, None if earlier is None else earlier.folder)
    with connected(config.ray):
        check_resources(config.ray)
        with _prepared_folder(config, earlier, inputs) as folder:
            tracker, run_id = track(config, folder, parent=part_of.run_id if part_of else None)
            uri, resumed = config.tracking.mlflow_uri if run_id else None, earlier is not None
            expected = memory.forecast(use_gpu=config.ray.use_gpu, before=before)
            started = _started(
                config, inputs, memory, expected, folder=folder, mlflow_uri=uri, resumed=resumed, start=start
            )
            on_event(started)
        del inputs
        with (
            finishing(tracker),
            _watched(config, run_id),
            folder.owned() if earlier is None else nullcontext(),
        ):
            go_on_with = part_of.folder if part_of else folder.path
            taken = _run_workers(
                config, index, folder, run_id, on_event, memory, expected, go_on_with=go_on_with
            )
            at_hand(folder.path)
            on_event(ReportWritten(named(write_run_page(folder))))
            if taken:
                taken = with_report(taken)
                folder.write("memory_peaks.json", asdict(taken))
                on_event(taken)
            tracker.artifacts(folder.path, RUN_FILES)
            log_encoder(config, folder, run_id)
        summary = folder.summary()
        assert summary is not None
        return folder, summary


def _started(
    config: Config,
    inputs: Inputs,
    memory: GroupMemory,
    expected: MemoryForecast,
    *,
    folder: RunFolder,
    mlflow_uri: str | None,
    resumed: bool,
    start: str,
) -> Started:
    modality, num_frames = inputs.tracklets.modality, inputs.tracklets.frames.num_frames
    return Started(
        folder=named(folder.path),
        mlflow_uri=mlflow_uri,
        tracklets={m.label: int((modality == m).sum()) for m in Modality},
        frames={m.label: int(num_frames[modality == m].sum()) for m in Modality},
        ranked=len(inputs.ranked),
        notes=inputs.notes,
        slots_mb=memory.slots.worker_mb,
        slots_parted=memory.slots.parted,
        num_shards=config.ray.num_shards,
        shard_mb=memory.shard_mb,
        expected=expected,
        protocol=inputs.protocol,
        not_scored=inputs.not_scored,
        resumed=resumed,
        start=start,
    )


@contextmanager
def _prepared_folder(config: Config, earlier: Earlier | None, inputs: Inputs) -> Iterator[RunFolder]:
    """The folder of the run; a new one is removed again where the run is stopped before it has begun."""
    if earlier is not None:
        yield earlier.go_on(config)
        return
    folder = RunFolder.create(
        copy_of(config.run.dir), config.run.name, f"{config.method.name}-{config.data.name}"
    )
    try:
        folder.write("config.yaml", config.dump())
        data = asdict(data_facts(config, inputs))
        folder.write("environment.json", describe_environment() | {"data": data})
        yield folder
    except BaseException:
        remove(folder.path)
        raise


def _watched(config: Config, run_id: str | None) -> AbstractContextManager[None]:
    """The driver's machine in MLflow, where that is wanted."""
    if run_id is None or not config.tracking.system_metrics:
        return nullcontext()
    from raydist.tracking.system_metrics import system_metrics

    return system_metrics(whole_uri(str(config.tracking.mlflow_uri)), run_id)


def _run_workers(
    config: Config,
    inputs: str,
    folder: RunFolder,
    run_id: str | None,
    on_event: OnEvent,
    memory: GroupMemory,
    expected: MemoryForecast,
    *,
    go_on_with: Path,
) -> MemoryTaken | None:
    """Run the workers to their end; what they took, where that is known."""
    uri = config.tracking.mlflow_uri
    with group_actors(config.ray, memory) as actors:
        run_group(
            train_worker,
            TrainingJob(
                actors,
                named(folder.path.resolve()),
                config,
                inputs,
                run_id,
                run_id and whole_uri(str(uri)),
                mlflow_login(),
            ),
            config.ray,
            name=f"{folder.path.name}-{uuid.uuid4().hex[:8]}",
            storage=cache_folder() / "ray_train",
            on_event=with_gauges(on_event, run=folder.path.name, method=config.method.name),
            advice=f"; go on with --resume {named(go_on_with)}",
        )
        return memory_taken(actors, expected)
