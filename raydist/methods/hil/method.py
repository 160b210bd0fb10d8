"""HIL: hierarchical identity learning (Shi et al., arXiv 2509.11587).

A cluster stands for a person, and centres inside a cluster for poses, views or modalities of the person.
After a baseline on each modality's own clusters, the labels of one modality are handed to the other by
reverse selection, in the other direction every epoch; clips of both learn from shared prototypes, from near
slots of tracklets, and from all centres of the cluster that they are nearest to. Encoders of two branches
(deep and shallow, SDCL) get every term in each; centres count only where both predict one cluster.

===================================================  =======================================================
equation                                             function
===================================================  =======================================================
f = [f_deep ; f_shallow]                             `raydist.methods.hil.branches.branches`
L_nce(V) + L_nce(I), one memory each, or shared      `raydist.methods.hil.stages.BaselineStage.cluster_term`
M <- norm(mu M + (1 - mu) x)                         `raydist.memories.centroids.update_centroids`
m_k, k*, BRST                                        `raydist.association.reverse_selection`
b_c, s_j <- .9 b_c + .1 s_j                          `raydist.memories.sub_centroids`
d(x, c, j), c*, MCCL                                 `raydist.losses.multi_centre`
neighbours: both similarities > .9 max               `raydist.losses.neighbour_contrast.near_slots`
-sum log softmax / (|N| + 1), within and across      `raydist.losses.neighbour_contrast.neighbour_contrast`
T_i <- norm(.9 T_i + .1 x)                           `raydist.memories.instances.update_slots`
L = L_nce + .1 (L_n,within + L_n,across)             `raydist.methods.hil.stages.HierarchyStage.terms`
+ lambda (MCCL_within + MCCL_across)
===================================================  =======================================================

The rows of an ablation are settings: `hierarchy.transmission` one-way, `hierarchy.sub_centres` 0,
`neighbour_weight` 0, and `hierarchy.centre_weight_first` and `hierarchy.centre_weight` 0.

Deviations:

- Written from the public code; the paper's text was not at hand, and its numbers are not known.
- Tracklets in the place of images; a tracklet warm-up comes first, ``warm_up.share=0`` leaves it out for
  pretrained encoders.
- Labels go both ways in turn, as the name of the step says; the published code has both ways and runs one
  of them alone, which is `hierarchy.transmission` one-way.
- Across the modalities, centres are those of the other modality's tracklets; the published code takes the
  shared centres both times, which makes the second pair of terms equal to the first.
- A cluster is divided if it has more different tracklets than sub-centres, whatever k-means makes of them.
- Distances to centres end at 0.001, where the published quotients end in infinity; the 1e-8 in its
  denominators and under its logarithms are left out.
- Without a clip on which the branches agree, a term of centres is 0, not NaN.
- One branch (ResNets and the small encoder) leaves out all that is shallow; then all clips count for the
  centres.
- After the step, prototypes move by the mean of a cluster's clips, of both modalities where it is shared,
  and slots by that of a tracklet's clips; the published code moves them sample by sample, the prototypes
  within the backward pass.
- Colours are jittered first, as published, but on frames that are resized already; frames are clustered by
  the filter that they are trained on (the published code trains on bilinear and clusters bicubic pictures).
- Both modalities have two clip views, each with frames of its own; the published code has one of infrared
  images, and two augmentations of one visible image.
- The baseline is that of SDCL without its shared labels.
- Stages pass on their last weights; the published code begins the second stage, and goes on at two thirds
  of it, with the weights that were best on the test set.
- Optimizer, rate and schedule are the run's; the published ones are ``train.optimizer=sgd train.lr=3.5e-5
  train.schedule=constant`` and factors of 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.hil.stages import BaselineParams, BaselineStage, HierarchyParams, HierarchyStage
from raydist.methods.method import Method, Params, Stage


class HierarchicalIdentityParams(Params):
    """Hyper-parameters of HIL."""

    name: str = "hil"
    warm_up: WarmUpParams = WarmUpParams()
    baseline: BaselineParams = BaselineParams()
    hierarchy: HierarchyParams = HierarchyParams()


class HierarchicalIdentityLearning(Method):
    """HIL: warm-up, the baseline, the hierarchy; see the module."""

    Params = HierarchicalIdentityParams

    def stages(self) -> Sequence[Stage]:
        """Warm-up, baseline, hierarchy."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            BaselineStage(context, params.baseline),
            HierarchyStage(context, params.hierarchy),
        ]
