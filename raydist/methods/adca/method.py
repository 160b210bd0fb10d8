"""ADCA: augmented dual-contrastive aggregation learning (Yang et al., ACM MM 2022).

The first stage is the dual contrast, which is the method ``dcl`` by itself. In the second stage an epoch
begins with a cross-modality memory aggregation (CMA): a visible and an infrared tracklet that are similar
vote for the pair of their clusters, clusters are matched by these votes, and nine tenths of a visible
prototype are then its infrared partner's. So visible clips are drawn to infrared centroids, without a loss
across the modalities, until samples of the cluster move its prototype; a larger ``aggregation.momentum``
keeps the partner's share for longer.

====================================================  =================================================
equation                                              function
====================================================  =================================================
L = CE(M_v; V) + CE(M_i; I), in both stages           `raydist.methods.common.dual_contrast.dual_terms`
n(a, b) = |{(i, j): y_i = a, y_j = b, f_i.f_j >= t}|  `raydist.association.votes.count_votes`
pairs (a, b) by n(a, b), greedy, one to one           `raydist.association.votes.greedy_matching`
M_v[a] <- 0.1 M_v[a] + 0.9 M_i[b]                     `raydist.memories.aggregation.blend_partners`
M_y <- norm(mu M_y + (1-mu) x)                        `raydist.memories.rules.update_prototypes`
views of V and of I                                   `raydist.methods.common.clip_views.channel_views`
====================================================  =================================================

Deviations:

- Those of `raydist.methods.dcl.method`.
- Pairs of clusters with equally many votes are taken by the lower visible, then the lower infrared number;
  the published order is that of their most similar pairs of images. A choice of ours.
- Similarities are those of the features that are clustered: with ``clustering.renormalise=false``, which the
  recipes set, they are shorter than 1, as published.
- Similarities are compared with the threshold in double precision, the published ones in single.
- ``aggregation.two_way`` and ``aggregation.renormalise`` are ours. The paper speaks of merging both memories;
  the published code blends an infrared prototype with itself, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from raydist.methods.adca.stages import AggregationParams, AggregationStage
from raydist.methods.common.dual_contrast import DualContrastParams, DualContrastStage
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.method import Method, Params, Stage


class AggregationLearningParams(Params):
    """Hyper-parameters of ADCA."""

    name: str = "adca"
    warm_up: WarmUpParams = WarmUpParams()
    dual: DualContrastParams = DualContrastParams()
    aggregation: AggregationParams = AggregationParams()


class AggregationLearning(Method):
    """ADCA: warm-up, dual contrast, dual contrast with aggregated memories; see the module."""

    Params = AggregationLearningParams
    takes_any_length = True

    def stages(self) -> Sequence[Stage]:
        """Warm-up, dual contrast, aggregation."""
        params, context = self.params, self.context
        return [
            WarmUp(context, params.warm_up),
            DualContrastStage(context, params.dual),
            AggregationStage(context, params.aggregation),
        ]
