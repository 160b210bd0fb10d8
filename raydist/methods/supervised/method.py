"""The supervised upper bound: identity loss and batch-hard triplets over both modalities.

It is not an unsupervised method: it is given the identities, and its results are marked as supervised
everywhere. Presets and methods are measured against it.

===============================  ============================================
equation                         function
===============================  ============================================
identity loss, smoothing 0.1     `raydist.losses.identity.identity_loss`
batch-hard triplet, margin m     `raydist.losses.triplet.batch_hard_triplet`
===============================  ============================================

Deviations: none; it follows no paper.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from raydist.errors import DataError
from raydist.methods.method import Method, Stage, StageParams
from raydist.methods.supervised.stages import CosineClassifier, SupervisedParams, SupervisedStage
from raydist.types import UNKNOWN_IDENTITY, Labels


class Supervised(Method):
    """The supervised upper bound; see the module."""

    Params = SupervisedParams
    takes_memory_rule = False
    supervised = True
    needs_clusters = False
    unmeasured = (
        "silhouette",
        "stability",
        "consistency",
        "balance",
    )  # it computes no features for a refresh

    def stages(self) -> Sequence[Stage]:
        """One stage."""
        return [SupervisedStage(self.context, StageParams(), self.params, self._classes())]

    def modules(self, width: int) -> dict[str, nn.Module]:
        """The classifier."""
        return {"classifier": CosineClassifier(width, int(self._classes().max()) + 1)}

    def _classes(self) -> Labels:
        truth = self.context.truth
        if truth is None or (truth.identity == UNKNOWN_IDENTITY).any():
            raise DataError(
                "method.name = supervised needs the identity of every training tracklet, "
                "and some are not known"
            )
        return np.unique(truth.identity, return_inverse=True)[1].astype(np.int64)
