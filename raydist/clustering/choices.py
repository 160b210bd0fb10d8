"""The clustering algorithms by name, and the parameters that a distance and an algorithm declare together.

Light: no compiled code is imported until rows are clustered.
"""

from __future__ import annotations

from collections.abc import Mapping

from raydist.clustering.clusterer import Clusterer
from raydist.errors import ConfigError
from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.jaccard.registry import DISTANCES
from raydist.parameters import Parameter, parameters
from raydist.registry import Attribute, Entry, Registry

CLUSTERINGS: Registry[type[Clusterer]] = Registry(
    "clustering.algorithm",
    {
        "dbscan": Entry("raydist.clustering.dbscan_spec:Dbscan", "clusters of one density, within a radius."),
        "hdbscan": Entry("raydist.clustering.hdbscan_spec:Hdbscan", "clusters of any density, no radius."),
    },
    kind="raydist.clustering.clusterer:Clusterer",
    subclass=True,
    needs={"name": Attribute("builtins:str")},
)


def distance_class(name: str) -> type[Distance]:
    """The distance of that name, or of that ``package.module:Name``.

    Raises:
        ConfigError: there is none, or it is no `Distance`.

    >>> distance_class("jaccard").__name__
    'PlainJaccard'
    """
    return DISTANCES.load(name)


def clusterer_class(name: str) -> type[Clusterer]:
    """The algorithm of that name, or of that ``package.module:Name``.

    Raises:
        ConfigError: there is none, or it is no `Clusterer`.

    >>> clusterer_class("dbscan").__name__
    'Dbscan'
    """
    return CLUSTERINGS.load(name)


def declared_parameters(distance: str = "jaccard", algorithm: str = "dbscan") -> dict[str, Parameter]:
    """The parameters that may be given with a distance and an algorithm, by name.

    Those of the other distances and algorithms of this package may be given too: they have no effect, but a
    configuration that is laid over another one, or clusters in two ways, can hold the values of both. Where
    several declare a parameter, the chosen distance and algorithm come first.

    Raises:
        ConfigError: there is no such distance or algorithm, or it gives a parameter another type than the one
            that has its name here, or has a parameter that cannot be one.

    >>> list(declared_parameters())[:4]
    ['k1', 'k2', 'renormalise', 'k1_intra']
    """
    chosen: list[type[Distance] | type[Clusterer]] = [distance_class(distance), clusterer_class(algorithm)]
    others = [*map(distance_class, DISTANCES), *map(clusterer_class, CLUSTERINGS)]
    declared: dict[str, Parameter] = {}
    for own in chosen:
        if taken := {"distance", "algorithm"} & parameters(own).keys():
            raise ConfigError(
                f"{own.__name__}.{taken.pop()}: a parameter cannot have this name, which is "
                "a key of its own in the section clustering; rename it"
            )
    for part in others:
        for name, one in parameters(part).items():
            declared.setdefault(name, one)
    for part in chosen:
        _require_equal_types(part, declared)
        declared |= parameters(part)
    return declared


def _require_equal_types(part: type[Distance] | type[Clusterer], declared: Mapping[str, Parameter]) -> None:
    """Refuse a part whose field has the name of a parameter, but not its type."""
    for name, one in parameters(part).items():
        if name in declared and one.type != declared[name].type:
            raise ConfigError(
                f"{part.__module__}:{part.__name__}.{name} is of type {_type_name(one)}, but the parameter "
                f"{name} of this package is of type {_type_name(declared[name])}: "
                "give the field that type, or another name"
            )


def _type_name(one: Parameter) -> str:
    return one.type.__name__ if isinstance(one.type, type) else str(one.type)


def owners_of(name: str) -> tuple[list[str], list[str]]:
    """The distances and the algorithms of this package that declare a parameter.

    >>> owners_of("gate"), owners_of("min_samples")
    ((['modality-aware'], []), ([], ['dbscan', 'hdbscan']))
    """
    distances = [one for one in DISTANCES if name in parameters(distance_class(one))]
    return distances, [one for one in CLUSTERINGS if name in parameters(clusterer_class(one))]
