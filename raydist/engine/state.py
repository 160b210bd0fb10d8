"""Everything that a run carries from epoch to epoch, and how it is built from a configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from raydist.data.training_set import TrainingSet, Truth
from raydist.encoders.encoder import Encoder
from raydist.engine.best import BestEpoch, best_epoch
from raydist.engine.events import Scores
from raydist.engine.inputs import Inputs
from raydist.engine.memories import make_memories
from raydist.engine.optimizer import make_optimizer
from raydist.engine.origin import Origin, origin_of
from raydist.engine.plan import Plan, allot
from raydist.engine.precision import LossScaler, check_precision, loss_scaler
from raydist.engine.process_group import ProcessGroup, SingleProcess, part_bounds
from raydist.engine.refresh import LocalRefresh, RefreshService
from raydist.engine.schema import Config
from raydist.engine.start import start_encoder
from raydist.evaluation.retrieval import SearchScores
from raydist.methods.method import Method, MethodContext, Stage, Targets
from raydist.methods.registry import method_class
from raydist.methods.steps import Memories
from raydist.types import Ints, Modality


@dataclass
class RunState:
    """A run between two epochs.

    Attributes:
        config: the whole configuration.
        process_group: the ranks that train together.
        refresh: how targets are computed.
        inputs: the data.
        encoder: what is trained.
        modules: trainable parts beside the encoder, by name.
        method: the paper's recipe.
        plan: its stages with their epochs.
        origin: what its checkpoints belong to.
        optimizer: of the stage; None before the first epoch.
        scaler: of the stage's losses; None where the precision needs none.
        epoch: epochs completed.
        targets: of the last epoch; None before the first.
        memories: as the last epoch left them.
        history: the retrieval results so far, by epoch; 0 is the untrained encoder.
        searches: the results of the other searches of the data set, by epoch and name of the search.
        criteria: of each epoch, where the encoder cannot be scored.
        steps: optimizer steps made.
        frames_seen: training frames that went through the encoder, over all workers.
        after_step: called after every step with the number of steps done and that of the whole epoch.
    """

    config: Config
    process_group: ProcessGroup
    refresh: RefreshService
    inputs: Inputs
    encoder: Encoder
    modules: dict[str, nn.Module]
    method: Method
    plan: Plan
    origin: Origin
    optimizer: torch.optim.Optimizer | None = None
    scaler: LossScaler | None = None
    epoch: int = 0
    targets: Targets | None = None
    memories: Memories = field(default_factory=Memories)
    history: dict[int, Scores] = field(default_factory=dict)
    searches: dict[int, Mapping[str, Scores]] = field(default_factory=dict)
    criteria: dict[int, Mapping[str, float]] = field(default_factory=dict)
    steps: int = 0
    frames_seen: int = 0
    after_step: Callable[[int, int], None] = lambda step, num_steps: None

    @property
    def tracklets(self) -> TrainingSet:
        """The training set as the method sees it."""
        return self.inputs.tracklets

    @property
    def is_scored(self) -> bool:
        """Whether retrieval can be evaluated on the data."""
        return self.inputs.obstacle is None

    def add_scores(self, scores: SearchScores) -> None:
        """Take the scores of the encoder after the last epoch."""
        self.history[self.epoch] = scores.retrieval
        if scores.searches:
            self.searches[self.epoch] = scores.searches

    @property
    def best(self) -> BestEpoch | None:
        """The best epoch so far."""
        return best_epoch(self.history, self.criteria)

    def my_rows(self, num_rows: int) -> Ints:
        """This worker's share of N rows, or of the positions of a batch."""
        return np.arange(self.process_group.rank, num_rows, self.process_group.world_size)

    def my_part(self, num_rows: int) -> Ints:
        """This worker's consecutive part of N rows, of which it extracts the features."""
        rank, bounds = self.process_group.rank, part_bounds(num_rows, self.process_group.world_size)
        return np.arange(bounds[rank], bounds[rank + 1])

    def trainable(self) -> list[nn.Parameter]:
        """All parameters that the optimizer steps."""
        return [*self.encoder.parameters(), *(p for m in self.modules.values() for p in m.parameters())]

    @property
    def learning_rate(self) -> float | None:
        """Of the last step, or of the first one before that; None before the first stage."""
        return self.optimizer.param_groups[0]["lr"] if self.optimizer else None

    def start_stage(self, stage: Stage) -> None:
        """Give the stage an optimizer, and a scaler, of its own."""
        self.optimizer = make_optimizer(self.config.train, self.trainable(), stage)
        self.scaler = loss_scaler(self.config.train.precision, self.process_group.device)

    def set_targets(self, targets: Targets) -> None:
        """Take the targets of an epoch, and fresh memories from them; then nothing holds the new slots."""
        self.memories = make_memories(targets, self.config, self.process_group)
        self.targets = replace(targets, slots={})


def build_state(
    config: Config,
    inputs: Inputs,
    *,
    process_group: ProcessGroup | None = None,
    refresh: RefreshService | None = None,
    fresh: bool = True,
) -> RunState:
    """A run before its first epoch.

    Args:
        config: the whole configuration.
        inputs: the data, see `raydist.engine.inputs`.
        process_group: the ranks that train together; this process alone by default.
        refresh: how targets are computed; in this process by default.
        fresh: whether the encoder starts from ``encoder.weights``; False where a checkpoint will replace it.

    Raises:
        ConfigError: the device cannot train in ``train.precision``.
    """
    process_group = process_group or SingleProcess()
    check_precision(config.train.precision, process_group.device)
    encoder = start_encoder(config, fresh=fresh).to(process_group.device)
    method = build_method(config, inputs, num_branches=encoder.num_branches)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.run.seed)
        modules = {
            name: module.to(process_group.device) for name, module in method.modules(encoder.width).items()
        }
    stages = [stage for stage in method.stages() if stage.share > 0]
    plan = Plan(stages, allot(config.train.epochs, [s.share for s in stages], config.train.limit_epochs))
    return RunState(
        config,
        process_group,
        refresh or LocalRefresh(inputs.tracklets),
        inputs,
        encoder,
        modules,
        method,
        plan,
        origin_of(config, inputs),
    )


def build_method(config: Config, inputs: Inputs, *, num_branches: int = 1) -> Method:
    """The method of a configuration on a training set; a supervised one is given the identities.

    Args:
        config: the whole configuration.
        inputs: the data.
        num_branches: of the encoder.
    """
    return method_on(config, inputs.tracklets, truth=inputs.truth, num_branches=num_branches)


def method_on(
    config: Config, tracklets: TrainingSet, *, truth: Truth | None = None, num_branches: int = 1
) -> Method:
    """The method of a configuration on tracklets; for the arguments see `build_method`."""
    cls = method_class(config.method.name)
    context = MethodContext(
        tracklets=tracklets,
        clustering={m: config.clustering.spec(m) for m in Modality},
        num_identities=config.train.num_identities,
        num_instances=config.train.batch_instances,
        truth=truth if cls.supervised else None,
        num_branches=num_branches,
        memory_rule=config.memory.rule,
    )
    return cls(config.method, context)
