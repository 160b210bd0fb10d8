"""Labels of each modality: as a method's targets hold them, of a batch, and of matched clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raydist.methods.method import TargetArrays
from raydist.methods.steps import Batch
from raydist.types import NOISE, Ints, Labels, Modality


@dataclass(frozen=True, kw_only=True)
class ClusterArrays(TargetArrays):
    """The clusters of each modality; a method says in which numbering.

    Attributes:
        visible: int64 [N], NOISE on infrared rows.
        infrared: int64 [N], NOISE on visible rows.
    """

    visible: Labels
    infrared: Labels

    @property
    def own(self) -> dict[Modality, Labels]:
        """The labels by modality."""
        return {Modality.VISIBLE: self.visible, Modality.INFRARED: self.infrared}


def joint_labels(labels: Mapping[Modality, Labels]) -> Labels:
    """int64 [N]: the clusters of both modalities, those of the infrared numbered after the visible ones.

    Args:
        labels: int64 [N] for each modality, numbered from 0 without a gap; NOISE on rows of the other.

    >>> visible, infrared = np.array([0, 1, -1]), np.array([-1, -1, 0])
    >>> joint_labels({Modality.VISIBLE: visible, Modality.INFRARED: infrared}).tolist()
    [0, 1, 2]
    """
    visible, infrared = (labels[m] for m in Modality)
    return np.maximum(visible, np.where(infrared == NOISE, NOISE, infrared + visible.max(initial=NOISE) + 1))


def at(values: NDArray[Any], rows: Tensor) -> Tensor:
    """The values [N] of the rows of a batch, on its device."""
    return torch.from_numpy(values)[rows.cpu()].to(rows.device)


def clips_and_labels(batch: Batch, modality: Modality, labels: Labels) -> tuple[Tensor, Tensor]:
    """The clips of a batch in the V' views that those of a modality have, and the label of each.

    Args:
        batch: clips of both modalities.
        modality: whose views are taken.
        labels: int64 [N] of the modality, NOISE on rows of the other, whose clips may be missing in a view.

    Returns:
        [V' B, D] and int64 [V' B], one view after the other.

    >>> batch = Batch(torch.eye(2)[:, None], torch.tensor([5]), shows=[None, Modality.VISIBLE])
    >>> clips_and_labels(batch, Modality.INFRARED, np.arange(6))
    (tensor([[1., 0.]]), tensor([5]))
    """
    views = batch.views_of(modality)
    return views.flatten(0, 1), at(labels, batch.rows).repeat(len(views))


def partners(labels: Labels, matched: Ints) -> Labels:
    """The cluster that each row's cluster is matched with; NOISE stays NOISE.

    Args:
        labels: int64 [N], of C clusters.
        matched: int64 [C], the partner of each.

    >>> partners(np.array([1, -1, 0]), np.array([5, 4]))
    array([ 4, -1,  5])
    """
    return np.where(labels == NOISE, NOISE, np.append(matched, NOISE)[labels])
