"""The hierarchies of a run that clusters by HDBSCAN."""

from __future__ import annotations

import numpy as np

from raydist.clustering.hdbscan import hdbscan
from raydist.clustering.hdbscan_spec import Hdbscan
from raydist.clustering.spec import cluster_features
from raydist.engine.schema import Config
from raydist.reports.condensed_tree import DrawnTree, draw_tree
from raydist.types import FeatureTable, Modality


def hdbscan_trees(table: FeatureTable, config: Config) -> list[DrawnTree]:
    """The condensed tree of each modality whose clusters HDBSCAN makes.

    Args:
        table: features of all training tracklets.
        config: of the run.
    """
    trees = []
    for modality in Modality:
        spec = config.clustering.spec(modality)
        clusterer, rows = spec.clusterer, np.flatnonzero(table.modality == modality)
        if not isinstance(clusterer, Hdbscan) or not len(rows):
            continue
        own = table.take(rows)
        edges = cluster_features(own.features, spec, modality=own.modality, camera=own.camera).edges
        clusters = hdbscan(
            edges,
            len(own),
            min_cluster_size=clusterer.min_cluster_size,
            min_samples=clusterer.min_samples,
        )
        trees.append(draw_tree(clusters.tree, clusters.labels, title=modality.label.capitalize()))
    return [tree for tree in trees if tree is not None]
