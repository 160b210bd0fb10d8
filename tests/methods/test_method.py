from dataclasses import FrozenInstanceError, dataclass, replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from raydist.clustering.spec import ClusterSpec
from raydist.engine.local_features import LocalFeatures
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.errors import ConfigError
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.method import StageParams, TargetArrays, Targets
from raydist.methods.registry import METHODS, method_class
from raydist.types import Floats, Modality


@dataclass(frozen=True, kw_only=True)
class Links(TargetArrays):
    links: csr_array


@dataclass(frozen=True, kw_only=True)
class WeightedLinks(Links):
    weights: Floats


def test_arrays_are_packed_by_the_names_of_their_fields_and_not_copied():
    arrays = WeightedLinks(links=csr_array((2, 2)), weights=np.ones(2, np.float32))
    targets = Targets(np.zeros(2, np.int64), arrays.pack())
    assert set(targets.arrays) == {"links", "weights"}
    assert WeightedLinks.of(targets).weights is arrays.weights
    assert Links.of(targets).links is arrays.links


def test_an_array_that_is_not_there_is_an_error():
    with pytest.raises(KeyError, match="weights"):
        WeightedLinks.of(Targets(np.zeros(2, np.int64), Links(links=csr_array((2, 2))).pack()))


def test_all_rows_are_clustered_unless_the_method_says_otherwise():
    assert Targets(np.zeros(3, np.int64)).clustered_rows.all()
    mask = np.array([True, False, True])
    assert Targets(np.zeros(3, np.int64), clustered=mask).clustered_rows is mask


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"supervised"}))
def test_every_stage_can_be_left_out_but_not_all(smoke, smoke_inputs, method):
    words = (f"method.name={method}", "train.limit_epochs=1", "train.iterations=1", "evaluation.every=0")
    params = method_class(method).Params()
    stages = [key for key in type(params).model_fields if isinstance(getattr(params, key), StageParams)]
    whole = len(build_state(smoke(*words), smoke_inputs).plan.stages)
    assert whole == len(stages)
    for left_out in stages:
        state = build_state(smoke(*words, f"method.{left_out}.share=0"), smoke_inputs)
        assert len(state.plan.stages) == whole - 1
        for _ in range(state.plan.num_epochs):
            assert all(np.isfinite(value) for value in run_epoch(state).losses.values())
    with pytest.raises(
        ConfigError, match=rf"method\.{stages[0]}\.share, .*: all are 0, so no stage is trained"
    ):
        smoke(*words, *(f"method.{stage}.share=0" for stage in stages))


def test_nothing_is_written_into_a_stage(context):
    stage = WarmUp(context, WarmUpParams(share=2))
    assert (stage.share, stage.lr_factor) == (2, 1)
    with pytest.raises(FrozenInstanceError):
        stage.share = 3


def test_means_are_as_the_clustering_asks(context):
    parts = np.array([[[0.6, 0.0], [0.0, 0.6]]], np.float32)
    raw = dict.fromkeys(Modality, ClusterSpec(renormalise=False))
    features = LocalFeatures(parts, context.tracklets)
    assert context.means(features).part(0, 1)[0, 0] == pytest.approx([0.5**0.5] * 2)
    short = replace(context, clustering=raw).means(features)
    assert short.part(0, 1)[0, 0] == pytest.approx([0.3, 0.3])
