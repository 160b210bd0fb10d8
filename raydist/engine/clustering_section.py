"""The section ``clustering`` of the configuration: the keys that distances and algorithms declare."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model, model_validator

from raydist.clustering.choices import CLUSTERINGS, declared_parameters
from raydist.clustering.spec import ClusterSpec
from raydist.config import NO_TRUTH_VALUE, Choice, Raw, Section, require_text
from raydist.errors import ConfigError, NoEffectWarning
from raydist.neighbours.jaccard.registry import DISTANCES
from raydist.on_resume import OnResume
from raydist.parameters import Parameter
from raydist.registry import nearest
from raydist.types import Modality

_annotated: Any = Annotated  # types that are made here, which mypy need not follow
_dict: Any = dict


def _type_of(one: Parameter) -> Any:
    """The type of a value with its bounds, as pydantic reads it."""
    bounds = {name: bound for name, bound in one.bounds._asdict().items() if bound is not None}
    return _annotated[one.type, Field(**bounds)]


def _key(one: Parameter) -> tuple[Any, Any]:
    """The key of a parameter: its type and its field."""
    kind = _type_of(one)
    if one.per_modality:
        kind = kind | _dict[Literal["visible", "infrared"], kind]
    return kind, Field(one.default, description=one.help)


_KEYS: Raw = {name: _key(one) for name, one in declared_parameters().items()}
_Declared: Any = create_model(
    "_Declared",
    __base__=Section,
    distance=(
        _annotated[str, Choice(DISTANCES)],
        Field("jaccard", description="Distance between tracklets."),
    ),
    algorithm=(_annotated[str, Choice(CLUSTERINGS)], Field("dbscan", description="Clustering algorithm.")),
    **_KEYS,
)


class ClusteringSection(_Declared):
    """How each modality is clustered; `eps` and `k1` may be given per modality.

    The keys are the parameters of all distances and algorithms of this package. Where `distance` or
    `algorithm` is a class of your own, its parameters are keys too, and its defaults take the place of those
    of this package.
    """

    on_resume: ClassVar = OnResume.KEPT

    model_config = ConfigDict(extra="allow")  # those keys; `_take_declared` refuses all others

    @model_validator(mode="before")
    @classmethod
    def _take_declared(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        chosen = {name: raw.get(name, cls.model_fields[name].default) for name in ("distance", "algorithm")}
        for name, value in chosen.items():
            require_text(f"clustering.{name}", value)
        declared = declared_parameters(**chosen)
        values, problems = {name: one.default for name, one in declared.items()} | dict(raw), []
        for key in raw:
            try:
                values[key] = chosen[key] if key in chosen else _checked(str(key), values[key], declared)
            except ConfigError as error:
                problems.append(str(error))
        if problems:
            raise ConfigError("\n".join(problems))
        return values

    @model_validator(mode="after")
    def _specs_can_be_made(self) -> ClusteringSection:
        try:
            _ = [self.spec(modality) for modality in Modality]
        except ConfigError as error:
            raise ConfigError(f"clustering: {error}") from None
        return self

    def spec(self, modality: Modality) -> ClusterSpec:
        """The values for one modality."""
        values = {k: v[modality.label] if isinstance(v, dict) else v for k, v in self.model_dump().items()}
        return ClusterSpec(**values)


def warn_of_no_effect(section: ClusteringSection, method: BaseModel, given: Iterable[str]) -> None:
    """Warn of keys that neither the distance nor the algorithm has, and of those that are cut.

    Args:
        section: how each modality is clustered.
        method: its hyper-parameters; where it clusters by another distance too, that has a key ``distance``.
        given: keys of the section that were written on the command line.
    """
    specs = [section.spec(modality) for modality in Modality]
    others = [specs[0].with_values(distance=name) for name in _distances(method.model_dump())]
    used = {"distance", "algorithm"}.union(*(spec.used for spec in (*specs, *others)))
    lines = [
        f"clustering.{key} has no effect with clustering.distance = {specs[0].distance} and "
        f"clustering.algorithm = {specs[0].algorithm}"
        for key in given
        if key not in used
    ]
    for line in dict.fromkeys(
        [*lines, *(f"clustering.{spec.metric.cut}" for spec in specs if spec.metric.cut)]
    ):
        warnings.warn(line, NoEffectWarning, stacklevel=2)


def _distances(params: Mapping[str, Any]) -> Iterator[str]:
    """The distances that a method names, at any depth of its hyper-parameters."""
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _distances(value)
        elif key == "distance" and isinstance(value, str):
            yield value


def _checked(key: str, value: Any, declared: Mapping[str, Parameter]) -> Any:
    """The value of a key in the type of its parameter, or one such value for each modality.

    Raises:
        ConfigError: an unknown key, another type, a number out of range, or one modality alone.
    """
    path = f"clustering.{key}"
    if key not in declared:
        raise ConfigError(f"unknown key {path}{nearest(key, ['distance', 'algorithm', *declared])}")
    if not (declared[key].per_modality and isinstance(value, dict)):
        return _typed(path, value, declared[key])
    if set(value) != {m.label for m in Modality}:
        raise ConfigError(
            f"{path}: {value} names {sorted(map(str, value))}; "
            "give one value, or one for visible and one for infrared"
        )
    return {name: _typed(f"{path}.{name}", one, declared[key]) for name, one in value.items()}


def _typed(path: str, value: Any, one: Parameter) -> Any:
    if isinstance(value, bool) and one.type is not bool:
        raise ConfigError(f"{path} = {value!r}: {NO_TRUTH_VALUE}")
    try:
        return TypeAdapter(_type_of(one)).validate_python(value)
    except ValidationError as error:
        raise ConfigError(f"{path} = {value!r}: {error.errors()[0]['msg'].lower()}") from None
