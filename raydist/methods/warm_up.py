"""Tracklet warm-up: each tracklet its own class, so that an encoder without pretrained weights can start at all.

The core of the first stage of CBA (Causal Bootstrapped Alignment, arXiv 2604.15631), as a stage that every method can begin
with. Two clips of a tracklet, of different frames and in different tones, must both find the tracklet's slot among
the tracklets of the same modality and camera; so neither camera nor modality can be used to tell tracklets apart.
Tracklets that are as similar to each other as the pieces of one tracklet are (likely cuts of one pass) are not
negatives of each other.

===================  =============================================
equation             function
===================  =============================================
slots T_i            `WarmUp.refresh`, `update_slots`
p_i over own view    `instance_contrast`
ignore graph G       `raydist.association.ignore_graph`
===================  =============================================

Deviations: the loss is the mean of the versions' cross-entropies, not the adjusted mixture over four versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from raydist.association.ignore_graph import ignore_graph
from raydist.config import Section
from raydist.data.samplers import tracklet_batches
from raydist.data.transforms import TONES_INFRARED, TONES_VISIBLE
from raydist.losses.contrastive import instance_contrast
from raydist.memories.instances import update_slots
from raydist.methods.clusters import cluster_modalities, tracklet_means
from raydist.methods.method import Batch, Memories, Modules, Refresher, Setting, Stage, Substep, Targets, Version
from raydist.types import Floats, Ints, Modality

TONES = {Modality.VISIBLE: TONES_VISIBLE, Modality.INFRARED: TONES_INFRARED}


class WarmUpParams(Section):
    """Hyper-parameters of the warm-up."""

    share: float = Field(3.0, gt=0)
    temperature: float = Field(0.07, gt=0)
    keep: Annotated[float, Field(ge=0, le=1)] = 0.8
    ignore_from: int = Field(2, ge=0)
    ignore_top: int = Field(3, ge=1)
    ignore_slack: float = Field(0.3, ge=0, le=1)


@dataclass
class WarmUp(Stage):
    """See the module.

    Attributes:
        setting: the tracklets and the batch.
        params: hyper-parameters.
    """

    name: ClassVar[str] = "warm-up"
    setting: Setting
    params: WarmUpParams

    def __post_init__(self) -> None:
        self.share = self.params.share

    def refresh(
        self, features: Floats, previous: Targets | None, refresher: Refresher, epoch: int, rng: np.random.Generator
    ) -> Targets:
        """Slots at the tracklets' means, and the ignore graph; clusters are made for the log alone."""
        means = tracklet_means(features)
        view = self.setting.tracklets.view
        if epoch >= self.params.ignore_from:
            ignored = ignore_graph(features, view, top=self.params.ignore_top, slack=self.params.ignore_slack)
        else:
            ignored = csr_array((len(means), len(means)), dtype=bool)
        labels = cluster_modalities(refresher, means, self.setting, relax=False).joint
        return Targets(labels, {"ignored": ignored}, {"slots": means}, {"ignored_pairs": ignored.nnz / 2})

    def substeps(self, targets: Targets, epoch: int) -> Sequence[Substep]:
        """One step a batch of tracklets, two versions each."""
        views, ignored = torch.from_numpy(self.setting.tracklets.view), targets.arrays["ignored"]
        assert isinstance(ignored, csr_array)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            rows = batch.rows.cpu()
            admissible = (views[rows][:, None] == views) & ~torch.from_numpy(ignored[rows.numpy()].toarray())
            admissible = admissible.to(batch.features.device)
            terms = [
                instance_contrast(f, batch.rows, memories["slots"], admissible, temperature=self.params.temperature)
                for f in batch.features
            ]
            return {"tracklet": torch.stack(terms).mean()}

        def update(batch: Batch, memories: Memories) -> None:
            update_slots(memories["slots"], batch.rows, batch.features[0], keep=self.params.keep)

        versions = [Version(segment=0), Version(augment=TONES, segment=1)]
        return [Substep(self._sample, versions, loss, update)]

    def _sample(self, iterations: int, rng: np.random.Generator) -> Ints:
        """As many visible as infrared tracklets."""
        half = self.setting.num_identities * self.setting.num_instances
        parts = []
        for modality in Modality:
            rows = self.setting.rows(modality)
            parts.append(rows[tracklet_batches(self.setting.tracklets.view[rows], batch=half, iterations=iterations, rng=rng)])
        return np.concatenate(parts, axis=1)
