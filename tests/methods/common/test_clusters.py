from dataclasses import replace

import pytest

from raydist.clustering.spec import ClusterSpec
from raydist.engine.refresher import LocalRefresher
from raydist.errors import ClusteringError
from raydist.methods.common.clusters import cluster_modalities
from raydist.types import NOISE, Modality, tracklet_means


def test_modalities_are_clustered_apart_and_numbered_together(context, features):
    found = cluster_modalities(LocalRefresher(context.tracklets), tracklet_means(features), context)
    assert found.joint.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert found.labels(Modality.INFRARED).tolist() == [NOISE] * 6 + [0, 0, 0, 1, 1, 1]
    assert found.centroids(tracklet_means(features), Modality.VISIBLE).shape == (2, 4)


def test_another_eps_is_tried_before_giving_up(context, features):
    blind = ClusterSpec(k1=3, k2=1, min_samples=2, eps=1.0)
    wide = replace(context, clustering=dict.fromkeys(Modality, blind))
    assert (
        cluster_modalities(LocalRefresher(context.tracklets), tracklet_means(features), wide).joint.max() == 3
    )


def test_a_collapse_names_the_modalities_and_their_counts(context, features):
    strict = replace(context, clustering=dict.fromkeys(Modality, ClusterSpec(k1=3, k2=1, min_samples=100)))
    refresher = LocalRefresher(context.tracklets)
    advice = r"; raise clustering\.eps or lower clustering\.min_samples, or .* raise method\.warm_up\.share"
    with pytest.raises(
        ClusteringError, match=f"visible 0 clusters of 6 .*, infrared 0 clusters of 6 .*{advice}"
    ):
        cluster_modalities(refresher, tracklet_means(features), strict)
    assert (cluster_modalities(refresher, tracklet_means(features), strict, relax=False).joint == NOISE).all()
