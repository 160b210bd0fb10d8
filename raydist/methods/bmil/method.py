"""BMIL: modality-aware bias mitigation and invariance learning (arXiv 2512.07760, AAAI 2026).

Under a modality gap the nearest neighbours of a tracklet are all of its own modality. The modality-aware
Jaccard distance (MAJ) takes as many neighbours from the other modality, so that both modalities can be
clustered together. Each joint cluster is then split into a visible and an infrared proxy, and its clips are
drawn to both alike (split and contrast): a feature that is equally similar to both holds nothing of the
modality.

=================================================  ========================================================
equation                                           function
=================================================  ========================================================
k1 / 2 neighbours of each modality, V halves of    `raydist.neighbours.jaccard.modality_aware`
equal weight (MAJ)
half of the visible, drawn every epoch             `raydist.methods.bmil.clusters.draw_part`
M [2C, D], mean and hard rows, moved by mu         `raydist.memories.hybrid.hybrid_memory`,
                                                   `update_hybrid`
H = 1/2 [CE(hard) + ReLU(CE(mean) - 0.2)]          `raydist.losses.hybrid.hybrid_contrast`
L_intra = H(M_v) + H(M_i)                          `raydist.methods.bmil.stages.HybridContrastStage`
joint clusters of the other half and all infrared  `raydist.methods.bmil.stages.JointContrastStage.refresh`
proxies p, their clusters l(p)                     `raydist.methods.bmil.clusters.split_by_modality`
MP, the mean log-posterior of the positives        `raydist.losses.multi_positive.multi_positive_contrast`
among the 50 hardest candidates
A = 1/2 [MP(hard) + MP(mean)],                     `raydist.methods.bmil.stages.JointContrastStage`
L_global = 1/2 [A(V) + A(I)]
=================================================  ========================================================

The rows of the published ablation are settings of one recipe:

==================================  ===========================================================
row                                 settings below ``method``
==================================  ===========================================================
within the modalities only          ``joint.contrast=none subset=1``
plain joint Jaccard                 ``joint.contrast=whole joint.distance=jaccard subset=1``
MAJ                                 ``joint.contrast=whole subset=1``
MAJ, subset clustering              ``joint.contrast=whole``
subset, split, without MAJ          ``joint.distance=jaccard``
all                                 the defaults
==================================  ===========================================================

Deviations:

- Tracklets in the place of images; a tracklet warm-up comes first (there are no pretrained weights to start
  from).
- Stages follow each other in one run and pass on their last weights, not those best on the test set.
- Memories move after the optimizer step by the gathered batch of all workers, not in the backward pass. There
  the infrared clips of the joint step meet the visible proxies as the same batch has just moved them; here
  both modalities meet those of before the step. The visible clips act first here too.
- Where the number of visible tracklets is odd, one of the two halves has one more; there one is in neither.
- A batch is drawn by proxies, which within a modality are the joint clusters.
- Batches hold distinct classes and use up a shuffled list of all before the next one; there, the end of a
  list that fills no batch is dropped. K images of a class are drawn without repetition where it has K - 1
  others (there K), and a class of one repeats it (there it comes once, and all that follows moves up).
- Batch statistics are those of the whole batch on a worker; the published runs take those of half of it on
  each of two GPUs.
- Within a modality clusters come from whatever ``clustering`` names; the published code takes the plain
  Jaccard distance.
- By default features get unit length again after averaging; ``clustering.renormalise=false`` is as published.
- Views are those of `raydist.data.transforms.published`: a clip of several frames has one crop, jitter and
  box for all of them.
- Where a modality has fewer tracklets than its half of the k1 neighbours, the list stays shorter.
- Where there are fewer than 50 proxies, all are candidates; the published code needs 50.
- One hybrid memory of joint clusters (``whole``) is a reading of the published rows without the split.
- An eps that gives fewer than two clusters is changed in small steps before the run is stopped.
- A gate on the neighbours of the other modality, off by default as published: without it MAJ joins
  different people where many people are seen in one modality only.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from raydist.methods.bmil.stages import (
    HybridContrastParams,
    HybridContrastStage,
    JointContrastParams,
    JointContrastStage,
)
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.method import Method, Params, Stage


class BiasMitigationParams(Params):
    """Hyper-parameters of BMIL.

    Attributes:
        subset: the share of the visible tracklets that is clustered by itself each epoch; the others are
            clustered with the infrared ones. 1 takes all for both: the right choice where the modalities have
            equally many tracklets.
    """

    name: str = "bmil"
    subset: float = Field(0.5, gt=0, le=1)
    warm_up: WarmUpParams = WarmUpParams()
    dual: HybridContrastParams = HybridContrastParams()
    joint: JointContrastParams = JointContrastParams()


class BiasMitigation(Method):
    """BMIL: warm-up, hybrid contrast within the modalities, joint contrast across them; see the module."""

    Params = BiasMitigationParams
    takes_memory_rule = False
    takes_any_length = True

    def stages(self) -> Sequence[Stage]:
        """Warm-up, hybrid contrast, joint contrast."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            HybridContrastStage(context, params.dual, params.subset),
            JointContrastStage(context, params.joint, params.subset),
        ]
