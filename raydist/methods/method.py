"""The contract between a paper's recipe and the engine that runs it.

A `Method` is a list of `Stage`s. Once an epoch a stage turns features into `Targets` (labels, associations,
new memories). Then it names the optimizer steps of the epoch as `OptimizerStep`s: which tracklets, which
views of their clips, the loss, and how the memories change. It knows nothing of devices, ranks, logging,
checkpoints or data sets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.sparse import csr_array
from torch import nn

from raydist.clustering.spec import ClusterSpec
from raydist.config import Section
from raydist.data.training_set import TrainingSet, Truth
from raydist.errors import ConfigError
from raydist.memories.rules import MemoryRule
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.schedule import Epoch, StepEpochs
from raydist.methods.slots import NewSlots
from raydist.methods.steps import ClipView, OptimizerStep
from raydist.on_resume import OnResume
from raydist.types import Floats, Ints, Labels, Modality

Array: TypeAlias = NDArray[Any] | csr_array


class StageParams(Section):
    """The hyper-parameters of one stage; the stages of a method extend them.

    Attributes:
        share: of the epochs, relative to the other stages; 0 leaves the stage out.
        lr_factor: the stage's learning rate as a factor of ``train.lr``.
        step_epochs: the epochs of the stage at which its rate falls tenfold, or one number for every so many,
            whatever ``train.schedule`` says; None follows that.
        iterations_factor: the stage's steps of an epoch as a factor of ``train.iterations``; without effect
            where ``train.epoch_frames`` is given.
    """

    on_resume: ClassVar = OnResume.KEPT
    has_slots: ClassVar[bool] = False
    """Whether the steps of the stage compare with one row a tracklet."""

    share: float = Field(1.0, ge=0)
    lr_factor: float = Field(1.0, gt=0)
    step_epochs: StepEpochs | None = None
    iterations_factor: float = Field(1.0, gt=0)


class Params(Section):
    """The hyper-parameters of one method; each method has its own sub-class.

    Attributes:
        name: the method's name in `raydist.methods.registry`, or ``package.module:Name`` for one that is not
            there.
    """

    on_resume: ClassVar = OnResume.KEPT

    name: str

    @property
    def stages(self) -> Mapping[str, StageParams]:
        """The hyper-parameters of each stage, by key."""
        values = {key: getattr(self, key) for key in type(self).model_fields}
        return {key: value for key, value in values.items() if isinstance(value, StageParams)}

    @property
    def has_slots(self) -> bool:
        """Whether a stage that is trained compares with one row a tracklet."""
        return any(stage.has_slots and stage.share > 0 for stage in self.stages.values())

    @model_validator(mode="after")
    def _some_stage_is_trained(self) -> Params:
        shares = {f"method.{key}.share": stage.share for key, stage in self.stages.items()}
        if shares and not any(shares.values()):
            raise ConfigError(
                f"{', '.join(shares)}: all are 0, so no stage is trained; give one of them more"
            )
        return self


@dataclass(frozen=True)
class Targets:
    """What a refresh hands to the steps of an epoch, and a method's only state between epochs.

    Attributes:
        labels: int64 [N], the clusters of both modalities numbered together, NOISE = -1.
        arrays: what else the steps need, by the field names of a `TargetArrays`.
        memories: float32 matrices that losses compare with; every worker gets its own equal copy.
        metrics: numbers for the log, such as the threshold in force.
        criteria: measures of features and clusters that need no identities; added by the engine where they
            are asked for.
        clustered: bool [N], which rows were given to the clustering; None for all of them.
        diagnosis: what the log compares with identities; not kept in checkpoints.
        slots: memories of one row a tracklet, of which a worker may get a part; not kept in checkpoints.
    """

    labels: Labels
    arrays: Mapping[str, Array] = field(default_factory=dict)
    memories: Mapping[str, Floats] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    criteria: Mapping[str, float] = field(default_factory=dict)
    clustered: NDArray[np.bool_] | None = None
    diagnosis: Diagnosis | None = None
    slots: Mapping[str, NewSlots] = field(default_factory=dict)

    @property
    def clustered_rows(self) -> NDArray[np.bool_]:
        """bool [N]: `clustered`, or all rows where the method does not say."""
        return np.ones(len(self.labels), bool) if self.clustered is None else self.clustered


@dataclass(frozen=True, kw_only=True)
class TargetArrays:
    """A typed view of `Targets.arrays`: a method declares its arrays as the fields of a sub-class.

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Weights(TargetArrays):
    ...     weights: Floats
    >>> targets = Targets(np.zeros(2, np.int64), Weights(weights=np.ones(2, np.float32)).pack())
    >>> Weights.of(targets).weights.tolist()
    [1.0, 1.0]
    """

    @classmethod
    def of(cls, targets: Targets) -> Self:
        """The arrays of some targets, not copied."""
        return cls(**{each.name: targets.arrays[each.name] for each in fields(cls)})

    def pack(self) -> dict[str, Array]:
        """The arrays by name, as `Targets` holds them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True)
class MethodContext:
    """What a method is built from.

    Attributes:
        tracklets: the training set without identities.
        clustering: how each modality is clustered.
        num_identities: P, pseudo identities of each modality in a batch.
        num_instances: K, tracklets of each.
        truth: identities, for a supervised method only.
        num_branches: how many features of the encoder's branches, all of the same length, a feature of width
            D joins.
        memory_rule: how the samples of a batch move a cluster memory.
    """

    tracklets: TrainingSet
    clustering: Mapping[Modality, ClusterSpec]
    num_identities: Mapping[Modality, int]
    num_instances: int
    truth: Truth | None = None
    num_branches: int = 1
    memory_rule: MemoryRule = "mean"

    @property
    def renormalise(self) -> bool:
        """Whether means of features get unit length again before they are clustered."""
        return all(spec.renormalise for spec in self.clustering.values())

    def means(self, features: EpochFeatures) -> EpochFeatures:
        """[N, 1, D]: the mean of each tracklet's features [N, K, D], as they are clustered."""
        return features.means(renormalise=self.renormalise)

    def rows(self, modality: Modality) -> Ints:
        """The rows of one modality, in order."""
        return np.flatnonzero(self.tracklets.modality == modality)


@dataclass(frozen=True)
class Stage(ABC):
    """A part of a training with its own targets and losses; it starts from the weights of the one before.

    Attributes:
        context: the training set, the clustering and the batch.
        params: hyper-parameters.
    """

    name: ClassVar[str]
    needs_features: ClassVar[bool] = True

    context: MethodContext
    params: StageParams

    @property
    def share(self) -> float:
        """How many of the epochs, relative to the other stages."""
        return self.params.share

    @property
    def lr_factor(self) -> float:
        """The stage's learning rate as a factor of the run's."""
        return self.params.lr_factor

    @property
    def step_epochs(self) -> StepEpochs | None:
        """The epochs at which the stage's learning rate falls tenfold; None follows the run's schedule."""
        return self.params.step_epochs

    @property
    def iterations_factor(self) -> float:
        """The stage's steps of an epoch as a factor of the run's."""
        return self.params.iterations_factor

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """The views of each clip; what a worker takes is forecast by them, of a stage of your own by two."""
        return ClipView(), ClipView()

    @abstractmethod
    def refresh(
        self, features: EpochFeatures, previous: Targets | None, epoch: Epoch, rng: Generator
    ) -> Targets:
        """The targets of an epoch.

        Args:
            features: [N, K, D] features of K sub-tracklets of every training tracklet ([0, 0, 0] when
                not needed); of unit length unless the method `takes_any_length` and is configured so.
            previous: the targets of the epoch before, of this stage or of the one before; None at the start.
            epoch: of the stage.
            rng: keyed by the run's seed and the run's epoch.
        """

    @abstractmethod
    def optimizer_steps(self, targets: Targets, epoch: Epoch) -> Sequence[OptimizerStep]:
        """The optimizer steps of one iteration, in order."""


class Method(ABC):
    """A paper's recipe."""

    Params: ClassVar[type[Params]]
    supervised: ClassVar[bool] = False
    """Whether it is given identities; then it is marked as supervised everywhere."""
    needs_clusters: ClassVar[bool] = True
    """Whether it cannot train unless each modality has two clusters."""
    takes_any_length: ClassVar[bool] = False
    """Whether its features may be means that are shorter than 1 (``clustering.renormalise=false``)."""
    takes_memory_rule: ClassVar[bool] = True
    """Whether ``memory.rule`` says how its memories move."""
    unmeasured: ClassVar[tuple[str, ...]] = ()
    """Criteria without identities (``tune.objective``) that never have a value with it."""

    @staticmethod
    def num_tables(num_parts: int) -> int:
        """Features of a tracklet that a refresh has at one time, of K parts: by default, these and two means.

        By it is forecast what a feature shard takes.
        """
        return num_parts + 2

    def __init__(self, params: Any, context: MethodContext) -> None:
        self.params = params
        self.context = context

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """The stages in order."""

    def modules(self, width: int) -> dict[str, nn.Module]:
        """Trainable parts beside the encoder of feature width `width`, by name."""
        return {}
