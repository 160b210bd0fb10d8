"""PGM: progressive graph matching with alternate cross contrast (Wu and Ye, CVPR 2023).

After the dual contrast, clusters of the two modalities are matched by their centroids, round after round
until every cluster has a partner; then each modality is drawn, in turn, to the partner's centroid in the
other modality.

==========================================  ====================================================
equation                                    function
==========================================  ====================================================
cost 1 / exp(cos(c_v, c_i)), matching       `raydist.association.progressive`
L_x = CE(M_i; V, v2i) on epochs 0, 2, ..    `raydist.methods.pgm.stages.CrossContrastStage`
L_x = CE(M_v; I, i2v) on epochs 1, 3, ..    `raydist.methods.pgm.stages.CrossContrastStage`
L = L_v + L_i + 0.25 L_x                    `raydist.methods.pgm.stages.CrossContrastStage`
L_x moves its memory, then L_v, L_i theirs  `raydist.methods.pgm.stages.CrossContrastStage.move`
memory moved by the hardest sample          `raydist.memories.centroids.update_hardest`
==========================================  ====================================================

Deviations:

- Those of `raydist.methods.dcl.method`.
- Gradients are taken with the memories as they were before the step; in the published backward pass L_x has
  moved its memory when the gradient of the other loss on it is taken.
- Matching goes on until every cluster has a partner; the published code stops after two rounds.
- More than four million pairs of clusters are matched by an auction, whose total cost is at most 1e-4 a
  pair above the lowest (`raydist.association.assignment`).
- The stages follow each other in one run and pass on their last weights, not those best on the test set.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.common.dual_contrast import DualContrastStage
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.method import Method, Params, Stage
from raydist.methods.pgm.stages import CrossContrastParams, CrossContrastStage, MatchedContrastParams


class ProgressiveGraphMatchingParams(Params):
    """Hyper-parameters of PGM."""

    name: str = "pgm"
    warm_up: WarmUpParams = WarmUpParams()
    dual: MatchedContrastParams = MatchedContrastParams()
    cross: CrossContrastParams = CrossContrastParams()


class ProgressiveGraphMatching(Method):
    """PGM: warm-up, dual contrast, cross contrast; see the module."""

    Params = ProgressiveGraphMatchingParams
    takes_any_length = True

    def stages(self) -> Sequence[Stage]:
        """Warm-up, dual contrast, cross contrast."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            DualContrastStage(context, params.dual),
            CrossContrastStage(context, params.cross),
        ]
