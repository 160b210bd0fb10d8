"""DCL: dual contrastive learning (ADCA, Yang et al., ACM MM 2022, stage 1).

Each modality is clustered by itself once an epoch. Each has a memory of cluster centroids; every clip is
drawn to the centroid of its cluster and away from the others of its modality.

===================================  ==================================================================
equation                             function
===================================  ==================================================================
M_c = norm(mean of cluster c)        `raydist.methods.common.clusters.ModalityClusters.centroids`
L = CE(M_v; V) + CE(M_i; I)          `raydist.methods.common.dual_contrast.dual_terms`
M_y <- norm(mu M_y + (1-mu) x)       `raydist.memories.rules.update_prototypes`
views of V and of I                  `raydist.methods.common.clip_views.channel_views`
===================================  ==================================================================

Deviations:

- Tracklets in the place of images.
- A tracklet warm-up comes first, for encoders that start from nothing; ``warm_up.share=0`` leaves it out.
- The memory moves after the optimizer step, not in the backward pass, and by default by the batch mean of a
  cluster; ``memory.rule=in-turn`` moves it sample by sample, as published.
- By default features get unit length again after averaging; ``clustering.renormalise=false`` is as published.
- Views are those of `raydist.data.transforms.published`: a clip of several frames has one crop, jitter and
  box for all of them.
- Batches hold distinct classes and use up a shuffled list of all before the next one; there, the end of a
  list that fills no batch is dropped. K images of a class are drawn without repetition where it has K - 1
  others (there K), and a class of one repeats it (there it comes once, and all that follows moves up).
- Batch statistics are those of the whole batch on a worker; the published runs take those of a quarter of it
  on each of four GPUs.
- Where a modality has fewer than two clusters, eps is changed by 0.1, up to four times.
- Stages pass on their last weights, not those best on the test set.
- ``dual.views=tones`` is ours: a second view of both modalities in other tones.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.dual_contrast import DualContrastParams, DualContrastStage
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.method import Method, Params, Stage


class DualContrastMethodParams(Params):
    """Hyper-parameters of DCL."""

    name: str = "dcl"
    warm_up: WarmUpParams = WarmUpParams()
    dual: DualContrastParams = DualContrastParams()


class DualContrast(Method):
    """DCL: the tracklet warm-up, then the dual contrast; see the module."""

    Params = DualContrastMethodParams
    takes_any_length = True

    def stages(self) -> Sequence[Stage]:
        """Warm-up and dual contrast."""
        return [WarmUp(self.context, self.params.warm_up), DualContrastStage(self.context, self.params.dual)]
