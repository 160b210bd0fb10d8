"""The clips of one modality in a batch, with the labels they are taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from raydist.types import Modality


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


def joined(clips: Sequence[ModalityClips]) -> tuple[Tensor, Tensor]:
    """The features of several modalities one after the other, each view after view, and their labels."""
    return torch.cat([each.all_features for each in clips]), torch.cat([each.all_labels for each in clips])
