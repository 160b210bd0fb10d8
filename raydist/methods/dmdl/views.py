"""The two views of a clip: how they are rendered, what holds them together, and how they teach each other (CBT)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from raydist.association.confidence import cluster_confidence
from raydist.config import Section
from raydist.data.transforms.augment import (
    NOISE_ADAPTIVE_GREY,
    NOISE_BASIC,
    NOISE_JITTERED_EXCHANGE,
    NOISE_PSEUDO_COLOUR,
)
from raydist.losses.discrepancy import maximum_mean_discrepancy
from raydist.losses.exchange import exchanged_targets
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.dcl.method import at, own_labels
from raydist.methods.method import Batch, ClipView, MethodContext, Stage, Targets
from raydist.types import Floats, Labels, Modality

FIRST = ClipView(augment={Modality.VISIBLE: NOISE_BASIC, Modality.INFRARED: NOISE_ADAPTIVE_GREY})
SECOND = ClipView(augment={Modality.VISIBLE: NOISE_JITTERED_EXCHANGE, Modality.INFRARED: NOISE_PSEUDO_COLOUR})

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


class ViewParams(Section):
    """Hyper-parameters of both stages.

    Attributes:
        temperature: of all softmaxes.
        momentum: mu, the share of the old prototype at an update.
        margin: of the triplets.
        triplet: their weight over the stage.
        top: how many classes a view's prediction has.
        exchange_from: the share of the stage after which labels are soft.
        trusted_below: clusters of fewer rows are trusted whole.
    """

    old_names: ClassVar[Mapping[str, str]] = {"keep": "momentum"}

    share: float = Field(1.5, gt=0)
    lr_factor: float = Field(0.3, gt=0)
    temperature: float = Field(0.05, gt=0)
    momentum: float = Field(0.2, gt=0, le=1)
    margin: float = Field(0.3, ge=0)
    triplet: Ramp = ()
    top: int = Field(10, ge=1)
    exchange_from: float = Field(0.0, ge=0, le=1)
    trusted_below: int = Field(4, ge=2)


@dataclass(frozen=True)
class Side:
    """The clips of one modality in a batch.

    Attributes:
        modality: theirs.
        features: [2, B, D] unit vectors of both views.
        raw: [2, B, D], before they got unit length.
        labels: int64 [B].
        confidence: [B], in the labels.
    """

    modality: Modality
    features: Tensor
    raw: Tensor
    labels: Tensor
    confidence: Tensor

    @property
    def every_feature(self) -> Tensor:
        """[2 B, D], view after view."""
        return self.features.flatten(0, 1)

    @property
    def every_label(self) -> Tensor:
        """int64 [2 B], the labels of `every_feature`."""
        return self.labels.repeat(len(self.features))


@dataclass
class ViewStage(Stage):
    """A stage on two views of each clip.

    Attributes:
        context: the tracklets, the clustering and the batch.
        params: hyper-parameters.
        parts: which parts of the method there are.
    """

    context: MethodContext
    params: ViewParams
    parts: Parts

    def __post_init__(self) -> None:
        self.share, self.lr_factor = self.params.share, self.params.lr_factor

    @property
    def clip_views(self) -> Sequence[ClipView]:
        """The two views."""
        return [FIRST, SECOND if self.parts.data else FIRST]

    def progress(self, epoch: int) -> float:
        """The middle of an epoch as a share of the stage: so a stage of a few epochs reaches its last phase too."""
        return (epoch + 0.5) / self.epochs

    def confidence(self, features: Floats, labels: Labels, prototypes: Floats) -> Floats:
        """float32 [N]: how far the label of each row is trusted; 0 for NOISE."""
        temperature, min_rows = self.params.temperature, self.params.trusted_below
        return cluster_confidence(features, labels, prototypes, temperature=temperature, min_rows=min_rows)

    def sides(self, batch: Batch, targets: Targets) -> list[Side]:
        """The visible and the infrared clips of a batch."""
        assert batch.raw is not None
        labels, confidence = own_labels(targets), np.asarray(targets.arrays["confidence"])
        of_batch = at(np.asarray(self.context.tracklets.modality), batch.rows)
        found = []
        for modality in Modality:
            mine = of_batch == modality
            rows = batch.rows[mine]
            known = at(labels[modality], rows), at(confidence, rows)
            found.append(Side(modality, batch.features[:, mine], batch.raw[:, mine], *known))
        return found

    def soft_labels(self, side: Side, logits: Tensor, epoch: int) -> Tensor:
        """What each view is to predict.

        Args:
            side: clips of one modality.
            logits: [2, B, C] of their views.
            epoch: of the stage.

        Returns:
            [2, B, C]; rows that sum to 1.
        """
        soft = self.parts.labels and self.progress(epoch) >= self.params.exchange_from
        confidence = side.confidence if soft else torch.ones_like(side.confidence)
        return exchanged_targets(logits, side.labels, confidence, top=self.params.top)

    def view_terms(self, sides: Sequence[Side], epoch: int) -> dict[str, Tensor]:
        """The discrepancy between the views of each modality, and triplets within each."""
        terms = {}
        if self.parts.feature:
            terms["discrepancy"] = torch.stack([maximum_mean_discrepancy(*side.raw) for side in sides]).sum()
        if weight := ramp(self.params.triplet, self.progress(epoch)):
            terms["triplet"] = weight * torch.stack([self.triplet([side]) for side in sides]).sum()
        return terms

    def triplet(self, sides: Sequence[Side]) -> Tensor:
        """The hardest triplets among the clips of some modalities together."""
        raw = torch.cat([side.raw.flatten(0, 1) for side in sides])
        return batch_hard_triplet(
            raw, torch.cat([side.every_label for side in sides]), margin=self.params.margin
        )


def ramp(steps: Ramp, progress: float) -> float:
    """The value of the last step that is not later than now.

    >>> [ramp(((0.25, 0.5), (0.5, 1.0)), progress) for progress in (0.0, 0.25, 0.9)]
    [0.0, 0.5, 1.0]
    """
    return max(((start, value) for start, value in steps if start <= progress), default=(0.0, 0.0))[1]
