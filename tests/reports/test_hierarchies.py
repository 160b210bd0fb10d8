from dataclasses import replace

import numpy as np
import pytest

from raydist.clustering.spec import cluster_features
from raydist.engine.schema import Config
from raydist.reports.hierarchies import hdbscan_trees
from raydist.types import Modality, unit_rows


@pytest.fixture
def near(table):
    """Two tracklets of each person and modality lie near each other."""
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(4, 16))
    features = unit_rows(groups[table.identity % 4] + rng.normal(0, 0.05, (len(table), 16)))
    return replace(table, features=features.astype(np.float32))


def config_of(**clustering):
    return Config.model_validate({"method": {"name": "pgm"}, "clustering": clustering})


def test_each_modality_has_the_tree_of_its_clusters(near):
    config = config_of(algorithm="hdbscan", distance="jaccard", k1=6, k2=2, min_cluster_size=3, min_samples=2)
    trees = hdbscan_trees(near, config)
    assert [tree.title for tree in trees] == ["Visible", "Infrared"]
    for tree, modality in zip(trees, Modality, strict=True):
        own = near.features[near.modality == modality]
        labels = cluster_features(own, config.clustering.spec(modality)).labels
        num_clusters = int(labels.max()) + 1
        assert num_clusters > 1
        assert sum(bar.chosen for bar in tree.bars) == num_clusters


def test_other_algorithms_have_none(near):
    assert hdbscan_trees(near, config_of(algorithm="dbscan")) == []
