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
w, posterior of the cleaner component         `raydist.association.confidence.label_confidence`
w onehot(y) + (1-w) p of the other view       `raydist.losses.exchange.exchanged_targets`
MMD of the views (CBT-feature)                `raydist.losses.discrepancy.maximum_mean_discrepancy`
sigma L_tri                                   `raydist.methods.dmdl.views.ViewStage.view_terms`
stage 1: CE(M_m x, soft labels), each m       `raydist.methods.dmdl.intra.IntraStage.contrast`
k1 of the label space, half of it across      `raydist.methods.common.clusters.with_finer`
nearest cluster across, the space in turn     `raydist.methods.dmdl.label_space.unified_labels`
nearest sample across, epoch mod 5 in 2..4    `raydist.methods.dmdl.label_space.labels_of_nearest`
P(y|do(x)) = sum_c pi_c P(y|x,c) (CAI)        `raydist.losses.adjustment.adjusted_log_probability`
L_intra + 0.5 L_cai                           `raydist.methods.dmdl.cross.CrossStage.likelihoods`
M_all at eta = mu / max(soft label, mu)       `raydist.memories.adaptive.update_by_trust`
cross update of M_V, M_I, in turn             `raydist.methods.dmdl.cross.CrossStage.update`
a list of the classes of either half, late    `raydist.methods.dmdl.batches.union_batches`
============================================  ==============================================================

The rows of the ablation are `method.cai`, `method.data`, `method.labels` and `method.feature`.

What the authors' script for a data set sets is set by the recipes ``dmdl-sysu_mm01``, ``dmdl-llcm`` and
``dmdl-regdb``: epochs by number, memories that move sample by sample (``memory.rule: in-turn``), half
precision with a scaled loss; on RegDB also labels from the nearest sample (``sample_match``), one mixture for
all losses (``confidence: global``), equal k1 (``finer: 1``) and larger boxes. Without a recipe, phases are
the shares that SYSU's epochs are of fifty, and memories move by the mean.

Deviations:

- Tracklets in the place of images; the two views of an image are two clips of a tracklet, each with frames
  of its own. The recipes for images have one frame a tracklet.
- A tracklet warm-up comes first where there are no pretrained weights to start from; the recipes for real
  data leave it out.
- Every loss reads the memories as they were before the step. In the published code M_V, M_I move within the
  backward pass, so infrared clips get the gradient of rows that visible clips have already moved. The order
  of the updates is the published one.
- By default features get unit length again after averaging; ``clustering.renormalise=false`` is as published,
  with ``cross.renormalise=true`` on RegDB.
- Views are those of `raydist.data.transforms.published`: a clip of several frames has one crop, jitter, box
  and noise for all of them.
- Losses and memories are computed in float32 also where the encoder computes in half precision. The scale of
  the loss begins anew with each stage; there, with each epoch of the second stage.
- Ordinary batches hold distinct classes and use up a shuffled list of all before the next one; there, the end
  of a list that fills no batch is dropped. K tracklets of a class are drawn without repetition where it has
  K - 1 others, and a class of one tracklet repeats it, which there only the late batches do.
- Where the losses of a cluster are all equal it is trusted whole.
- ``finer`` halves k1_intra and k1_inter where the distance has these in the place of k1.
- The second view without CBT-data is another draw of the first; the likelihood without CAI is that over
  M_all. What the paper's ablation puts in their place is not known in detail.
- Batch statistics are those of the whole batch on a worker; the published runs take those of a part of it on
  each of several GPUs.
- Where a modality has fewer than two clusters, eps is changed by 0.1, up to four times.
- The stages pass on their last weights, not those best on the test set.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.batches import require_equal
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.dmdl.cross import CrossParams, CrossStage
from raydist.methods.dmdl.intra import IntraParams, IntraStage
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
        """Warm-up, intra, cross.

        Raises:
            ConfigError: batches are to show the same classes, and P differs between the modalities.
        """
        params, context = self.params, self.context
        if params.cross.share > 0 and params.cross.paired_from != 1:
            because = "dmdl shows the same classes in both modalities from method.cross.paired_from on"
            require_equal(context.num_identities, because=because)  # not only when such a batch is drawn
        return [
            WarmUp(context, params.warm_up),
            IntraStage(context, params.intra, params),
            CrossStage(context, params.cross, params),
        ]
