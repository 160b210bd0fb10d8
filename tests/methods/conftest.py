"""Twelve tracklets of both modalities and two cameras, as a method sees them; and recipes, epoch by epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.engine.epoch_steps import num_iterations
from raydist.engine.optimizer import set_learning_rate
from raydist.engine.plan import Plan, allot
from raydist.engine.schema import Config, load_config
from raydist.methods.method import MethodContext, Stage, Targets
from raydist.methods.registry import method_class
from raydist.methods.schedule import Epoch
from raydist.methods.slots import Slots
from raydist.methods.steps import Memories
from raydist.types import Modality


@pytest.fixture
def tracklets() -> TrainingSet:
    modality = np.repeat([0, 1], 6).astype(np.int8)
    camera = np.tile([0, 0, 0, 1, 1, 1], 2)
    return TrainingSet(frames=None, modality=modality, camera=camera, view=modality * 2 + camera)


@pytest.fixture
def context(tracklets) -> MethodContext:
    spec = ClusterSpec(k1=3, k2=1, min_samples=2)
    return MethodContext(
        tracklets, dict.fromkeys(Modality, spec), num_identities=dict.fromkeys(Modality, 2), num_instances=2
    )


@pytest.fixture
def features() -> np.ndarray:
    """Two people in each modality, three tracklets each; [12, 1, 4]."""
    rng = np.random.default_rng(0)
    centres = np.repeat(np.tile(np.eye(4)[:2], (2, 1)), 3, axis=0)
    x = centres + 0.02 * rng.normal(size=(12, 4))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)[:, None]


@pytest.fixture
def memories_of() -> Callable[..., Memories]:
    """Prototypes and slots of targets, all of them here."""

    def make(targets: Targets, dtype: torch.dtype = torch.float32) -> Memories:
        rows = len(targets.labels)
        return Memories(
            {name: torch.tensor(value, dtype=dtype) for name, value in targets.memories.items()},
            {
                name: Slots(torch.tensor(new.part(0, rows)[1], dtype=dtype))
                for name, new in targets.slots.items()
            },
        )

    return make


@dataclass(frozen=True)
class RecipeEpoch:
    """An epoch of a recipe: its stage, the epoch within it, its rate and its steps."""

    config: Config
    stage: Stage
    epoch: Epoch
    lr: float
    iterations: int


@pytest.fixture
def recipe_epochs() -> Callable[[str], Sequence[RecipeEpoch]]:
    """All epochs of a recipe, on 40 clusters of 20 tracklets in each modality, seen by two cameras each."""

    def walk(recipe: str) -> Sequence[RecipeEpoch]:
        config = load_config(recipe)
        modality = np.repeat([0, 1], 800).astype(np.int8)
        camera = np.tile([0, 1], 800)
        context = MethodContext(
            TrainingSet(None, modality, camera, 2 * modality + camera),
            {m: config.clustering.spec(m) for m in Modality},
            config.train.num_identities,
            config.train.batch_instances,
            num_branches=config.encoder.branches,
            memory_rule=config.memory.rule,
        )
        stages = method_class(config.method.name)(config.method, context).stages()
        stages = [stage for stage in stages if stage.share > 0]
        plan = Plan(stages, allot(config.train.epochs, [stage.share for stage in stages]))
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        epochs = []
        for number in range(plan.num_epochs):
            stage, epoch = plan.at(number)
            set_learning_rate(optimizer, config.train, stage, epoch, 0.5)
            iterations = num_iterations(SimpleNamespace(config=config), stage, [])
            epochs.append(RecipeEpoch(config, stage, epoch, optimizer.param_groups[0]["lr"], iterations))
        return epochs

    return walk
