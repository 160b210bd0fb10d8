"""CIW: causal intervention warm-up, the first part of CBA (Causal Bootstrapped Alignment, arXiv 2604.15631).

A tracklet keeps its identity when other frames of it are seen (an intervention on motion) and when it is
rendered as if recorded in another spectrum (an intervention on modality). A view of a clip is named by its
two interventions, m on modality and d on motion (the dynamics), 0 for none: (0,0) is the original. Up to four
views, (0,0), (0,d), (m,0) and (m,d), must find the tracklet's slot among the slots of the same camera view,
so that neither motion nor modality can be used to tell tracklets apart. No cluster is needed; the later
stages of CBA add the same terms to their own.

=====================================================  ================================================
equation                                               function
=====================================================  ================================================
do(d), do(m)                                           `intervention_views`
slots T_i, T_i <- norm(0.8 T_i + 0.2 z_i)              `raydist.methods.cba.slots.TrackletSlots`
p_a of view a, over the slots of its camera view       `raydist.methods.cba.slots.TrackletSlots.logits`
L_do = -log mean_a p_a(i)                              `raydist.losses.consistency.adjusted_loss`
L_var = Var_a[-log p_a(i)]                             `raydist.losses.consistency.invariance_loss`
L_tid = KL(p_00 || p_0d)                               `raydist.losses.consistency.consistency_loss`
L_cid = mean of KL(p_00 || p_m0) and KL(p_00 || p_md)  `raydist.losses.consistency.consistency_loss`
L_CIW = L_do + .1 L_var + .5 L_tid + .5 L_cid          `intervention_terms`
ignore graph                                           `raydist.methods.common.warm_up.likely_pieces`
=====================================================  ================================================

Deviations: the paper's equations were not at hand; these were written to do what its abstract says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from pydantic import Field
from torch import Tensor

from raydist.data.transforms.augment import INTERVENED_INFRARED, INTERVENED_VISIBLE
from raydist.data.transforms.clips import ClipTiming
from raydist.losses.columns import WHOLE, Columns
from raydist.losses.consistency import adjusted_loss, consistency_loss, invariance_loss, surprisal
from raydist.methods.common.warm_up import WarmUpParams
from raydist.methods.steps import ClipView
from raydist.types import Modality

DO_MOTION = ClipTiming(stride=0.5, hold=0.4, freeze=0.1)
"""The frame timing of (0,d); the order stays, which an encoder that averages over time cannot see."""

DO_MODALITY = {Modality.VISIBLE: INTERVENED_VISIBLE, Modality.INFRARED: INTERVENED_INFRARED}
"""The rendering of (m,0)."""


class Intervention(Enum):
    """What a view of a clip intervenes on; the original on nothing."""

    ORIGINAL = "(0,0)"
    MOTION = "(0,d)"
    MODALITY = "(m,0)"
    BOTH = "(m,d)"


class InterventionParams(WarmUpParams):
    """Hyper-parameters of the interventions and their loss.

    Attributes:
        adjusted: whether one cross-entropy is taken of the mean prediction of all views (L_do); otherwise the
            mean of the views' cross-entropies is.
        lambda_var: weight of L_var, the variance of the cross-entropy over the views; 0 leaves it out.
        lambda_time: weight of L_tid, how far the view with the intervention on motion differs from the
            original; 0 leaves it out.
        lambda_modality: weight of L_cid, how far the views with the intervention on modality differ from the
            original; 0 leaves it out.
        motion: whether there are views with an intervention on motion.
        modality: whether there are views with an intervention on modality.
        both: whether there is a view with both interventions; without it, a quarter of the frames is saved.
        style: probability that a view with an intervention on modality takes the feature statistics of a clip
            of the other modality.
    """

    share: float = Field(10.0, ge=0)
    adjusted: bool = True
    lambda_var: float = Field(0.1, ge=0)
    lambda_time: float = Field(0.5, ge=0)
    lambda_modality: float = Field(0.5, ge=0)
    motion: bool = True
    modality: bool = True
    both: bool = True
    style: float = Field(0.0, ge=0, le=1)


def interventions(params: InterventionParams) -> list[Intervention]:
    """The interventions of the warm-up's clip views, the original first; two originals if there is none.

    >>> [kind.value for kind in interventions(InterventionParams(both=False))]
    ['(0,0)', '(0,d)', '(m,0)']
    """
    kinds = [Intervention.ORIGINAL]
    kinds += [Intervention.MOTION] * params.motion
    kinds += [Intervention.MODALITY] * params.modality
    kinds += [Intervention.BOTH] * (params.motion and params.modality and params.both)
    return kinds if len(kinds) > 1 else 2 * kinds


def intervention_views(kinds: Sequence[Intervention], params: InterventionParams) -> list[ClipView]:
    """The views of a clip, one for each kind, for an `OptimizerStep` with no other views before them.

    (m,0) shows the same frames as the original, and (m,d) those of (0,d); where there is no (0,d), (m,d)
    draws its own. Frames of an intervention on motion come from another half of the tracklet than the
    original's; where there is none, the original is taken from the whole tracklet.

    Args:
        kinds: any selection of interventions, the original first.
        params: for the strength of the interventions.
    """
    moves = not {Intervention.MOTION, Intervention.BOTH}.isdisjoint(kinds)
    motion = ClipView(sub_tracklet=1, timing=DO_MOTION)
    if Intervention.MOTION in kinds:
        both = ClipView(DO_MODALITY, frames_of=kinds.index(Intervention.MOTION), style=params.style)
    else:
        both = replace(motion, augment=DO_MODALITY, style=params.style)
    rendering = {
        Intervention.ORIGINAL: ClipView(sub_tracklet=0 if moves else None),
        Intervention.MOTION: motion,
        Intervention.MODALITY: ClipView(DO_MODALITY, frames_of=0, style=params.style),
        Intervention.BOTH: both,
    }
    return [rendering[kind] for kind in kinds]


def intervention_terms(
    logits: Tensor,
    kinds: Sequence[Intervention],
    params: InterventionParams,
    columns: Columns = WHOLE,
) -> dict[str, Tensor]:
    """The terms of L_CIW that have a weight and a view, weighted as `params` says; their sum is L_CIW.

    Args:
        logits: [A, B, 1 + n] of A clip views, see `raydist.methods.cba.slots.TrackletSlots.logits`.
        kinds: of the A clip views, the original first.
        params: weights.
        columns: of the logits, where others are with other processes.

    Returns:
        ``tracklet`` (L_do), ``invariance`` (L_var), ``time`` (L_tid) and ``modality`` (L_cid); of originals
        alone just ``tracklet``, the mean of their cross-entropies.
    """
    if set(kinds) == {Intervention.ORIGINAL}:
        return {"tracklet": surprisal(logits, columns).mean()}
    terms = {
        "tracklet": adjusted_loss(logits, columns) if params.adjusted else surprisal(logits, columns).mean()
    }
    if params.lambda_var > 0:
        terms["invariance"] = params.lambda_var * invariance_loss(logits, columns)
    for name, weight, changed in (
        ("time", params.lambda_time, {Intervention.MOTION}),
        ("modality", params.lambda_modality, {Intervention.MODALITY, Intervention.BOTH}),
    ):
        views = [kind in changed for kind in kinds]
        if weight > 0 and any(views):
            terms[name] = weight * consistency_loss(logits[0], logits[views], columns)
    return terms
