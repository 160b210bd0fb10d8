"""The clusterings of BMIL: of a part of the tracklets, and of both modalities together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from raydist.clustering.quality import clusters_per_modality, num_clusters
from raydist.clustering.spec import ClusterSpec
from raydist.errors import ClusteringError, ConfigError
from raydist.methods.common.clusters import cluster_rows, collapse_advice
from raydist.methods.epoch_features import EpochFeatures
from raydist.plurals import counted
from raydist.types import NOISE, Ints, Labels, Modality


def draw_part(rows: Ints, share: float, rng: Generator) -> Ints:
    """A random part of some rows, in their order; at least one of them.

    Args:
        rows: int64 [n].
        share: of the rows, 0 to 1.
        rng: where chance comes from.

    >>> draw_part(np.array([4, 5, 6, 7]), 0.5, np.random.default_rng(0)).tolist()
    [4, 6]
    """
    return np.sort(rng.permutation(rows)[: max(1, round(share * len(rows)))])


def cluster_part(
    means: EpochFeatures,
    rows: Ints,
    spec: ClusterSpec,
    *,
    num_rows: int,
    what: str,
    section: str = "clustering",
) -> Labels:
    """Cluster some rows by themselves; with another eps if there are fewer than two clusters.

    Args:
        means: [N, 1, D], of the tracklets.
        rows: int64 [n].
        spec: how.
        num_rows: N, of all tracklets.
        what: what the message calls the rows if that fails.
        section: where the keys of the clustering stand, for the message.

    Returns:
        int64 [N], NOISE on all other rows.

    Raises:
        ClusteringError: there are fewer than two clusters whatever is tried.
    """
    clustering = cluster_rows(means, rows, spec)
    if clustering.num_clusters < 2:
        raise ClusteringError(
            f"the features collapsed: {what} {counted(clustering.num_clusters, 'cluster')} of "
            f"{counted(len(rows), 'tracklet')}; "
            + collapse_advice({what: (clustering.num_clusters, spec)}, section=section)
        )
    labels = np.full(num_rows, NOISE)
    labels[rows] = clustering.labels
    return labels


def joint_spec(
    clustering: Mapping[Modality, ClusterSpec], given: Mapping[str, str | float | None]
) -> ClusterSpec:
    """How both modalities are clustered together: as each is by itself, but for the values that are given.

    Args:
        clustering: how each modality is clustered.
        given: fields of `ClusterSpec`; None takes that of the modalities.

    Raises:
        ConfigError: the modalities differ in a field that is not given.
    """
    changed = {name: value for name, value in given.items() if value is not None}
    visible, infrared = (clustering[m].with_values(**changed) for m in Modality)
    differing = [name for name, value in visible.parameters.items() if getattr(infrared, name) != value]
    if differing:
        name = differing[0]
        raise ConfigError(
            f"clustering.{name} is {getattr(visible, name)} for visible and {getattr(infrared, name)} "
            f"for infrared: say which holds for both together, by method.joint.{name}"
        )
    return visible


def require_both(labels: Labels, modality: NDArray[np.int8]) -> None:
    """Refuse joint clusters that hold only one modality: nothing could be learned across.

    Args:
        labels: int64 [N].
        modality: int8 [N] of `Modality`.

    Raises:
        ClusteringError: no clustered row is of one of the modalities.
    """
    for absent, count in clusters_per_modality(labels, modality).items():
        if not count:
            raise ClusteringError(
                f"none of {num_clusters(labels)} joint clusters holds a tracklet of the {absent.label} "
                "modality: raise method.joint.eps or method.subset, or lower method.joint.min_samples"
            )


def split_by_modality(labels: Labels, modality: NDArray[np.int8]) -> tuple[Labels, Ints]:
    """Cut every cluster into a proxy of its visible and a proxy of its infrared rows, where it has such.

    Args:
        labels: int64 [N].
        modality: int8 [N] of `Modality`.

    Returns:
        The proxy of each row, int64 [N], NOISE on noise; and the cluster of each proxy, int64 [P]. Proxies
        are numbered by cluster, visible first.

    >>> split_by_modality(np.array([0, 1, 0, -1]), np.array([0, 0, 1, 1], np.int8))
    (array([ 0,  2,  1, -1]), array([0, 0, 1]))
    """
    members = labels != NOISE
    codes, proxy = np.unique(len(Modality) * labels[members] + modality[members], return_inverse=True)
    proxies = np.full(len(labels), NOISE)
    proxies[members] = proxy
    return proxies, codes // len(Modality)
