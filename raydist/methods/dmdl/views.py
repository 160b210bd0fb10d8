"""The two views of a clip: their augmentations, their common losses, and the labels they exchange (CBT)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raydist.association.confidence import cluster_confidence
from raydist.config import Section
from raydist.data.transforms.published import (
    NOISY,
    NOISY_ADAPTIVE_GREY,
    NOISY_COLOUR_MAPS,
    NOISY_JITTERED_EXCHANGE,
)
from raydist.losses.discrepancy import maximum_mean_discrepancy
from raydist.losses.exchange import exchanged_targets
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.common.labels import ClusterArrays, at
from raydist.methods.method import Epoch, Stage, StageParams
from raydist.methods.steps import Batch, ClipView
from raydist.types import Floats, Labels, Modality, unit_rows

FIRST = ClipView(augment={Modality.VISIBLE: NOISY, Modality.INFRARED: NOISY_ADAPTIVE_GREY})
SECOND = ClipView(augment={Modality.VISIBLE: NOISY_JITTERED_EXCHANGE, Modality.INFRARED: NOISY_COLOUR_MAPS})

Ramp = tuple[tuple[float, float], ...]
"""Pairs (share of the stage, value from there on), the shares upwards; 0 before the first."""


class Parts(Section):
    """The parts of the method; without one, what remains is the row of the paper's ablation.

    Attributes:
        cai: the adjusted likelihood, else the likelihood over one memory of both modalities.
        data: a second view in other colours, else another draw of the first.
        labels: soft labels exchanged between the views, else hard ones.
        feature: the discrepancy between the views is a loss.
    """

    cai: bool = True
    data: bool = True
    labels: bool = True
    feature: bool = True


class ViewParams(StageParams):
    """Hyper-parameters of both stages.

    Attributes:
        temperature: of every softmax of the stage.
        momentum: mu, the share of the old prototype at an update.
        margin: m, how much farther than the farthest positive the nearest negative of a triplet should be.
        triplet: weight of the triplets as pairs of a share of the stage and the weight from there on; 0
            before the first.
        top: how many classes a view's prediction keeps.
        exchange_from: the share of the stage after which labels are soft.
        trusted_below: clusters of fewer rows are trusted whole.
        erase_area: the largest share of a frame that is erased; 0.6 in the published second stage on RegDB.
    """

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum"}

    share: float = Field(1.5, ge=0)
    lr_factor: float = Field(0.3, gt=0)
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.2, gt=0, le=1)
    margin: float = Field(0.3, ge=0)
    triplet: Ramp = ()
    top: int = Field(10, ge=1)
    exchange_from: float = Field(0.0, ge=0, le=1)
    trusted_below: int = Field(4, ge=2)
    erase_area: float = Field(0.5, ge=0.02, lt=1)


@dataclass(frozen=True)
class ModalityClips:
    """The clips of one modality in a batch.

    Attributes:
        modality: theirs.
        features: [2, B, D] unit vectors of both views.
        raw: [2, B, D], before they were normalised.
        labels: int64 [B], y.
        confidence: [B], w, how far the labels are trusted.
    """

    modality: Modality
    features: Tensor
    raw: Tensor
    labels: Tensor
    confidence: Tensor

    @property
    def all_features(self) -> Tensor:
        """[2 B, D], view after view."""
        return self.features.flatten(0, 1)

    @property
    def all_labels(self) -> Tensor:
        """int64 [2 B], the labels of `all_features`."""
        return self.labels.repeat(len(self.features))


@dataclass(frozen=True, kw_only=True)
class ViewArrays(ClusterArrays):
    """The labels of each modality, and how far each is trusted.

    Attributes:
        confidence: float32 [N], w; 0 for NOISE.
    """

    confidence: Floats


@dataclass(frozen=True)
class ViewStage(Stage):
    """A stage on two views of each clip.

    Attributes:
        parts: which parts of the method there are.
    """

    params: ViewParams
    parts: Parts

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """The two views."""
        views = FIRST, SECOND if self.parts.data else FIRST
        return [_erased_up_to(view, self.params.erase_area) for view in views]

    def confidence(self, features: Floats, labels: Labels, prototypes: Floats) -> Floats:
        """w, float32 [N]: how far the label of each row is trusted; 0 for NOISE."""
        temperature, min_rows = self.params.temperature, self.params.trusted_below
        unit = features if self.context.renormalise else unit_rows(features).astype(np.float32)
        return cluster_confidence(unit, labels, prototypes, temperature=temperature, min_rows=min_rows)

    def split(self, batch: Batch, arrays: ViewArrays) -> list[ModalityClips]:
        """The visible and the infrared clips of a batch."""
        assert batch.raw is not None
        modality_of = at(self.context.tracklets.modality, batch.rows)
        clips = []
        for modality, labels in arrays.own.items():
            chosen = modality_of == modality
            rows = batch.rows[chosen]
            clips.append(
                ModalityClips(
                    modality,
                    features=batch.features[:, chosen],
                    raw=batch.raw[:, chosen],
                    labels=at(labels, rows),
                    confidence=at(arrays.confidence, rows),
                )
            )
        return clips

    def soft_labels(self, clips: ModalityClips, logits: Tensor, epoch: Epoch) -> Tensor:
        """The target of each view: w onehot(y) + (1 - w) p of the other view.

        Args:
            clips: of one modality.
            logits: [2, B, C] of their views.
            epoch: of the stage.

        Returns:
            [2, B, C]; rows that sum to 1.
        """
        soft = self.parts.labels and epoch.midpoint >= self.params.exchange_from
        w = clips.confidence if soft else torch.ones_like(clips.confidence)
        return exchanged_targets(logits, clips.labels, w, top=self.params.top)

    def view_terms(self, clips: Sequence[ModalityClips], epoch: Epoch) -> dict[str, Tensor]:
        """The discrepancy between the views of each modality, and triplets within each."""
        terms = {}
        if self.parts.feature:
            terms["discrepancy"] = torch.stack([maximum_mean_discrepancy(*each.raw) for each in clips]).sum()
        if weight := ramp(self.params.triplet, epoch.midpoint):
            terms["triplet"] = weight * torch.stack([self.triplet([each]) for each in clips]).sum()
        return terms

    def triplet(self, clips: Sequence[ModalityClips]) -> Tensor:
        """The hardest triplets among the clips of one modality, or of both together."""
        raw = torch.cat([each.raw.flatten(0, 1) for each in clips])
        labels = torch.cat([each.all_labels for each in clips])
        return batch_hard_triplet(raw, labels, margin=self.params.margin)


def ramp(steps: Ramp, progress: float) -> float:
    """The value of the last step that is not later than now.

    >>> [ramp(((0.25, 0.5), (0.5, 1.0)), progress) for progress in (0.0, 0.25, 0.9)]
    [0.0, 0.5, 1.0]
    """
    return max(((start, value) for start, value in steps if start <= progress), default=(0.0, 0.0))[1]


def _erased_up_to(view: ClipView, area: float) -> ClipView:
    """The view with boxes of up to this share of a frame."""
    augment = {m: replace(own, erase_area=(own.erase_area[0], area)) for m, own in view.augment.items()}
    return replace(view, augment=augment)
