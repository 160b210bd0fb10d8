"""DMDL: dual-level modality debiasing learning (Li et al., Pattern Recognition 176, arXiv 2512.03745).

A model trained on visible and infrared clusters learns what separates the modalities along with what
separates people. Two remedies: the likelihood of a label is adjusted for the modality that a clip is compared
in (CAI, causality-inspired adjustment intervention); and two views of each clip in other colours agree on
their features and correct each other's labels (CBT, collaborative bias-free training over data, labels and
features).

============================================  ==============================================================
equation                                      function
============================================  ==============================================================
views a, b of each modality (CBT-data)        `raydist.methods.dmdl.views.FIRST`, `SECOND`
w, posterior of the cleaner component         `raydist.association.confidence.cluster_confidence`
w onehot(y) + (1-w) p of the other view       `raydist.losses.exchange.exchanged_targets`
MMD of the views (CBT-feature)                `raydist.losses.discrepancy.maximum_mean_discrepancy`
sigma L_tri                                   `raydist.methods.dmdl.views.ViewStage.view_terms`
stage 1: CE(M_m x, soft labels), each m       `raydist.methods.dmdl.stages.IntraStage.contrast`
k1 of the label space, half of it across      `raydist.methods.dmdl.label_space.with_finer`
nearest cluster across, the space in turn     `raydist.methods.dmdl.label_space.unified_labels`
P(y|do(x)) = sum_c pi_c P(y|x,c) (CAI)        `raydist.losses.adjustment.adjusted_log_probability`
L_intra + 0.5 L_cai                           `raydist.methods.dmdl.stages.CrossStage.likelihoods`
M_all at eta = mu / max(soft label, mu)       `raydist.memories.adaptive.update_by_trust`
cross update of M_V, M_I, in turn             `raydist.methods.dmdl.stages.CrossStage.update`
the same classes in both halves, late         `raydist.methods.dmdl.batches.paired_batches`
============================================  ==============================================================

The rows of the ablation are `method.cai`, `method.data`, `method.labels` and `method.feature`.

Deviations:

- Tracklets in the place of images; the two views of an image are two clips of a tracklet, each with frames
  of its own.
- A tracklet warm-up comes first (there are no pretrained weights to start from).
- Phases are shares of a stage, those that the published epochs are of 50; 30 epochs of RegDB keep their own
  in the paper.
- Memories move by the batch mean of a class after the step, each sample of M_all at its own rate, not
  sample by sample in the backward pass; the class mean of the clips of both modalities moves a memory that
  both may update.
- The mixture behind w starts from the extremes and not from k-means, so that it is free of chance; clusters
  of fewer than four, which hardly occur with the published clustering, are trusted whole, where the paper
  does that for single images.
- Views are those of `raydist.data.transforms.published`: a clip of several frames has one crop, jitter, box
  and noise for all of them.
- The finer clustering halves all neighbour counts that the configured distance has, k1 alone in the paper.
- The second view without CBT-data is another draw of the first; the likelihood without CAI is that over
  M_all.
- What the paper's ablation puts in their place is not known in detail.
- The stages pass on their last weights, not those best on the test set, and share the run's learning-rate
  schedule.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.dmdl.stages import CrossParams, CrossStage, IntraParams, IntraStage
from raydist.methods.dmdl.views import Parts
from raydist.methods.method import Method, Params, Stage


class DualLevelDebiasingParams(Parts, Params):
    """Hyper-parameters of DMDL."""

    name: str = "dmdl"
    warm_up: WarmUpParams = WarmUpParams()
    intra: IntraParams = IntraParams()
    cross: CrossParams = CrossParams()


class DualLevelDebiasing(Method):
    """DMDL: warm-up, contrast within each modality, adjusted contrast across; see the module."""

    Params = DualLevelDebiasingParams
    takes_any_length = True

    def stages(self) -> Sequence[Stage]:
        """Warm-up, intra, cross."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            IntraStage(context, params.intra, params),
            CrossStage(context, params.cross, params),
        ]
