"""HiTPro: hierarchical temporal prototyping (arXiv 2604.21324): a prototype for every tracklet, no clusters.

The sub-tracklets of a tracklet make its prototype. Prototypes find positives in other cameras of their
modality first; then, averaged over these, in the other modality. Clips learn from prototypes at three levels,
one after the other: they are separated within a camera view, drawn together across cameras, and drawn
together across modalities.

===============================================================  =============================================
equation                                                         function
===============================================================  =============================================
a = softmax(w' tanh(W [f; f - mean]) + cos(f, mean))             `raydist.encoders.temporal.TemporalAttention`
p_i = norm(sum_k w_ik z_ik), w = softmax(z_ik . m_i / .1)        `prototyping.tracklet_prototypes`
rho_i, ignore graph G                                            `raydist.association.ignore_graph`
centred p_i = norm(p_i - mean of its view)                       `raydist.association.view_centring`
mutual nearest pairs of two views                                `raydist.association.mutual_mining`
t_ab <- .5 t_ab + .5 (mean + kappa std)                          `raydist.association.mutual_mining`
W1_ij = sigmoid((s - t) / .1) (1/2 + 1/2 overlap of N(i), N(j))  `raydist.association.mutual_mining`
g_i = norm(p_i + sum_j W1_ij p_j)                                `raydist.association.propagation.aggregate`
W2 <- max(W2, W2 W1 / 2, W1 W2 / 2)                              `raydist.association.propagation.propagate`
W <- max(W, W G / group size)                                    `raydist.association.propagation`
L_1, also of single frames                                       `raydist.losses.contrastive`
L_2, L_3                                                         `contrast.prototype_contrast`
alpha_2(e), alpha_3(e), kappa(e)                                 `stages.HierarchicalParams`
p_i <- norm(.8 p_i + .2 z_i)                                     `raydist.memories.instances.update_slots`
===============================================================  =============================================

Deviations:

- The paper's equations were not at hand; these were written to do what its abstract says.
- A tracklet warm-up comes first (there are no pretrained weights to start from); ``warm_up: null`` leaves
  it out.
- Every tracklet has the same number of sub-tracklets, however short it is.
- The two frames that are separated on their own are picked by the batch, not drawn.
- Overlap of N(i) and N(j) across the modalities counts the positives of both minings.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.hitpro.stages import HierarchicalParams, HierarchicalStage
from raydist.methods.method import Method, Params, Stage


class HiTProParams(Params):
    """Hyper-parameters of HiTPro.

    Attributes:
        warm_up: the tracklet warm-up; None begins with the hierarchical stage.
        ignore: whether likely pieces of one pass are left out of each other's negatives, in both stages.
    """

    name: str = "hitpro"
    warm_up: WarmUpParams | None = WarmUpParams()
    hierarchical: HierarchicalParams = HierarchicalParams()
    ignore: bool = True


class HiTPro(Method):
    """HiTPro: the tracklet warm-up without its clusters, then the hierarchical contrast; see the module."""

    Params = HiTProParams
    takes_memory_rule = False
    needs_clusters = False
    unmeasured = ("stability",)  # no clusters, so none to compare with those of the epoch before

    @staticmethod
    def num_tables(num_parts: int) -> int:
        """The parts, two means of them, and prototypes as they are and view-centred."""
        return num_parts + 4

    def stages(self) -> Sequence[Stage]:
        """Warm-up, if any, and the hierarchical stage."""
        warm_up, context, ignore = self.params.warm_up, self.context, self.params.ignore
        first = [] if warm_up is None else [WarmUp(context, warm_up, clusters=False, ignore=ignore)]
        return [*first, HierarchicalStage(context, self.params.hierarchical, ignore)]
