"""The two views of a clip: their augmentations, their common losses, and the labels they exchange (CBT)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from raydist.association.confidence import Mixtures, label_confidence, own_probability
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
from raydist.methods.dmdl.clips import ModalityClips, joined
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import Stage, StageParams
from raydist.methods.schedule import Epoch, Moment, Ramp
from raydist.methods.steps import Batch, ClipView
from raydist.on_resume import OnResume
from raydist.types import Doubles, Floats, Ints, Labels, Modality, unit_rows

FIRST = ClipView(augment={Modality.VISIBLE: NOISY, Modality.INFRARED: NOISY_ADAPTIVE_GREY})
SECOND = ClipView(augment={Modality.VISIBLE: NOISY_JITTERED_EXCHANGE, Modality.INFRARED: NOISY_COLOUR_MAPS})


class Parts(Section):
    """The parts of the method; without one, what remains is the row of the paper's ablation.

    Attributes:
        cai: the adjusted likelihood, else the likelihood over one memory of both modalities.
        data: a second view in other colours, else another draw of the first.
        labels: soft labels exchanged between the views, else hard ones.
        feature: the discrepancy between the views is a loss.
    """

    on_resume: ClassVar = OnResume.KEPT

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
        triplet: weight of the triplets as pairs of a share of the stage, or ``epoch N``, and the weight from
            there on; 0 before the first.
        top: how many classes a view's prediction keeps.
        exchange_from: the share of the stage, or ``epoch N``, from which on labels are soft.
        confidence: whether the losses of each cluster, or those of all rows, are a mixture of two groups.
        trusted_below: clusters of fewer rows are trusted whole, where each has its own mixture.
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
    exchange_from: Moment = 0.0
    confidence: Mixtures = "per-cluster"
    trusted_below: int = Field(2, ge=2)
    erase_area: float = Field(0.5, ge=0.02, lt=1)


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

    def confidence(self, means: EpochFeatures, labels: Labels, prototypes: Floats, rows: Ints) -> Floats:
        """w, float32 [n]: how far the labels of some rows are trusted; 0 for NOISE.

        Args:
            means: [N, 1, D].
            labels: int64 [N].
            prototypes: float32 [C, D] unit rows, of all labels.
            rows: int64 [n].
        """
        asked = np.zeros(len(means), bool)
        asked[rows] = True
        measure = partial(trust, prototypes=prototypes, temperature=self.params.temperature)
        probability = means.measure(measure, labels, asked)[rows]
        mixtures, min_rows = self.params.confidence, self.params.trusted_below
        return label_confidence(probability, labels[rows], mixtures=mixtures, min_rows=min_rows)

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
        soft = self.parts.labels and epoch.is_past(self.params.exchange_from)
        w = clips.confidence if soft else torch.ones_like(clips.confidence)
        return exchanged_targets(logits, clips.labels, w, top=self.params.top)

    def view_terms(self, clips: Sequence[ModalityClips], epoch: Epoch) -> dict[str, Tensor]:
        """The discrepancy between the views of each modality, and triplets within each."""
        terms = {}
        if self.parts.feature:
            terms["discrepancy"] = torch.stack([maximum_mean_discrepancy(*each.raw) for each in clips]).sum()
        if weight := epoch.value_of(self.params.triplet):
            terms["triplet"] = weight * torch.stack([self.triplet([each]) for each in clips]).sum()
        return terms

    def triplet(self, clips: Sequence[ModalityClips]) -> Tensor:
        """The hardest triplets among the clips of one modality, or of both together."""
        raw = torch.cat([each.raw.flatten(0, 1) for each in clips])
        return batch_hard_triplet(raw, joined(clips)[1], margin=self.params.margin)


def trust(
    features: Floats, labels: Labels, asked: NDArray[np.bool_], *, prototypes: Floats, temperature: float
) -> Doubles:
    """See `own_probability`, of the directions of features [n, 1, D]; 0 for rows that are not asked for."""
    probability = np.zeros(len(features))
    units = unit_rows(features[asked, 0]).astype(np.float32)
    probability[asked] = own_probability(units, labels[asked], prototypes=prototypes, temperature=temperature)
    return probability


def _erased_up_to(view: ClipView, area: float) -> ClipView:
    """The view with boxes of up to this share of a frame."""
    augment = {m: replace(own, erase_area=(own.erase_area[0], area)) for m, own in view.augment.items()}
    return replace(view, augment=augment)
