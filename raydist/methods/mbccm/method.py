"""MBCCM: many-to-many bilateral cluster matching (Cheng et al., ACM MM 2023, arXiv 2305.12673).

After a contrast within each modality, its clusters are linked with those of the other one, many to many: each
with all that are at least as close as the one it is assigned to. Clips of linked clusters come in pairs, and
each is drawn to the clusters of both, in memories that both modalities share; what these memories predict and
what those of a single modality predict is kept together.

=================================================  =========================================================
equation                                           function
=================================================  =========================================================
assignments D and floor(C_b / C_s) + 1 times D     `raydist.association.bilateral.optimal_partners`
mask of D_ij <= that of the partner, either way    `raydist.association.bilateral.closer_than_partners`
pairs, half from each side                         `raydist.methods.mbccm.pairs.linked_batches`
L_MS = CE(M_v; V) + CE(M_v; A) + CE(M_i; I)        `raydist.methods.mbccm.stages.specific_terms`
L_MA = sum of CE(M^a_v; y_v) + CE(M^a_i; y_i)      `raydist.methods.mbccm.stages.shared_terms`
L_CC, (KL(p || q) + KL(q || p)) / 2                `raydist.losses.divergence.symmetric_divergence`
L = L_MS + 0.9 L_MA + 0.5 L_CC                     `raydist.methods.mbccm.stages.CrossStage`
M_v, M_i moved by their own views, the last first  `raydist.methods.mbccm.stages.update_specific`
M^a_v, M^a_i moved by I, A, V                      `raydist.methods.mbccm.stages.update_agnostic`
=================================================  =========================================================

V and A are the two views of the visible clips, I is that of the infrared ones, y_v and y_i are the clusters
of a pair. The published run is one of 80 epochs, of which the first 40 have L_MS alone; its learning rate
falls at the epochs 20, 50 and 70. The recipes have two stages of 40 epochs, the second from a tenth of the
rate, with falls at its epochs 10 and 30.

Deviations:

- Tracklets in the place of images, and a tracklet warm-up first, for encoders that start from nothing;
  ``warm_up.share=0`` leaves it out.
- The second stage begins with a new optimizer; there, Adam's moments go on.
- Memories move after the optimizer step, not in the backward pass, and by default by the batch mean of a
  cluster; ``memory.rule=in-turn`` moves them sample by sample, in the published order. Every loss reads them
  as they were before the step; there, the gradient of a call is that of rows which the calls after it have
  moved.
- The first visible view is the plain one. The published code also scales random boxes of it, before it is
  normalised, by random factors for each channel (``LinearTransform``, probability 0.8); that is left out.
- Batches hold distinct clusters and use up a shuffled list of all before the next one; there, each batch is
  drawn anew. K images of a cluster are drawn without repetition where it has as many; there, where it has
  more. Of an odd P, one pair more is drawn from the visible clusters.
- More than four million pairs of clusters are assigned by an auction, whose total distance is at most 2e-4 a
  pair above the lowest (`raydist.association.assignment`).
- By default features get unit length again after averaging; the published code averages nothing.
- Batch statistics are those of the whole batch on a worker; the published runs take those of a part of it on
  each of several GPUs.
- Where a modality has fewer than two clusters, eps is changed by 0.1, up to four times.
- ``views=tones`` is ours: a second view of both modalities in other tones; then infrared clips count twice
  too.
- Diagnosed is the cluster that each infrared one is assigned to, not all those that it is linked with.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.batches import require_equal
from raydist.methods.common.dual_contrast import DualContrastParams
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.mbccm.stages import CrossParams, CrossStage, IntraStage
from raydist.methods.method import Method, Params, Stage


class BilateralClusterMatchingParams(Params):
    """Hyper-parameters of MBCCM."""

    name: str = "mbccm"
    warm_up: WarmUpParams = WarmUpParams()
    intra: DualContrastParams = DualContrastParams()
    cross: CrossParams = CrossParams()


class BilateralClusterMatching(Method):
    """MBCCM: warm-up, contrast within each modality, contrast with linked clusters; see the module."""

    Params = BilateralClusterMatchingParams
    takes_any_length = True

    def stages(self) -> Sequence[Stage]:
        """Warm-up, intra, cross.

        Raises:
            ConfigError: clusters are to be drawn in pairs, and P differs between the modalities.
        """
        params, context = self.params, self.context
        if params.cross.share > 0:
            require_equal(context.num_identities, because="mbccm draws clusters in pairs")
        return [
            WarmUp(context, params.warm_up),
            IntraStage(context, params.intra),
            CrossStage(context, params.cross),
        ]
