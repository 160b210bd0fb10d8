"""The root of the configuration: every section and key, with bounds and defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from raydist.config import (
    Choice,
    Positive,
    Raw,
    Section,
    compose,
    find,
    merge,
    overrides,
    put,
    require_text,
    validate,
)
from raydist.data.frames.resizing import RESIZES
from raydist.encoders.build import check_temporal, chosen_pooling, feature_width
from raydist.encoders.non_local import NonLocalWidth
from raydist.encoders.registry import ENCODERS, POOLINGS, TEMPORALS
from raydist.encoders.variant import chosen_backbone
from raydist.engine.clustering_section import ClusteringSection, warn_of_no_effect
from raydist.engine.data_section import DataSection
from raydist.engine.ray_section import RaySection
from raydist.engine.report_section import ReportSection
from raydist.engine.run_section import RunSection
from raydist.engine.tracking_section import TrackingSection
from raydist.engine.train_section import TrainSection
from raydist.engine.without_effect import warn_of_keys_without_effect
from raydist.errors import ConfigError
from raydist.evaluation.registry import PROTOCOLS
from raydist.home import resolve_uri
from raydist.memories.rules import MemoryRule
from raydist.methods.method import Params
from raydist.methods.registry import method_class
from raydist.on_resume import Free, Kept, OnResume
from raydist.places import resolve_place
from raydist.randomness import MAX_SEED
from raydist.registry import shown
from raydist.types import Modality
from raydist.yaml_files import dump_yaml

RECIPES = Path(__file__).parent.parent / "recipes"


class EncoderSection(Section):
    """Which encoder, and what it starts from."""

    name: Kept[Annotated[str, Choice(ENCODERS)]] = Field("small", description="Backbone.")
    weights: Kept[str | None] = Field(
        None,
        description="File of weights, or RUN_DIR[@last|@best|@N] of another run; none starts from the seed.",
    )
    two_stream: Kept[bool | None] = Field(
        None, description="A stem for each modality; by default as the backbone is published."
    )
    non_local: Kept[NonLocalWidth | None] = Field(
        None,
        description="Inner width of AGW's non-local blocks, 1 or half the channels; by default as named.",
    )
    branches: Kept[Literal[1, 2]] = Field(1, description="2 adds the shallow branch of vit_b16.")
    recompute: Free[bool] = Field(
        False, description="Compute activations again in the backward pass: less memory, more time."
    )
    pooling: Kept[Annotated[str | None, Choice(POOLINGS)]] = Field(
        None, description="Pooling over space; by default the backbone's own."
    )
    temporal: Kept[Annotated[str, Choice(TEMPORALS)]] = Field(
        "mean", description="Pooling over the frames of a clip."
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> EncoderSection:
        chosen_backbone(self.name, non_local=self.non_local)
        chosen_pooling(self.name, pooling=self.pooling, branches=self.branches)
        if self.temporal not in TEMPORALS:
            width = feature_width(self.name, pooling=self.pooling, branches=self.branches)
            check_temporal(self.temporal, width)
        return self


class EvaluationSection(Section):
    """When and by which protocol the encoder is evaluated."""

    on_resume: ClassVar = OnResume.KEPT

    every: int = Field(5, ge=0, description="Epochs between evaluations; 0 evaluates the last epoch only.")
    split: Literal["test", "validation"] = Field("test", description="Which identities are ranked.")
    protocol: Annotated[str | None, Choice(PROTOCOLS)] = Field(
        None, description="Evaluation protocol; by default the data set's own."
    )
    resize: Annotated[str | None, Choice(RESIZES)] = Field(
        None, description="How frames are resized for queries and gallery; by default as data.resize."
    )
    criteria: bool = Field(False, description="Also measure criteria that need no identities.")

    def pixels_of(self, data: DataSection) -> DataSection:
        """The section `data` as it holds for the frames of queries and gallery."""
        return data.model_copy(update={"resize": self.resize or data.resize})


class MemorySection(Section):
    """How prototypes move, and how much memory they and a feature shard may take."""

    rule: Kept[MemoryRule] = Field(
        "mean",
        description="Prototypes move by the mean of a batch's samples, or in turn "
        "(no effect in cba, hitpro, bmil).",
    )
    replicate_mb: Free[int] = Field(
        1024,
        ge=0,
        description="Most that the slots of tracklets may take on a worker, in MB; if more, each has a part.",
    )
    shard_mb: Free[Positive] = Field(8192, description="Most that one feature shard may take, in MB.")


class TuneSection(Section):
    """A search for hyper-parameters: how many samples are tried, how they are drawn, stopped and compared.

    `objective` is the mean mAP of both directions on held-out identities, or one of
    `raydist.engine.criteria`; for several data sets it is the mean over them.
    """

    on_resume: ClassVar = OnResume.FREE

    num_samples: Positive = Field(8, description="Trials of the search.")
    search: Literal["random", "optuna"] = Field("random", description="How the values of a trial are chosen.")
    scheduler: Literal["asha", "none"] = Field(
        "asha", description="Whether trials that fall behind are stopped early."
    )
    objective: Literal["map", "silhouette", "stability", "consistency", "balance"] = Field(
        "map", description="What trials are compared by; all but map need no identities."
    )
    max_concurrent: Positive | None = Field(
        None, description="Most trials at once; by default as many as the cluster has room for."
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="Seed of the search.")


class Config(Section):
    """A whole run."""

    run: RunSection = RunSection()
    data: DataSection = DataSection()
    encoder: EncoderSection = EncoderSection()
    method: SerializeAsAny[Params] = Field(default_factory=lambda: method_params({"name": "cba"}))
    clustering: ClusteringSection = ClusteringSection()
    train: TrainSection = TrainSection()
    ray: RaySection = RaySection()
    evaluation: EvaluationSection = EvaluationSection()
    memory: MemorySection = MemorySection()
    tune: TuneSection = TuneSection()
    tracking: TrackingSection = TrackingSection()
    report: ReportSection = ReportSection()

    @field_validator("method", mode="before")
    @classmethod
    def _method_of_that_name(cls, value: Any) -> Any:
        return value if isinstance(value, Params) else method_params(value)

    @model_validator(mode="after")
    def _validation_needs_identities(self) -> Config:
        if self.evaluation.split == "validation" and self.data.validation_identities == 0:
            raise ConfigError(
                "evaluation.split = validation needs data.validation_identities > 0, such as 0.2"
            )
        return self

    @model_validator(mode="after")
    def _the_method_takes_such_features(self) -> Config:
        name = self.method.name
        renormalise = self.clustering.spec(Modality.VISIBLE).renormalise
        if not renormalise and not method_class(name).takes_any_length:
            raise ConfigError(
                f"clustering.renormalise = false: the method {name} takes features of unit length; "
                "leave it out"
            )
        return self

    def dump(self) -> str:
        """The configuration as YAML that `raydist train` takes."""
        return dump_yaml(self.model_dump(mode="json"))


def method_params(raw: Mapping[str, Any]) -> Params:
    """The checked hyper-parameters of the method that `raw["name"]` says."""
    if not isinstance(raw, Mapping) or "name" not in raw:
        raise ConfigError(f"method = {shown(raw)}: expected a section with a name, such as method.name=pgm")
    require_text("method.name", raw["name"])
    return validate(method_class(raw["name"]).Params, raw, at="method")


def load_config(recipe: str | None, words: Iterable[str] = ()) -> Config:
    """The configuration of a recipe with `section.key=value` words laid over it.

    Args:
        recipe: a name in ``raydist/recipes``, a path of a YAML file, or None for ``demo``.
        words: overrides; ``method.name=X`` replaces the whole method section by the defaults of X, and
            ``train.iterations`` takes the place of a recipe's ``train.epoch_frames``.

    Raises:
        ConfigError: one line for everything that is wrong.
    """
    raw = compose(find(recipe or "demo", RECIPES), library=RECIPES)
    given: Raw = {}
    changes = list(overrides(words))
    for path, value in changes:
        given = put(given, path, value)
    if "name" in given.get("method", {}) and given["method"]["name"] != _method_name(raw):
        raw["method"] = {}
    if "iterations" in given.get("train", {}):
        given = {**given, "train": {"epoch_frames": None, **given["train"]}}
    config = validate(Config, merge(raw, given))
    warn_of_no_effect(config.clustering, config.method, given.get("clustering", {}))
    paths = {".".join(path) for path, value in changes if value is not None}
    warn_of_keys_without_effect(config.train, config.method, paths)
    return anchored(config)


def _method_name(raw: Raw) -> Any:
    method = raw.get("method")
    return method.get("name") if isinstance(method, Mapping) else None


def with_values(config: Config, values: Iterable[tuple[tuple[str, ...], Any]]) -> Config:
    """A checked configuration with other values at some paths, which are as `overrides` gives them.

    Raises:
        ConfigError: one line for each path that is unknown, and each value that is not legal.
    """
    raw = config.model_dump(mode="json")
    for path, value in values:
        raw = put(raw, path, value)
    return validate(Config, raw)


def anchored(config: Config) -> Config:
    """The same configuration with absolute paths, so that it means the same in every process."""
    data, encoder, tracking = config.data, config.encoder, config.tracking
    return config.model_copy(
        update={
            "run": config.run.model_copy(update={"dir": resolve_place(config.run.dir)}),
            "data": data.model_copy(
                update={
                    "root": data.root and resolve_place(data.root),
                    "frames_root": data.frames_root and resolve_place(data.frames_root),
                }
            ),
            "encoder": encoder.model_copy(
                update={"weights": encoder.weights and resolve_place(encoder.weights)}
            ),
            "tracking": tracking.model_copy(
                update={"mlflow_uri": tracking.mlflow_uri and resolve_uri(tracking.mlflow_uri)}
            ),
        }
    )
