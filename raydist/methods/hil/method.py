"""HIL: hierarchical identity learning (Shi et al., arXiv 2509.11587).

A cluster stands for a person, and centres inside a cluster for poses, views or modalities of the person.
The baseline is SDCL (Yang et al., CVPR 2024): each modality learns from its own clusters and from near slots
of tracklets, late on RegDB from labels that both share by the ranking of both branches. Then the labels of
one modality are handed to the other by reverse selection; clips of both learn from shared prototypes, from
near slots, and from all centres of the cluster that they are nearest to. Encoders of two branches (deep and
shallow, SDCL) get every term in each; centres count only where both predict one cluster.

===================================================  =======================================================
equation                                             function
===================================================  =======================================================
f = [f_deep ; f_shallow]                             `raydist.methods.common.branches.branches`
L_nce(V) + L_nce(I), one memory each, or shared      `raydist.methods.common.branch_contrast`
M <- norm(mu M + (1 - mu) x), visible before         `raydist.memories.rules.update_prototypes`
infrared clips
k nearest others, labels both branches agree on,     `raydist.association.ranking`
5 voters
m_k, k*, BRST                                        `raydist.association.reverse_selection`
b_c, s_j <- .9 b_c + .1 s_j                          `raydist.memories.sub_centroids`
d(x, c, j), c*, MCCL                                 `raydist.losses.multi_centre`
neighbours: both similarities > .9 max               `raydist.losses.neighbour_contrast.near_slots`
-sum log softmax / (|N| + 1), within and across      `raydist.losses.neighbour_contrast.neighbour_contrast`
T_i <- norm(.9 T_i + .1 x), x of any length          `raydist.memories.instances.update_slots`
L = L_nce + 1 L_n,within + .5 L_n,across, later      `raydist.methods.hil.baseline.BaselineStage`
.1 and .1
L = L_nce + .1 (L_n,within + L_n,across)             `raydist.methods.hil.hierarchy.HierarchyStage.terms`
+ lambda (MCCL_within + MCCL_across)
===================================================  =======================================================

The rows of an ablation are settings: `hierarchy.transmission` one-way, `hierarchy.sub_centres` 0,
`neighbour_weight` 0, and `hierarchy.centre_weight_first` and `hierarchy.centre_weight` 0.

The recipes of the data sets say what the published code does where that is not the default: ``memory.rule``
in-turn, `slot_input` raw, the weights of neighbours and the epochs they begin in, `hierarchy.transmission`
one-way (the code has both ways and runs one of them alone), and `hierarchy.across_centres` shared (the second
pair of terms of centres is the first once more).

Deviations:

- Written from the public code; the paper's text was not at hand, and its numbers are not known.
- Those of `raydist.methods.sdcl.method`; centres are means of unit features too.
- A cluster is divided if it has more different tracklets than sub-centres, whatever k-means makes of them;
  the published code counts images and takes the cluster's centre for sub-centres that k-means does not find.
  Both start k-means ten times, here from the run's seed, there from seed 0.
- Distances to centres end at 0.001, where the published quotients end in infinity; the 1e-8 in their
  denominators and under their logarithms are left out.
- Without a clip on which the branches agree, a term of centres is 0, not NaN. With one branch all clips count
  for the centres.
- Stages pass on their last weights; the published code begins the shared labels of the baseline and the
  second stage, and goes on at two thirds of that, with the weights that were best on the test set. The shared
  labels of the baseline begin within its stage, with the optimizer as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.hil.baseline import BaselineParams, BaselineStage
from raydist.methods.hil.hierarchy import HierarchyParams, HierarchyStage
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

    @staticmethod
    def num_tables(num_parts: int) -> int:
        """The parts, their means, and the branches of these one by one and joined."""
        return num_parts + 3

    def stages(self) -> Sequence[Stage]:
        """Warm-up, baseline, hierarchy."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            BaselineStage(context, params.baseline),
            HierarchyStage(context, params.hierarchy),
        ]
