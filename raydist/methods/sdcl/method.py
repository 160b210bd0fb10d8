"""SDCL: shallow-deep collaborative learning (Yang, Chen and Ye, CVPR 2024).

An encoder has a shallow branch beside its deep one. Each modality learns from its own clusters, which both
branches make together, and from near slots: those of tracklets that both branches find alike, first of its
own modality, later of the other one too. Then visible tracklets take labels of the infrared clusters, those
that their nearest infrared tracklets by both branches agree on, and both modalities have one memory a branch.

===================================================  =======================================================
equation                                             function
===================================================  =======================================================
f = [f_deep ; f_shallow]                             `raydist.methods.common.branches.branches`
L_nce(V) + L_nce(I), one memory each, or shared      `raydist.methods.common.branch_contrast`
M <- norm(mu M + (1 - mu) x), visible before         `raydist.memories.rules.update_prototypes`
infrared clips
N_i . N_j > .9 max in both branches                  `raydist.losses.neighbour_contrast.near_slots`
-sum log softmax / (|N| + 1), within and across      `raydist.losses.neighbour_contrast.neighbour_contrast`
N_i <- norm(.9 N_i + .1 x), x of any length          `raydist.memories.instances.update_slots`
L = L_nce + 1 L_in + .5 L_x                          `raydist.methods.sdcl.stages.OwnContrastStage`
k nearest others, labels both branches agree on,     `raydist.association.ranking`
5 voters
half of k1 for visible clusters                      `raydist.methods.common.clusters.with_finer`
L = L_nce + .1 L_in + .1 L_x, shared labels          `raydist.methods.sdcl.stages.SharedContrastStage`
===================================================  =======================================================

L_x has one direction an epoch: from visible clips to infrared slots, at a tenth, then the reverse. The
recipes of the data sets say what the published code does where that is not the default: ``memory.rule``
in-turn, the epochs and learning rates of the stages, and on RegDB a memory that hardly moves in the first
epoch (`own.first_momentum`), neighbours from the second one on, and k1 as it is (`shared.finer` 1).

Deviations:

- Written from the public code; the paper's text was not at hand.
- Tracklets in the place of images; a tracklet warm-up comes first, ``warm_up.share=0`` leaves it out for
  pretrained encoders.
- Memories move after the step, by the gathered batch of all workers. The published code moves prototypes in
  the backward pass, so that infrared clips meet shared ones as visible clips have just moved them, and slots
  between the loss and the backward pass, so that the gradient is one of slots that have moved.
- Prototypes are means of unit features, those of the published code of features before they are normalised;
  and branches weigh alike in the joined feature, there each by its own length. So features of a clip and its
  mirror image are averaged with branches of unit length, there as they are.
- The least probability of 1e-8 of a near slot, beyond which the published loss of neighbours has no gradient,
  is left out.
- Batches hold distinct classes and use up a shuffled list of all before the next one; there, the end of a
  list that fills no batch is dropped. K images of a class are drawn without repetition where it has K - 1
  others (there K), and a class of one repeats it (there it comes once, and all that follows moves up).
- Where a modality has fewer than two clusters, eps is changed by 0.1, up to four times.
- One branch (ResNets and the small encoder) leaves out all that is shallow; then the labels of the ranking
  are those of most neighbours.
- Of labels that both branches agree on alike, that of the nearest neighbour is taken; the published code
  leaves it to the library which.
- Colours are jittered first, as published, but on frames that are resized already; frames are clustered by
  the filter that they are trained on (the published code trains on bilinear and clusters bicubic pictures).
- The shared labels are a stage of their own: it goes on with the last weights, the published code with those
  that were best on the test set; and its optimizer begins anew, there it keeps its momentum. L_x begins with
  visible clips in each stage, which is the published order where the stage before has an even number of
  epochs.
- Batch statistics are those of the whole batch on a worker; the published runs take those of half of it on
  each of two GPUs.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.method import Method, Params, Stage
from raydist.methods.sdcl.stages import (
    OwnContrastParams,
    OwnContrastStage,
    SharedContrastParams,
    SharedContrastStage,
)


class ShallowDeepCollaborationParams(Params):
    """Hyper-parameters of SDCL."""

    name: str = "sdcl"
    warm_up: WarmUpParams = WarmUpParams()
    own: OwnContrastParams = OwnContrastParams()
    shared: SharedContrastParams = SharedContrastParams()


class ShallowDeepCollaboration(Method):
    """SDCL: warm-up, each modality's own clusters, shared labels; see the module."""

    Params = ShallowDeepCollaborationParams

    @staticmethod
    def num_tables(num_parts: int) -> int:
        """The parts, their means, and the branches of these one by one and joined."""
        return num_parts + 3

    def stages(self) -> Sequence[Stage]:
        """Warm-up, own clusters, shared labels."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            OwnContrastStage(context, params.own),
            SharedContrastStage(context, params.shared),
        ]
