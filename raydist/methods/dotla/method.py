"""DOTLA: collaborative learning with neighbour-guided label refinement (Cheng et al., ACM MM 2023).

After the dual contrast, each modality gives its labels to the other, both at the same time and tracklet by
tracklet: by optimal transport, so that every cluster takes its share and none takes everything. The nearest
tracklets of the other modality then refine these labels, and predictions are drawn to what they say.

===========================================  ==============================================================
equation                                     function
===========================================  ==============================================================
plan diag(a) exp(-l D) diag(b), D = 2-2 cos  `raydist.association.transport.sinkhorn`
y = largest share of each row (DOTLA)        `raydist.association.optimal_labels.optimal_labels`
q = mean of the neighbours' onehot labels    `raydist.association.neighbour_labels.neighbour_distributions`
t = beta onehot(y) + (1-beta) q (NCLR)       `raydist.methods.dotla.contrast_across.refined_targets`
CE(M_i; V, t_v) + CE(M_v; I, t_i)            `raydist.methods.dotla.contrast_across.terms_across`
KL(q_v || p_v) + KL(q_i || p_i) (CNCR)       `raydist.losses.divergence.divergence_from_targets`
L = CE(M_v; V) + CE(M_i; I) + both lines     `raydist.methods.dotla.stages.TransportStage`
M_y <- norm(mu M_y + (1-mu) x)               `raydist.memories.rules.update_prototypes`
===========================================  ==============================================================

There is no public code, and the full text was not at hand. The abstract and the caption of its figure give
the paper's: labels assigned by optimal transport from each modality to the other at the same time (DOTLA);
cross-modality neighbours that refine them (NCLR); a regulariser that makes a prediction like those of the
cross-modality neighbours (CNCR). All equations above are our reading of that.

Deviations:

- Those of `raydist.methods.dcl.method`.
- The plan is that of the same group's later code (MULT, SALCR): squared distances of unit features and unit
  centroids, uniform sums, l = 25 as in MULT and OTLA (SALCR: 5), the end of its scaling. Outliers give and
  take nothing, as there. Rows are fitted last here, columns there; both are the same where the scaling ends.
- A tracklet looks at its 32 nearest clusters; ``transport.num_candidates=null`` is as published, all.
- ``transport.marginal=sizes``, where clusters take as many as they have, is ours.
- Chosen by us: k = 10 neighbours, beta = 0.5, the weight 1 of the cross terms and 0.1 of the regulariser;
  neighbours count by the labels of their clusters, in NCLR and in CNCR alike, where the paper's regulariser
  speaks of their predictions.
- Cross labels move the memories too, as in SALCR, before own labels do; there in a random order.
  ``transport.cross_updates=false`` leaves that out.
- What else no source says is MULT's in the recipes: 40 epochs of the dual contrast and 50 of this stage,
  batches of 12 x 12, rates and their steps, momentum 0.1, temperature 0.05; views are SALCR's.
- Views of a clip count by their mean; in the group's code each has a term of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.dual_contrast import DualContrastParams, DualContrastStage
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.dotla.stages import TransportParams, TransportStage
from raydist.methods.method import Method, Params, Stage


class DualOptimalTransportParams(Params):
    """Hyper-parameters of DOTLA."""

    name: str = "dotla"
    warm_up: WarmUpParams = WarmUpParams()
    dual: DualContrastParams = DualContrastParams()
    transport: TransportParams = TransportParams()


class DualOptimalTransport(Method):
    """DOTLA: warm-up, dual contrast, labels by optimal transport; see the module."""

    Params = DualOptimalTransportParams
    takes_any_length = True

    def stages(self) -> Sequence[Stage]:
        """Warm-up, dual contrast, labels by optimal transport."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            DualContrastStage(context, params.dual),
            TransportStage(context, params.transport),
        ]
