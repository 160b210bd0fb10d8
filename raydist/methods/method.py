"""The contract between a paper's recipe and the engine that runs it.

A `Method` is a list of `Stage`s. Once an epoch a stage turns features into `Targets` (labels, associations, fresh
memories); then it names the optimizer steps of the epoch as `OptimizerStep`s: which tracklets, which versions of their
clips, the loss, and how the memories change. It knows nothing of devices, ranks, logging, checkpoints or data sets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor, nn

from raydist.clustering.spec import Clustering, ClusterSpec
from raydist.config import Section
from raydist.data.training_set import TrainingSet, Truth
from raydist.data.transforms.augment import BASIC, ClipAugment
from raydist.data.transforms.clips import AS_IT_RAN, ClipTiming
from raydist.neighbours.search.lists import Ranked
from raydist.types import Floats, Ints, Labels, Modality

Memories = dict[str, Tensor]
Modules = Mapping[str, nn.Module]


class Params(Section):
    """The hyper-parameters of one method; each method has its own sub-class."""

    name: str


@dataclass(frozen=True)
class Targets:
    """What a refresh hands to the steps of an epoch, and a method's only state between epochs.

    Attributes:
        labels: int64 [N], the clusters of both modalities numbered together, NOISE = -1.
        arrays: whatever else the steps need; plain arrays and sparse matrices.
        memories: float32 matrices that losses compare with; every worker gets its own equal copy.
        figures: numbers for the log, such as the threshold in force.
        criteria: how good features and clusters are, told without identities; added by the engine where they are asked for.
    """

    labels: Labels
    arrays: Mapping[str, NDArray[Any] | csr_array] = field(default_factory=dict)
    memories: Mapping[str, Floats] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    criteria: Mapping[str, float] = field(default_factory=dict)

    @property
    def offered(self) -> NDArray[np.bool_]:
        """bool [N]: which rows were offered to the clustering (``arrays["clustered"]``), all if the method does not say."""
        return np.asarray(self.arrays.get("clustered", np.ones(len(self.labels), bool)))


@dataclass(frozen=True)
class ClipView:
    """One rendering of a clip.

    Attributes:
        augment: the strengths for each modality; parameters are drawn once a clip.
        segment: None takes frames from the whole tracklet. A number takes them from one of `NUM_SEGMENTS` consecutive
            parts: versions with different numbers never share a part.
        timing: how often and in what way the frames follow each other in another rhythm.
        frames_of: the number of an earlier version of the same substep whose frames are taken, segment and timing and all;
            None draws frames of its own.
        style: probability that the clip takes the feature statistics of a clip of the other modality.
    """

    augment: Mapping[Modality, ClipAugment] = field(default_factory=lambda: dict.fromkeys(Modality, BASIC))
    segment: int | None = None
    timing: ClipTiming = AS_IT_RAN
    frames_of: int | None = None
    style: float = 0.0


NUM_SEGMENTS = 2


@dataclass(frozen=True)
class Batch:
    """The features of a step, gathered from all workers, with autograd into this worker's share.

    Attributes:
        features: [V, B, D] unit vectors: V versions of the clips of B tracklets.
        rows: int64 [B], rows of the training set.
        frames: [V, B, T, D] unit vectors of the single frames, where the substep asks for them.
        raw: [V, B, D] the features before they got unit length, where the substep asks for them.
    """

    features: Tensor
    rows: Tensor
    frames: Tensor | None = None
    raw: Tensor | None = None


Sampler = Callable[[int, np.random.Generator], Ints]
"""(iterations, rng) -> rows int64 [iterations, B]."""


@dataclass(frozen=True)
class OptimizerStep:
    """One optimizer step of every iteration.

    Attributes:
        sampler: draws the rows of all steps of the epoch.
        clip_views: which renderings of each clip the loss wants.
        loss: named terms whose sum is minimised; reads the memories.
        update: changes the memories after a successful step.
        wants_frames: whether the loss reads `Batch.frames`.
        wants_raw: whether the loss reads `Batch.raw`.
    """

    sampler: Sampler
    clip_views: Sequence[ClipView]
    loss: Callable[[Batch, Memories, Modules], dict[str, Tensor]]
    update: Callable[[Batch, Memories], None]
    wants_frames: bool = False
    wants_raw: bool = False


class Refresher(Protocol):
    """Distances and clusters of the features it holds; in process or on the shards of a cluster, equal results."""

    def set_features(self, features: Floats) -> None:
        """Take the unit features [N, D] of this refresh."""

    def cluster(self, rows: Ints, spec: ClusterSpec) -> Clustering:
        """Cluster the given rows among themselves."""

    def nearest_in_views(self, view: Ints) -> Ranked:
        """For every row the most similar row of each view.

        Args:
            view: int64 [N], the view of each row, 0..U-1.

        Returns:
            Ids and similarities [N, U]; a row's own view and a view without rows hold id -1 and similarity -inf. Ties go to
            the smaller id.
        """


class Stage(ABC):
    """A part of a training with its own targets and losses; it begins with the last weights of the one before."""

    name: ClassVar[str]
    share: float = 1.0
    """How many of the epochs, relative to the other stages; a stage with 0 is left out."""
    epochs: int = 1
    """How many epochs that makes; the engine says so before the first."""
    lr_factor: float = 1.0
    needs_features: ClassVar[bool] = True

    @abstractmethod
    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """The targets of an epoch.

        Args:
            features: [N, K, D] unit features of K sub-tracklets of every training tracklet ([0, 0, 0] when not needed).
            previous: the targets of the epoch before, of this stage or of the one before; None at the start.
            refresher: distances and clusters.
            epoch: counted from 0 at the start of the stage.
            rng: keyed by the run's seed and the epoch.
        """

    @abstractmethod
    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """The optimizer steps of one iteration, in order."""


@dataclass(frozen=True)
class MethodContext:
    """What a method is built from.

    Attributes:
        tracklets: the training set without identities.
        clustering: how each modality is clustered.
        num_identities: P, pseudo identities of each modality in a batch.
        num_instances: K, tracklets of each.
        truth: identities, for a supervised method only.
        num_branches: how many features of the encoder's branches, all of the same length, a feature of width D joins.
    """

    tracklets: TrainingSet
    clustering: Mapping[Modality, ClusterSpec]
    num_identities: int
    num_instances: int
    truth: Truth | None = None
    num_branches: int = 1

    def rows(self, modality: Modality) -> Ints:
        """The rows of one modality, in order."""
        return np.flatnonzero(self.tracklets.modality == modality)


class Method(ABC):
    """A paper's recipe."""

    Params: ClassVar[type[Params]]
    supervised: ClassVar[bool] = False
    """Whether it is given identities; then it is marked as supervised everywhere."""

    def __init__(self, params: Any, context: MethodContext) -> None:
        self.params = params
        self.context = context

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """The stages in order."""

    def modules(self, width: int) -> dict[str, nn.Module]:
        """Trainable parts beside the encoder of feature width `width`, by name."""
        return {}
