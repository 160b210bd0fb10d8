"""CBA: causal bootstrapped alignment for unsupervised video visible-infrared re-identification.

Li et al., arXiv 2604.15631. A warm-up by interventions on motion and modality (CIW), a short contrast within
each modality, then prototype-guided uncertainty refinement (PGUR): infrared clusters, fewer and coarser than
the visible ones, are split along reliable visible prototypes, and each modality learns from the other as far
as it is certain.

V and I stand for visible and infrared; i counts tracklets, k visible clusters, c infrared clusters before
they are split and j those afterwards. L_V and L_I are the dual contrast (`raydist.methods.dcl.method`), in
which each modality is compared with its own clusters.

===================================================  =====================================================
equation                                             function
===================================================  =====================================================
CIW                                                  `raydist.methods.cba.intervention`
view-centred copies norm(f - mean of its view)       `raydist.association.view_centring.centred`
agr_i, mar_i                                         `raydist.methods.cba.guides.agreement`, `margin`
reliability R_k = mean agr_i sigmoid(mean mar_i/.1)  `raydist.methods.cba.guides.prototype_reliability`
guides, the best rho of them                         `raydist.methods.cba.guides.select_guides`
balanced assignment P, columns by visible sizes      `raydist.association.transport.sinkhorn`
size s of a person, capacity q_c of cluster c        `raydist.methods.cba.splitting.person_size`,
                                                     `capacities`
Q(c), the top q_c of the mass a_c                    `raydist.methods.cba.splitting.largest`
P restricted to Q(c); q <- A q / 2 + q0 / 2          `raydist.methods.cba.splitting.restrict`, `smooth`
clusters j, the parts of the clusters c              `raydist.methods.cba.splitting.reorganise`
Pi_j, host(j), confidence gamma_j                    `raydist.methods.cba.links.link`
counterpart nu*_k = norm(sum gamma_j nu_j)           `raydist.methods.cba.links.counterparts`
uncertainty_i, its rank u_i                          `raydist.methods.cba.uncertainty.uncertainty`,
                                                     `relative_rank`
weight w_i = exp(-kappa u_i)                         `raydist.methods.cba.alignment.guided`
target t_i                                           `raydist.methods.cba.uncertainty.graded_targets`
L_V + L_I + lambda_ciw L_CIW                         `raydist.methods.cba.stages.IntraStage.terms`
L_IV = sum w_i CE(t_i, p_i) / sum w_i                `raydist.methods.cba.contrast_across.guided_contrast`
L_VI = mean CE(nu*; clips of its cluster)            `raydist.methods.cba.contrast_across.terms_across`
L_V + L_I + lambda_x (L_IV + L_VI)                   `raydist.methods.cba.stages.RefinementStage.terms`
+ lambda_ciw L_CIW
===================================================  =====================================================

The rows of an ablation are settings of one recipe: `refinement.mode` hungarian with `warm_up.motion` and
`warm_up.modality` off (the image pipeline), one of them on, both on; then coarse, fine, and full.

Deviations:

- The paper's equations were not at hand; everything above was designed to do what its abstract says, and
  the authors' form, weights and schedule may differ.
- The stages have a fixed share of the epochs; the second does not wait until the counts of clusters are
  steady.
- A cluster is taken for one person up to eta times the expected size, and may hold ceil(eta |c| / s) guides
  above it.
- A tracklet, or a part of one, looks at its 16 nearest guides, not at all: so the assignment and the
  posteriors are sparse, and what is far away counts for nothing.
- Infrared neighbours count in the smoothing only where they are within the clustering's eps.
- Outliers have no cluster of their own: their target mixes a hard label with their own posterior only.
- Targets under a thousandth of the largest of their row are dropped.
- Cluster terms are means over all views of a clip, not of the original alone: an encoder that starts from
  nothing has no invariance yet that a term on originals could rely on.
- The one-to-one matching compares centroids as they are, as image methods do, and not view-centred ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.cba.intervention import InterventionParams
from raydist.methods.cba.stages import (
    InterventionWarmUp,
    IntraParams,
    IntraStage,
    RefinementParams,
    RefinementStage,
)
from raydist.methods.method import Method, Params, Stage


class CausalBootstrappedAlignmentParams(Params):
    """Hyper-parameters of CBA."""

    name: str = "cba"
    warm_up: InterventionParams = InterventionParams()
    intra: IntraParams = IntraParams()
    refinement: RefinementParams = RefinementParams()


class CausalBootstrappedAlignment(Method):
    """CBA: intervention warm-up, contrast within each modality, guided refinement; see the module."""

    Params = CausalBootstrappedAlignmentParams
    takes_memory_rule = False

    @staticmethod
    def num_tables(num_parts: int) -> int:
        """The parts and their means as they are and view-centred, and another mean."""
        return 2 * num_parts + 3

    def stages(self) -> Sequence[Stage]:
        """Warm-up, intra, refinement."""
        params, context = self.params, self.context
        return [
            InterventionWarmUp(context, params.warm_up),
            IntraStage(context, params.intra, params.warm_up),
            RefinementStage(context, params.refinement, params.warm_up),
        ]
