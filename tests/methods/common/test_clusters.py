from dataclasses import replace

import numpy as np
import pytest

from raydist.clustering.spec import ClusterSpec
from raydist.engine.local_features import LocalFeatures
from raydist.errors import ClusteringError
from raydist.methods.common.clusters import cluster_modalities, with_finer
from raydist.types import NOISE, Modality


def test_modalities_are_clustered_apart_and_numbered_together(context, features):
    means = LocalFeatures(features, context.tracklets).means()
    found = cluster_modalities(means, context)
    assert found.joint.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert found.labels(Modality.INFRARED).tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]
    assert found.centroids(means, Modality.VISIBLE).shape == (2, 4)


def test_another_eps_is_tried_before_giving_up(context, features):
    """Four neighbours reach beyond the three tracklets of a person, so that no two have the same ones."""
    blind = ClusterSpec(k1=4, k2=1, min_samples=3, eps=0.05)
    narrow = replace(context, clustering=dict.fromkeys(Modality, blind))
    means = LocalFeatures(features, context.tracklets).means()
    assert (cluster_modalities(means, narrow, relax=False).joint == NOISE).all()
    assert cluster_modalities(means, narrow).joint.max() == 3


def test_a_collapse_names_the_modalities_and_their_counts(context, features):
    strict = replace(context, clustering=dict.fromkeys(Modality, ClusterSpec(k1=3, k2=1, min_samples=100)))
    means = LocalFeatures(features, context.tracklets).means()
    advice = r"; raise clustering\.eps or lower clustering\.min_samples, or .* raise method\.warm_up\.share"
    with pytest.raises(
        ClusteringError, match=f"visible 0 clusters of 6 .*, infrared 0 clusters of 6 .*{advice}"
    ):
        cluster_modalities(means, strict)
    assert (cluster_modalities(means, strict, relax=False).joint == NOISE).all()


def test_a_collapse_of_one_modality_alone_ends_it_too(context, features):
    strict = context.clustering[Modality.INFRARED].with_values(min_samples=100)
    half = replace(context, clustering={**context.clustering, Modality.INFRARED: strict})
    with pytest.raises(ClusteringError, match=r"visible 2 clusters of 6 .*, infrared 0 clusters of 6 "):
        cluster_modalities(LocalFeatures(features, context.tracklets).means(), half)


def test_features_that_are_all_alike_are_one_cluster_and_a_collapse(context):
    alike = np.tile(np.float32([0.6, 0.8]), (12, 1))
    counts = "visible 1 cluster of 6 tracklets, infrared 1 cluster of 6 tracklets"
    with pytest.raises(ClusteringError, match=rf"collapsed: {counts}; lower clustering\.eps, or "):
        cluster_modalities(LocalFeatures(alike[:, None], context.tracklets), context)


@pytest.mark.parametrize(
    ("distance", "halved"),
    [
        ("jaccard", {"k1": 16, "k1_intra": 5, "k1_inter": 20, "k2": 6}),
        ("modality-aware", {"k1": 16, "k1_intra": 5, "k1_inter": 20, "k2": 6}),
        ("camera-aware", {"k1": 31, "k1_intra": 3, "k1_inter": 10, "k2": 6}),
    ],
)
def test_the_ranked_neighbours_of_the_distance_are_halved(distance, halved):
    spec = ClusterSpec(distance, k1=31, k1_intra=5, k1_inter=20, k2=6)
    finer = with_finer(dict.fromkeys(Modality, spec), Modality.INFRARED, 0.5)
    assert finer[Modality.VISIBLE] == spec
    assert {name: getattr(finer[Modality.INFRARED], name) for name in halved} == halved
