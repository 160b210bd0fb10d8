"""How rows are clustered, as one value, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.clustering.choices import (
    clusterer_class,
    declared_parameters,
    distance_class,
    owners_of,
)
from raydist.clustering.clusterer import Clusterer
from raydist.errors import ConfigError, DataError
from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.jaccard.edges import Edges
from raydist.neighbours.jaccard.graph import Watch, jaccard_graph
from raydist.parameters import Value, values_of
from raydist.registry import nearest
from raydist.types import Floats, Labels, Modality


@dataclass(frozen=True, init=False)
class ClusterSpec:
    """A distance, an algorithm and their parameters.

    A parameter that is not given has the default of the chosen distance or algorithm; as an attribute each
    has its value. Parameters of other distances of this package may be given: see `declared_parameters`.

    Args:
        distance: a name of `raydist.neighbours.jaccard.registry.DISTANCES`, or ``package.module:Name``.
        algorithm: a name of `raydist.clustering.choices.CLUSTERINGS`, or ``package.module:Name``.
        values: parameters by name.

    Attributes:
        values: the parameters that are given, by ascending name.

    Raises:
        ConfigError: an unknown name, a number out of range, or a parameter that is switched on but would have
            no effect.

    >>> spec = ClusterSpec("camera-aware", k1_intra=3)
    >>> spec.metric
    CameraAwareJaccard(k1_intra=3, k1_inter=20, k2_intra=2, k2_inter=4)
    >>> spec.eps, spec.with_values(eps=0.5).eps
    (0.6, 0.5)
    """

    distance: str
    algorithm: str
    values: tuple[tuple[str, Value], ...]

    def __init__(self, distance: str = "jaccard", algorithm: str = "dbscan", **values: Value) -> None:
        object.__setattr__(self, "distance", distance)
        object.__setattr__(self, "algorithm", algorithm)
        object.__setattr__(self, "values", tuple(sorted(values.items())))
        self._check(values)

    def _check(self, values: Mapping[str, Value]) -> None:
        declared = declared_parameters(self.distance, self.algorithm)
        used = self.used
        for name, value in values.items():
            if name not in declared:
                raise ConfigError(f"unknown parameter {name}{nearest(name, declared)}")
            if name in used:
                continue  # its owner has checked it
            declared[name].check(value)
            if declared[name].is_switch and value != declared[name].default:
                raise ConfigError(self._without_effect(name, value))

    def _without_effect(self, name: str, value: Value) -> str:
        distances, algorithms = owners_of(name)
        what = name if value is True else f"{name} = {value}"
        chosen = self.distance if distances else self.algorithm
        others = " or ".join(distances or algorithms)
        return f"{what} with {chosen}: it has no effect there; leave it out, or take {others}"

    @property
    def used(self) -> frozenset[str]:
        """The parameters that the chosen distance and algorithm have.

        >>> "k1" in ClusterSpec().used, "k1" in ClusterSpec("camera-aware").used
        (True, False)
        """
        return frozenset({**vars(self.metric), **vars(self.clusterer)})

    @cached_property
    def metric(self) -> Distance:
        """The distance with its parameters."""
        cls = distance_class(self.distance)
        return cls(**values_of(cls, dict(self.values)))

    @cached_property
    def clusterer(self) -> Clusterer:
        """The algorithm with its parameters."""
        cls = clusterer_class(self.algorithm)
        return cls(**values_of(cls, dict(self.values)))

    @property
    def radius(self) -> float:
        """The largest distance that the algorithm asks for."""
        return self.clusterer.radius

    @property
    def parameters(self) -> dict[str, Value]:
        """Every parameter by name: the value that is given, or the default."""
        declared = declared_parameters(self.distance, self.algorithm)
        return {name: one.default for name, one in declared.items()} | dict(self.values)

    def check_modalities(self, modality: NDArray[np.int8]) -> None:
        """Refuse rows of one modality alone, where the distance compares both.

        Args:
            modality: int8 [N] of `Modality` values.

        Raises:
            DataError: with the number of rows of each.

        >>> ClusterSpec("modality-aware").check_modalities(np.zeros(3, np.int8))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        raydist.errors.DataError: the modality-aware distance needs both modalities, but there are ...
        """
        counts = {m.label: int((modality == m).sum()) for m in Modality}
        if self.metric.group == "modality" and not all(counts.values()):
            listed = ", ".join(f"{count} {label}" for label, count in counts.items())
            raise DataError(
                f"the {self.metric.name} distance needs both modalities, but there are {listed} tracklets: "
                "take jaccard"
            )

    def with_values(self, **values: Any) -> ClusterSpec:
        """The same with other values, also of ``distance`` and ``algorithm``."""
        chosen = {"distance": self.distance, "algorithm": self.algorithm}
        return ClusterSpec(**{**chosen, **dict(self.values), **values})

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in (known := self.parameters):
            return known[name]
        raise AttributeError(f"a clustering has no parameter {name!r}")


@dataclass(frozen=True)
class Clustering:
    """Labels of n rows and the distance graph that they come from.

    Attributes:
        labels: int64 [n].
        source: the graph, or what brings it here when it is asked for.
    """

    labels: Labels
    source: Edges | Callable[[], Edges]

    @property
    def edges(self) -> Edges:
        """The pairs of small distance."""
        return self.source if isinstance(self.source, Edges) else self.source()

    @property
    def num_clusters(self) -> int:
        """How many clusters there are, noise apart."""
        return int(self.labels.max(initial=-1)) + 1


def cluster_features(
    features: Floats,
    spec: ClusterSpec,
    *,
    modality: NDArray[np.int8] | None = None,
    camera: NDArray[np.generic] | None = None,
    num_slabs: int = 1,
    threads: int = 1,
    watch: Watch = nullcontext,
) -> Clustering:
    """Cluster rows by their features, in one process.

    Args:
        features: float32 [N, D], rows of unit length.
        spec: the distance, the algorithm and their parameters.
        modality: int8 [N] of `Modality`, for the modality-aware distance.
        camera: [N] of any sortable type, for the camera-aware distance.
        num_slabs: see `jaccard_graph`.
        threads: how many threads are at work; changes time, never the result.
        watch: surrounds each stage, called with its name: those of `jaccard_graph`, then ``cluster``.
    """
    graph = jaccard_graph(
        features, spec.metric, spec.metric.group_column(modality=modality, camera=camera),
        eps_max=spec.radius, num_slabs=num_slabs, threads=threads, watch=watch,
    )  # fmt: skip
    with watch("cluster"):
        return cluster_edges(graph.edges, len(features), spec)


def cluster_edges(edges: Edges, num_rows: int, spec: ClusterSpec) -> Clustering:
    """Cluster n rows by the graph of their small distances.

    Args:
        edges: every pair with a distance up to ``spec.radius``.
        num_rows: n.
        spec: the algorithm and its parameters.
    """
    return Clustering(spec.clusterer.labels(edges, num_rows), edges)
