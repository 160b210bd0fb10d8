"""A worker of a trial: it trains an epoch, tells the board, and waits there until Ray Tune has decided about
the trial."""

from __future__ import annotations

from raydist.distributed.job import TrialJob
from raydist.distributed.worker.setup import (
    log_of_worker,
    logging_to,
    run_guarded,
    setup_worker,
    state_of_worker,
)
from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.engine.input_index import shared_inputs
from raydist.engine.progress import waiting
from raydist.engine.ray_section import RaySection
from raydist.engine.run_folder import KEPT
from raydist.home import cache_folder
from raydist.object_store import at_hand
from raydist.storage import make_folder
from raydist.tuning.joint_run import JointRun
from raydist.tuning.report import TrialReport


def train_trial(job: TrialJob) -> None:
    """What every Ray Train worker of a trial executes."""
    run_guarded(job, _train, hang_timeout=_section(job).hang_timeout)


def _section(job: TrialJob) -> RaySection:
    """What the trial asks of the cluster, for all data sets."""
    return next(iter(job.configs.values())).ray


def _train(job: TrialJob) -> None:
    import ray

    configs, board, folder = job.configs, job.actors.board, make_folder(at_hand(job.place))
    name = ray.get(board.name.remote())
    process_group = setup_worker(
        deterministic=all(config.run.deterministic for config in configs.values()),
        threads=_section(job).cpus_per_worker,
    )
    checkpoints = CheckpointFolder(folder / "checkpoints")
    run = JointRun(
        {
            data: state_of_worker(
                config,
                shared_inputs(config, cache_folder(), job.inputs[data]),
                process_group,
                job.actors,
                checkpoints,
            )
            for data, config in configs.items()
        }
    )
    leads = process_group.rank == 0

    def may_go_on_after(report: TrialReport) -> bool:
        """Tell the board of an epoch that is safe on disk, and wait for the decision."""
        if leads:
            ray.get(board.post.remote(report))
        with waiting("the decision about the trial"):
            return bool(ray.get(board.may_go_on.remote(name, report.epoch)))

    with logging_to(log_of_worker(folder, process_group.rank), process_group):
        newest = checkpoints.newest_as(run.unpack)
        goes_on = may_go_on_after(newest[1]) if newest else True
        while goes_on and run.epoch < run.num_epochs:
            report = run.advance()
            if leads:
                checkpoints.write(report.epoch, run.pack())
                checkpoints.keep_only({*range(report.epoch - KEPT + 1, report.epoch + 1)})
            goes_on = may_go_on_after(report)
