"""Twelve tracklets of both modalities and two cameras, as a method sees them, with one branch or two; and
recipes, epoch by epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.engine.epoch_steps import num_iterations
from raydist.engine.local_features import LocalFeatures
from raydist.engine.optimizer import set_learning_rate
from raydist.engine.plan import Plan, allot
from raydist.engine.schema import Config, load_config
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.method import MethodContext, Stage, Targets
from raydist.methods.registry import method_class
from raydist.methods.schedule import Epoch
from raydist.methods.slots import Slots
from raydist.methods.steps import Batch, Memories
from raydist.types import NOISE, Modality


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


@pytest.fixture
def two_branches(context):
    """The tracklets, seen by an encoder of two branches."""
    return replace(context, num_branches=2)


@pytest.fixture
def deep_and_shallow() -> np.ndarray:
    """Features of two branches: two people in each modality, three tracklets each, apart in both branches,
    less clearly in the shallow one; [12, 2, 8]."""
    rng = np.random.default_rng(0)
    person = np.tile(np.repeat([0, 1], 3), 2)
    parts = []
    for width, spread in ((4, 0.1), (3, 0.3)):
        x = np.eye(width)[person][:, None] + spread * rng.standard_normal((12, 2, width))
        parts.append(x / np.linalg.norm(x, axis=-1, keepdims=True) / np.sqrt(2))
    padded = np.concatenate((parts[0], np.pad(parts[1], [(0, 0), (0, 0), (0, 1)])), axis=-1)
    return padded.astype(np.float32)


@pytest.fixture
def batch() -> Batch:
    """Eight clips, infrared ones among visible ones, one twice; two views of visible clips, one of infrared.

    Any directions; before they are of unit length, features are about 20 times as long.
    """
    rows = torch.tensor([0, 7, 4, 11, 2, 2, 9, 5])
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 8, 8)))
    x[1, rows >= 6] = 0
    unit = torch.nn.functional.normalize(x, dim=-1)
    return Batch(unit, rows, raw=20 * x, shows=[None, Modality.VISIBLE])


@pytest.fixture
def doubles(memories_of):
    """The memories of targets in float64."""
    return lambda targets: memories_of(targets, torch.float64)


@pytest.fixture
def tables():
    """All tables of memories by name, those of slots among them."""
    return lambda memories: {**memories, **{name: slots.table for name, slots in memories.slots.items()}}


@pytest.fixture
def people_of_branches() -> Callable[[int, int], tuple[LocalFeatures, list[np.ndarray], ModalityClusters]]:
    """12 people with 4 visible rows and 3 infrared ones, one after the other, two of these noise.

    By a seed and the number of branches: features of the tracklets, their branches, and the clusters of each
    modality.
    """

    def unit(x):
        return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)

    def draw(seed: int, num_branches: int):
        rng = np.random.default_rng(seed)
        person, infrared = np.repeat(np.arange(12), 7), np.tile(np.arange(7) > 3, 12)
        looks = rng.standard_normal((num_branches, 12, 8))[:, person]
        parts = [unit(look) for look in looks + 0.7 * rng.standard_normal((num_branches, 84, 8))]
        rows = {m: np.flatnonzero(infrared == bool(m)) for m in Modality}
        labels = {m: person[rows[m]] for m in Modality}
        labels[Modality.INFRARED][[1, 5]] = NOISE
        means = LocalFeatures(
            (np.concatenate(parts, axis=1) / np.float32(num_branches**0.5))[:, None],
            TrainingSet(None, infrared.astype(np.int8), person, person),
        )
        return means, parts, ModalityClusters({m: Clustering(labels[m], 12) for m in Modality}, rows)

    return draw


class MostlyNoise(LocalFeatures):
    """Clusters of which most infrared tracklets are not a part."""

    def cluster(self, rows, spec):
        labels = [0, 0, 0, 1, 1, 1] if rows[0] == 0 else [NOISE] * 4 + [0, 1]
        return Clustering(np.array(labels), 2)


@pytest.fixture
def mostly_noise(deep_and_shallow, two_branches) -> LocalFeatures:
    """Features of two branches whose visible tracklets all have noise for most of their neighbours."""
    return MostlyNoise(deep_and_shallow, two_branches.tracklets)
