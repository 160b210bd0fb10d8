import numpy as np

from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.batches import cluster_batches, tracklet_batches_of_both
from raydist.methods.common.clusters import cluster_modalities
from raydist.types import Modality


def test_a_batch_holds_as_much_of_each_modality(context, features):
    found = cluster_modalities(LocalFeatures(features, context.tracklets).means(), context)
    labels = {m: found.labels(m) for m in Modality}
    batches = cluster_batches(labels, context, 5, np.random.default_rng(0))
    assert batches.shape == (5, 8)
    assert (context.tracklets.modality[batches] == np.repeat([0, 1], 4)).all()


def test_a_batch_of_tracklets_holds_as_much_of_each_modality(context):
    batches = tracklet_batches_of_both(context, 5, np.random.default_rng(0))
    assert batches.shape == (5, 8)
    assert (context.tracklets.modality[batches] == np.repeat([0, 1], 4)).all()
