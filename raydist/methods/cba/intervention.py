"""CIW: causal intervention warm-up, the first part of CBA (Causal Bootstrapped Alignment, arXiv 2604.15631).

A tracklet keeps its identity when other frames of it are seen (an intervention on motion) and when its spectrum is rendered
anew (an intervention on modality). Up to four versions of a clip, the original (0,0), (0,d), (m,0) and (m,d), look for
the tracklet's slot among the slots of the same camera and modality, so that neither can be used to tell tracklets apart.
No cluster is needed; the later stages of CBA add the same terms to their own (`intervention_terms`).

=========================================================  ==================================================
equation                                                   function
=========================================================  ==================================================
do(d), do(m)                                               `versions`
slots T_i, T_i <- norm(0.8 T_i + 0.2 z_i)                  `TrackletSlots.fill`, `TrackletSlots.move`
p_a over the slots of the own view that are not ignored    `TrackletSlots.logits`
L_do = -log mean_a p_a(i)                                  `raydist.losses.consistency.adjusted_loss`
L_var = Var_a[-log p_a(i)]                                 `raydist.losses.consistency.invariance_loss`
L_tid = KL(p_00 || p_0d)                                   `raydist.losses.consistency.consistency_loss`
L_cid = mean of KL(p_00 || p_m0) and KL(p_00 || p_md)      `raydist.losses.consistency.consistency_loss`
L_CIW = L_do + .1 L_var + .5 L_tid + .5 L_cid              `intervention_terms`
ignore graph                                               `raydist.methods.common.warm_up.likely_pieces`
=========================================================  ==================================================

Deviations: the paper's equations were not at hand; these were written to do what its abstract says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array
from torch import Tensor

from raydist.data.training_set import NO_GROUP, TrainingSet
from raydist.data.transforms.augment import INTERVENED_INFRARED, INTERVENED_VISIBLE
from raydist.data.transforms.clips import ClipTiming
from raydist.losses.consistency import adjusted_loss, consistency_loss, invariance_loss, surprisal
from raydist.losses.contrastive import instance_logits
from raydist.memories.centroids import centroids
from raydist.memories.instances import update_slots
from raydist.methods.common.clusters import cluster_modalities, tracklet_means
from raydist.methods.common.warm_up import WarmUpParams, likely_pieces, tracklets_of_both
from raydist.methods.method import (
    Batch,
    ClipView,
    Memories,
    MethodContext,
    Modules,
    OptimizerStep,
    Refresher,
    Stage,
    Targets,
)
from raydist.types import Floats, Ints, Modality

DO_MOTION = ClipTiming(stride=0.5, hold=0.4, freeze=0.1)
"""The rhythm of (0,d); the order stays, as an encoder that averages over time cannot tell another one."""

DO_MODALITY = {Modality.VISIBLE: INTERVENED_VISIBLE, Modality.INFRARED: INTERVENED_INFRARED}
"""The rendering of (m,0)."""


class Intervention(Enum):
    """What a version of a clip intervenes on; the original on nothing."""

    ORIGINAL = "(0,0)"
    MOTION = "(0,d)"
    MODALITY = "(m,0)"
    BOTH = "(m,d)"


class InterventionParams(WarmUpParams):
    """Hyper-parameters of the interventions and their loss.

    Attributes:
        adjusted: the loss of the adjusted prediction; otherwise the mean of the versions' cross-entropies.
        lambda_var: weight of the variance over the versions.
        lambda_time: weight of the consistency under (0,d).
        lambda_modality: weight of the consistency under (m,0) and (m,d).
        motion: whether to intervene on motion.
        modality: whether to intervene on modality.
        both: whether there is a version with both interventions; without it, a quarter of the frames is saved.
        style: probability that a version with an intervention on modality takes the feature statistics of the other one.
    """

    share: float = Field(10.0, gt=0)
    adjusted: bool = True
    lambda_var: float = Field(0.1, ge=0)
    lambda_time: float = Field(0.5, ge=0)
    lambda_modality: float = Field(0.5, ge=0)
    motion: bool = True
    modality: bool = True
    both: bool = True
    style: float = Field(0.0, ge=0, le=1)


def interventions(params: InterventionParams) -> list[Intervention]:
    """The versions that the warm-up wants, the original first; two originals where nothing is intervened on.

    >>> [kind.value for kind in interventions(InterventionParams(both=False))]
    ['(0,0)', '(0,d)', '(m,0)']
    """
    kinds = [Intervention.ORIGINAL]
    kinds += [Intervention.MOTION] * params.motion
    kinds += [Intervention.MODALITY] * params.modality
    kinds += [Intervention.BOTH] * (params.motion and params.modality and params.both)
    return kinds if len(kinds) > 1 else 2 * kinds


def clip_views(kinds: Sequence[Intervention], params: InterventionParams) -> list[ClipView]:
    """The renderings of a clip, one for each kind, for a `OptimizerStep` with no other versions before them.

    (m,0) shows the very frames of the original and (m,d) those of (0,d); where there is no (0,d), (m,d) draws its own.
    Frames of an intervention on motion come from another half of the tracklet than the original's; where there is
    none, the original is taken from the whole tracklet.

    Args:
        kinds: any selection of interventions, the original first.
        params: for the strength of the interventions.
    """
    apart = not {Intervention.MOTION, Intervention.BOTH}.isdisjoint(kinds)
    motion = ClipView(segment=1, timing=DO_MOTION)
    if Intervention.MOTION in kinds:
        both = ClipView(DO_MODALITY, frames_of=kinds.index(Intervention.MOTION), style=params.style)
    else:
        both = replace(motion, augment=DO_MODALITY, style=params.style)
    rendering = {
        Intervention.ORIGINAL: ClipView(segment=0 if apart else None),
        Intervention.MOTION: motion,
        Intervention.MODALITY: ClipView(DO_MODALITY, frames_of=0, style=params.style),
        Intervention.BOTH: both,
    }
    return [rendering[kind] for kind in kinds]


@dataclass(frozen=True)
class TrackletSlots:
    """Which slot of the memory a tracklet owns, and in which views a slot has an owner.

    One slot a tracklet; where simultaneous pairs are given, the members of a pair share one, which both their views see.

    Attributes:
        of: int64 [N], the slot of each tracklet, 0..S-1.
        view: int64 [N], the view of each tracklet.
        seen: bool [U, S], whether a slot has an owner in a view.
    """

    of: Ints
    view: Ints
    seen: NDArray[np.bool_]

    @classmethod
    def build(cls, tracklets: TrainingSet) -> TrackletSlots:
        """The slots of a training set."""
        alone, pair = np.arange(len(tracklets)), tracklets.pair
        owner = alone if pair is None else np.where(pair == NO_GROUP, alone + len(alone), pair)
        of = np.unique(owner, return_inverse=True)[1].astype(np.int64)
        seen = np.zeros((tracklets.view.max() + 1, of.max() + 1), bool)
        seen[tracklets.view, of] = True
        return cls(of, tracklets.view, seen)

    def fill(self, means: Floats) -> Floats:
        """The memory [S, D] from the tracklets' unit features [N, D]."""
        return centroids(torch.from_numpy(means), torch.from_numpy(self.of), self.seen.shape[1]).numpy()

    def move(self, memory: Tensor, batch: Batch, *, momentum: float) -> None:
        """Move the slots of a batch towards its first version, the original; changes the memory in place."""
        update_slots(memory, self._own(batch), batch.features[0], momentum=momentum)

    def logits(self, batch: Batch, memory: Tensor, ignored: csr_array, *, temperature: float) -> Tensor:
        """Logits of all versions of a batch against the own slot and those it has to be told apart from.

        Args:
            batch: A versions of B clips.
            memory: [S, D] unit rows.
            ignored: bool [N, N], pairs of tracklets of one view that are no negatives of each other.
            temperature: > 0.

        Returns:
            [A, B, 1 + n], the own slot first, then every slot that is a negative of some clip of the batch; minus infinity
            where it is none of this one: its owners are of other views, or ignored.
        """
        candidates, admissible = self._negatives(batch.rows.cpu().numpy(), ignored)
        num_versions, device = len(batch.features), memory.device
        flat = instance_logits(
            batch.features.flatten(0, 1), self._own(batch).repeat(num_versions), memory,
            torch.from_numpy(admissible).to(device).repeat(num_versions, 1),
            temperature=temperature, candidates=torch.from_numpy(candidates).to(device),
        )  # fmt: skip
        return flat.unflatten(0, (num_versions, -1))

    def _own(self, batch: Batch) -> Tensor:
        return torch.from_numpy(self.of)[batch.rows.cpu()].to(batch.rows.device)

    def _negatives(self, rows: Ints, ignored: csr_array) -> tuple[Ints, NDArray[np.bool_]]:
        """Slots [n] that are a negative of some row, and of which rows, [B, n]."""
        admissible = self.seen[self.view[rows]]
        row, other = ignored[rows].nonzero()
        admissible[row, self.of[other]] = False
        candidates = np.flatnonzero(admissible.any(axis=0))
        return candidates, admissible[:, candidates]


def with_slots(
    targets: Targets, features: Floats, slots: TrackletSlots, params: InterventionParams, *, ignore: bool
) -> Targets:
    """Add to a stage's targets what `intervention_terms` needs: the memory ``slots`` and the array ``ignored``.

    Args:
        targets: of the stage.
        features: float32 [N, K, D], unit features of the sub-tracklets.
        slots: who owns which slot.
        params: for the ignore graph.
        ignore: whether likely pieces of one pass are taken out of each other's negatives; not before features mean something.
    """
    ignored = likely_pieces(features, slots.view, params, wanted=ignore)
    return replace(
        targets,
        arrays={**targets.arrays, "ignored": ignored},
        memories={**targets.memories, "slots": slots.fill(tracklet_means(features))},
        metrics={**targets.metrics, "ignored_pairs": ignored.nnz / 2},
    )


def intervention_terms(
    batch: Batch,
    memory: Tensor,
    kinds: Sequence[Intervention],
    *,
    slots: TrackletSlots,
    ignored: csr_array,
    params: InterventionParams,
) -> dict[str, Tensor]:
    """The terms of L_CIW, weighted as `params` says; their sum is L_CIW.

    Args:
        batch: A versions of B clips.
        memory: [S, D] unit rows, ``memories["slots"]``.
        kinds: of the A versions, the original first.
        slots: who owns which slot.
        ignored: bool [N, N], ``targets.arrays["ignored"]``.
        params: weights and temperature.

    Returns:
        ``tracklet`` (L_do), ``invariance`` (L_var), ``time`` (L_tid) and ``modality`` (L_cid), the last two zero where
        there is no such version; of originals alone just ``tracklet``, the mean of their cross-entropies.
    """
    logits = slots.logits(batch, memory, ignored, temperature=params.temperature)
    if set(kinds) == {Intervention.ORIGINAL}:
        return {"tracklet": surprisal(logits).mean()}

    def consistency(*changed: Intervention) -> Tensor:
        return consistency_loss(logits[0], logits[[kind in changed for kind in kinds]])

    return {
        "tracklet": adjusted_loss(logits) if params.adjusted else surprisal(logits).mean(),
        "invariance": params.lambda_var * invariance_loss(logits),
        "time": params.lambda_time * consistency(Intervention.MOTION),
        "modality": params.lambda_modality * consistency(Intervention.MODALITY, Intervention.BOTH),
    }


@dataclass
class InterventionWarmUp(Stage):
    """The first stage of CBA; see the module.

    Attributes:
        context: the tracklets and the batch.
        params: hyper-parameters.
        slots: who owns which slot of the memory.
    """

    name: ClassVar[str] = "intervention"
    context: MethodContext
    params: InterventionParams
    slots: TrackletSlots = field(init=False)

    def __post_init__(self) -> None:
        self.share = self.params.share
        self.slots = TrackletSlots.build(self.context.tracklets)

    def refresh(
        self,
        features: Floats,
        previous: Targets | None,
        refresher: Refresher,
        epoch: int,
        rng: np.random.Generator,
    ) -> Targets:
        """Slots at the tracklets' means, and the ignore graph; clusters are made for the log alone."""
        labels = cluster_modalities(refresher, tracklet_means(features), self.context, relax=False).joint
        return with_slots(
            Targets(labels), features, self.slots, self.params, ignore=epoch >= self.params.ignore_from
        )

    def optimizer_steps(self, targets: Targets, epoch: int) -> Sequence[OptimizerStep]:
        """One step a batch of tracklets, up to four versions each."""
        params, slots, ignored = self.params, self.slots, targets.arrays["ignored"]
        kinds = interventions(params)
        assert isinstance(ignored, csr_array)

        def loss(batch: Batch, memories: Memories, modules: Modules) -> dict[str, Tensor]:
            return intervention_terms(
                batch, memories["slots"], kinds, slots=slots, ignored=ignored, params=params
            )

        def update(batch: Batch, memories: Memories) -> None:
            slots.move(memories["slots"], batch, momentum=params.momentum)

        def sample(iterations: int, rng: np.random.Generator) -> Ints:
            return tracklets_of_both(self.context, iterations, rng)

        return [OptimizerStep(sample, clip_views(kinds, params), loss, update)]
