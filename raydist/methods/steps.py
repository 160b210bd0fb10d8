"""What one optimizer step is made of: clip views, the gathered batch, its loss and the update of memories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from numpy.random import Generator
from torch import Tensor, nn

from raydist.data.transforms.augment import BASIC, ClipAugment
from raydist.data.transforms.clips import AS_IT_RAN, ClipTiming
from raydist.methods.slots import Slots
from raydist.types import Ints, Modality


class Memories(dict[str, Tensor]):
    """Tables of prototypes by name, equal on all workers, and the slots of single tracklets.

    Args:
        prototypes: by name.
        slots: by name.
    """

    def __init__(
        self, prototypes: Mapping[str, Tensor] | None = None, slots: Mapping[str, Slots] | None = None
    ) -> None:
        super().__init__(prototypes or {})
        self.slots = dict(slots or {})


Modules = Mapping[str, nn.Module]
"""Trainable parts beside the encoder, by name."""


@dataclass(frozen=True)
class ClipView:
    """One augmented view of a clip.

    Attributes:
        augment: the strengths for each modality; parameters are drawn once a clip.
        sub_tracklet: None takes frames from the whole tracklet. A number takes them from one of
            `NUM_SUB_TRACKLETS` consecutive parts: views with different numbers never share a part.
        timing: how often, and how, the frames follow each other at another rate.
        frames_of: the index of an earlier view of the same optimizer step whose frames are taken, with its
            segment and timing; None draws frames of its own.
        style: probability that the clip takes the feature statistics of a clip of the other modality.
        shows: the only modality whose clips have this view; None for both.
    """

    augment: Mapping[Modality, ClipAugment] = field(default_factory=lambda: dict.fromkeys(Modality, BASIC))
    sub_tracklet: int | None = None
    timing: ClipTiming = AS_IT_RAN
    frames_of: int | None = None
    style: float = 0.0
    shows: Modality | None = None


NUM_SUB_TRACKLETS = 2


@dataclass(frozen=True)
class Batch:
    """The features of a step, gathered from all workers, with autograd into this worker's share.

    Attributes:
        features: [V, B, D] unit vectors: V clip views of B tracklets.
        rows: int64 [B], rows of the training set.
        frames: [V, B, T, D] unit vectors of the single frames, where the optimizer step asks for them.
        raw: [V, B, D] the features before they were normalised, where the optimizer step asks for them.
        shows: for each view the only modality whose clips have it, the others being zero, or None; empty
            where all clips have all views.
    """

    features: Tensor
    rows: Tensor
    frames: Tensor | None = None
    raw: Tensor | None = None
    shows: Sequence[Modality | None] = ()

    def views_of(self, modality: Modality, values: Tensor | None = None) -> Tensor:
        """[V', B, ...]: the views that clips of a modality have, of the features or of other values by view.

        Args:
            modality: of the clips.
            values: [V, B, ...]; None for the features.
        """
        by_view = self.features if values is None else values
        shown = [only in (None, modality) for only in self.shows]
        return by_view if all(shown) else by_view[shown]


Sampler = Callable[[int, Generator], Ints]
"""(iterations, rng) -> rows int64 [iterations, B]."""


@dataclass(frozen=True)
class OptimizerStep:
    """One optimizer step of every iteration.

    Attributes:
        sampler: draws the rows of all steps of the epoch.
        clip_views: the views of each clip that the loss needs.
        loss: named terms whose sum is minimised; reads the memories.
        update: changes the memories after the step, also after one that half precision left out.
        wants_frames: whether the loss reads `Batch.frames`.
        wants_raw: whether the loss reads `Batch.raw`.
    """

    sampler: Sampler
    clip_views: Sequence[ClipView]
    loss: Callable[[Batch, Memories, Modules], dict[str, Tensor]]
    update: Callable[[Batch, Memories], None]
    wants_frames: bool = False
    wants_raw: bool = False
