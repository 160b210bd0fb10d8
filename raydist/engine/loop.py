"""One epoch, from features to a report. Read this file first.

    features  ->  targets  ->  memories  ->  steps  ->  retrieval

Every worker runs the same code; `state.process_group` says which share of it is its own. The steps are in
`epoch_steps.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np

from raydist.engine.criteria import unsupervised_criteria
from raydist.engine.diagnostics import label_diagnostics
from raydist.engine.epoch_steps import train_epoch
from raydist.engine.events import EXTRACTION, REFRESH, EpochReport
from raydist.engine.extraction import extract
from raydist.engine.local_features import ClusteredOnce
from raydist.engine.plan import StageEpoch
from raydist.engine.precision import extraction_precision
from raydist.engine.progress import phase
from raydist.engine.retrieval import evaluate_retrieval
from raydist.engine.state import RunState
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Targets
from raydist.randomness import stream
from raydist.types import Floats, Ints, Modality

NO_FEATURES = np.empty((0, 0, 0), np.float32)
"""In place of features, for a stage that needs none."""


def run_epoch(state: RunState) -> EpochReport:
    """Advance a run by one epoch.

    Args:
        state: the run; changed in place.

    Returns:
        How the epoch went.

    Raises:
        TrainingError: a loss is not finite; the weights and memories are those before that step.
        ClusteringError: the features collapsed.
    """
    current = state.plan.at(state.epoch)
    seconds: dict[str, float] = {}
    if current.epoch.index == 0:
        state.start_stage(current.stage)
    with timed(seconds, "extract"):
        hand_over_features(state, current)
    with timed(seconds, "refresh"), phase(REFRESH):
        state.set_targets(state.refresh.targets(state.epoch, partial(compute_targets, state, current)))
    assert state.targets is not None
    targets = state.targets
    with timed(seconds, "train"):
        losses = train_epoch(state, current)
    state.epoch += 1  # above, how many epochs are done: 0 in the first one; from here on, its number from 1
    diagnostics = label_diagnostics(targets, state.inputs)
    if not state.is_scored and targets.criteria:
        state.criteria[state.epoch] = targets.criteria
    if evaluation_is_due(state):
        with timed(seconds, "evaluate"):
            state.add_scores(evaluate_retrieval(state))
    # The steps moved the batch-norm statistics of each worker by its own clips. All go on with those of rank
    # 0, which are in its checkpoint: so a run that is resumed goes on as this one does.
    state.process_group.broadcast_buffers(state.encoder)
    return EpochReport(
        epoch=state.epoch,
        stage=current.stage.name,
        losses=losses,
        frames_seen=state.frames_seen,
        learning_rate=state.learning_rate,
        skipped_steps=state.scaler.num_skipped if state.scaler else None,
        metrics=dict(targets.metrics),
        criteria=dict(targets.criteria),
        clusters=diagnostics.clusters,
        association=diagnostics.association,
        retrieval=state.history.get(state.epoch),
        searches=state.searches.get(state.epoch, {}),
        seconds=seconds,
    )


def hand_over_features(state: RunState, current: StageEpoch) -> None:
    """What an epoch begins with: every worker extracts the features of its share, and hands them over block
    after block; for a stage that needs none there are `NO_FEATURES`."""
    if not current.stage.needs_features:
        state.refresh.take(state.epoch, [NO_FEATURES], num_rows=0)
        return
    state.process_group.broadcast_buffers(state.encoder)
    with phase(EXTRACTION):
        own = features_of(state, state.my_part(len(state.tracklets)))
        state.refresh.take(state.epoch, own, num_rows=len(state.tracklets))


def features_of(state: RunState, rows: Ints) -> Iterator[Floats]:
    """The features [b, K, D] of some training tracklets, block after block."""
    tracklets = state.tracklets
    return extract(
        state.encoder,
        tracklets.frames,
        tracklets.modality,
        rows,
        data=state.config.data,
        device=state.process_group.device,
        precision=extraction_precision(state.config.train.precision),
        renormalise=state.method.context.renormalise,
    )


def compute_targets(state: RunState, current: StageEpoch, features: EpochFeatures) -> Targets:
    """The targets of an epoch, with criteria where they are asked for or stand in for scores.

    It runs on one worker.

    Args:
        state: the run; its targets are still those of the epoch before.
        current: the stage, and the epoch within it.
        features: [N, K, D].
    """
    stage = current.stage
    wanted = state.config.evaluation.criteria or not state.is_scored
    with_criteria = wanted and stage.needs_features
    if with_criteria:
        features = ClusteredOnce(features)
    rng = stream(state.config.run.seed, "refresh", state.epoch)
    targets = stage.refresh(features, state.targets, current.epoch, rng)
    if not with_criteria:
        return targets
    criteria = unsupervised_criteria(
        features,
        targets,
        state.targets,
        tracklets=state.tracklets,
        clustering={m: state.config.clustering.spec(m) for m in Modality},
    )
    return replace(targets, criteria=criteria)


def evaluation_is_due(state: RunState) -> bool:
    """Whether the encoder is evaluated after the epoch that just ended."""
    every = state.config.evaluation.every
    if not state.is_scored:
        return False
    return state.epoch == state.plan.num_epochs or (every > 0 and state.epoch % every == 0)


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Note how long a block took."""
    start = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - start, 3)
