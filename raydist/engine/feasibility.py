"""What cannot be trained, said before anything is started."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from raydist.engine.inputs import Inputs, num_tracklets
from raydist.engine.precision import check_precision
from raydist.engine.schema import Config
from raydist.engine.state import build_method
from raydist.errors import DataError
from raydist.methods.method import Stage
from raydist.methods.registry import method_class
from raydist.plurals import counted
from raydist.types import Modality

FEWEST_CLUSTERS = 2
"""Clusters that each modality must have: with one, there is nothing to tell apart."""


def check_feasible(config: Config, inputs: Inputs) -> Sequence[Stage]:
    """Refuse a run whose method cannot work on its data.

    Args:
        config: the whole configuration.
        inputs: the data.

    Returns:
        The stages of the method.

    Raises:
        DataError: a modality is too small to be clustered, or what the method itself refuses.
        ConfigError: what the method itself refuses, or a number format that the CPU cannot train in.
    """
    if not config.ray.use_gpu:
        check_precision(config.train.precision, torch.device("cpu"))
    stages = build_method(config, inputs, num_branches=config.encoder.branches).stages()
    if method_class(config.method.name).needs_clusters:
        check_sizes(config, num_tracklets(inputs))
    return stages


def check_sizes(config: Config, sizes: list[int]) -> None:
    """Refuse a modality of which no two clusters can be made.

    Args:
        config: the whole configuration.
        sizes: training tracklets of each modality.

    Raises:
        DataError: with what would help.

    >>> check_sizes(Config(), [40, 8])
    """
    for modality in Modality:
        clusterer = config.clustering.spec(modality).clusterer
        size, fewest = clusterer.smallest_cluster, FEWEST_CLUSTERS * clusterer.smallest_cluster
        if sizes[modality] < fewest:
            lower = f", lower clustering.{clusterer.size_parameter}" if clusterer.size_parameter else ""
            raise DataError(
                f"{counted(sizes[modality], f'{modality.label} training tracklet')} cannot make two clusters "
                f"of {size}, and {config.method.name} needs two of each modality: add tracklets "
                f"({fewest} at least){lower}, or take a method that makes no clusters (method.name=hitpro)"
            )
