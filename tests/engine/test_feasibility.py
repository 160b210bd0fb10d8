from dataclasses import replace

import numpy as np
import pytest

from raydist.engine.feasibility import check_feasible, check_sizes
from raydist.errors import DataError
from raydist.types import UNKNOWN_IDENTITY


def test_a_modality_of_which_no_two_clusters_can_be_made_is_refused(smoke):
    config = smoke("clustering.min_samples=3")
    check_sizes(config, [6, 6])
    with pytest.raises(
        DataError, match=r"5 infrared training tracklets cannot make two clusters of 3, .*6 at"
    ):
        check_sizes(config, [6, 5])
    with pytest.raises(DataError, match=r"lower clustering\.min_cluster_size"):
        check_sizes(smoke("clustering.algorithm=hdbscan", "clustering.min_cluster_size=50"), [99, 400])


def test_methods_without_clusters_take_any_number(smoke, smoke_inputs):
    few = ("clustering.min_samples=10000",)
    check_feasible(smoke("method.name=hitpro", *few), smoke_inputs)
    check_feasible(smoke("method.name=supervised", *few), smoke_inputs)
    with pytest.raises(DataError, match="needs two of each modality"):
        check_feasible(smoke("method.name=pgm", *few), smoke_inputs)


def test_what_a_method_refuses_is_said_beforehand(smoke, smoke_inputs):
    identity = np.where(np.arange(len(smoke_inputs.truth.identity)) == 3, UNKNOWN_IDENTITY, 1)
    partly = replace(smoke_inputs, truth=replace(smoke_inputs.truth, identity=identity))
    with pytest.raises(DataError, match="needs the identity of every training tracklet"):
        check_feasible(smoke("method.name=supervised"), partly)
