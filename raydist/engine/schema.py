"""The root of the configuration: every section and key, with bounds and defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, SerializeAsAny, field_validator, model_validator

from raydist.clustering.spec import ClusterSpec
from raydist.config import Raw, Section, compose, find, merge, overrides, put, validate
from raydist.errors import ConfigError
from raydist.home import resolve, resolve_uri
from raydist.methods.method import Params
from raydist.methods.registry import method_class
from raydist.types import Modality

RECIPES = Path(__file__).parent.parent / "recipes"

Positive = Annotated[int, Field(ge=1)]


class RunSection(Section):
    """Where a run lives and what makes it repeatable."""

    name: str | None = Field(None, pattern=r"^[\w.-]+$")
    dir: str = "runs"
    seed: int = Field(0, ge=0)
    deterministic: bool = True


class DataSection(Section):
    """Which tracklets are read, and how their frames are cut into clips.

    `trial` is the split of RegDB, which has ten; all other data sets have one split and take no notice of it. SYSU-MM01, RegDB
    and LLCM hold single images, tracklets of one frame, for which frames=1 and sub_tracklets=1 are enough. With `flip_average`
    the features that are clustered and ranked are averaged over a clip and its mirror image.
    """

    name: Literal["synthetic", "hitsz_vcm", "buptcampus", "sysu_mm01", "regdb", "llcm", "manifest"] = (
        "synthetic"
    )
    root: str | None = None
    trial: int = Field(1, ge=1, le=10)
    preset: Literal["smoke", "ci", "hard", "oracle", "null"] = "ci"
    layout: Literal["hitsz_vcm", "buptcampus"] = "hitsz_vcm"
    preset_seed: int = Field(0, ge=0)
    mismatch: Literal["drop", "error"] = "drop"
    auxiliary: bool = False
    paired: bool = False
    validation_identities: float = Field(0.0, ge=0, lt=1)
    height: int = Field(64, ge=8, le=1024)
    width: int = Field(32, ge=8, le=1024)
    frames: Positive = 4
    sub_tracklets: int = Field(2, ge=1, le=16)
    flip_average: bool = False
    cache: Literal["auto", "packed", "off"] = "auto"
    unreadable: Literal["error", "skip"] = "error"
    workers: int = Field(2, ge=0)

    @field_validator("preset", mode="before")
    @classmethod
    def _null_is_a_name(cls, value: Any) -> Any:
        return "null" if value is None else value  # YAML reads the preset's name as nothing

    @model_validator(mode="after")
    def _root_is_given(self) -> DataSection:
        if self.name != "synthetic" and self.root is None:
            raise ConfigError(
                f"data.name = {self.name} needs data.root: the folder (or manifest file) that holds the data set"
            )
        return self


class EncoderSection(Section):
    """Which encoder, and what it starts from."""

    name: Literal[
        "small",
        "resnet18",
        "resnet34",
        "resnet50",
        "agw_resnet50",
        "agw_resnet50_non_local",
        "mobilenet_v2",
        "clip_vit_b16",
        "vit_b16",
    ] = "small"
    weights: str | None = None
    two_stream: bool | None = None
    branches: Literal[1, 2] = 1
    recompute: bool = False
    pooling: str | None = None
    temporal: Literal["mean", "attention", "attention_conv"] = "mean"


class ClusteringSection(Section):
    """How each modality is clustered; `eps` and `k1` may be given per modality."""

    distance: Literal["jaccard", "camera-aware", "modality-aware"] = "jaccard"
    algorithm: Literal["dbscan", "hdbscan"] = "dbscan"
    k1: Positive | dict[Literal["visible", "infrared"], Positive] = 30
    k2: Positive = 6
    k1_intra: Positive = 5
    k1_inter: Positive = 20
    k2_intra: Positive = 2
    k2_inter: Positive = 4
    eps: (
        Annotated[float, Field(gt=0, le=1)]
        | dict[Literal["visible", "infrared"], Annotated[float, Field(gt=0, le=1)]]
    ) = 0.6
    min_samples: Positive = 4
    min_cluster_size: int = Field(4, ge=2)
    gate: float | None = Field(None, ge=0, le=1)
    self_paced: bool = False
    margin: float = Field(0.02, gt=0, lt=1)

    @field_validator("k1", "eps")
    @classmethod
    def _both_modalities(cls, value: Any) -> Any:
        if isinstance(value, dict) and set(value) != {m.label for m in Modality}:
            raise ConfigError(
                f"clustering: {value} names {sorted(value)}; give one value, or one for visible and one for infrared"
            )
        return value

    def spec(self, modality: Modality) -> ClusterSpec:
        """The values for one modality."""
        values = {k: v[modality.label] if isinstance(v, dict) else v for k, v in self.model_dump().items()}
        return ClusterSpec(**values)


class TrainSection(Section):
    """How long, on how many clips a step, and how fast.

    `iterations` counts steps; `epoch_frames`, where it is given, takes its place and counts training frames, so that stages
    with two versions of a clip and with four are trained on equally many.
    """

    epochs: Positive = 20
    iterations: Positive = 50
    epoch_frames: Positive | None = None
    limit_epochs: Positive | None = None
    batch_identities: Positive = 8
    batch_instances: Positive = 4
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(5e-4, ge=0)
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    precision: Literal["fp32", "bf16"] = "fp32"


class RaySection(Section):
    """What the run asks of the cluster."""

    address: str | None = None
    num_workers: Positive = 2
    num_shards: Positive = 2
    shard_threads: Positive = 1
    use_gpu: bool = False
    max_failures: int = Field(2, ge=0)


class EvaluationSection(Section):
    """When and by which protocol the encoder is judged; `criteria` adds figures of merit that need no identities."""

    every: int = Field(5, ge=0)
    split: Literal["test", "validation"] = "test"
    protocol: str | None = None
    criteria: bool = False


class MemorySection(Section):
    """How large a memory may be that every worker holds a copy of, and what a feature shard may take."""

    replicate_mb: Positive = 1024
    shard_mb: Positive = 8192


class TuneSection(Section):
    """A search for hyper-parameters: how many samples are tried, how they are drawn, stopped and compared.

    `objective` is the mean mAP of both directions on held-out identities, or one of `raydist.engine.criteria`; for several data
    sets it is the mean over them. A trial that falls behind is stopped early by `asha`. As many trials run at once as the cluster
    has room for, at most `max_concurrent` where that is given.
    """

    num_samples: Positive = 8
    search: Literal["random", "optuna"] = "random"
    scheduler: Literal["asha", "none"] = "asha"
    objective: Literal["map", "silhouette", "stability", "consistency", "balance"] = "map"
    max_concurrent: Positive | None = None
    seed: int = Field(0, ge=0)


class TrackingSection(Section):
    """Where the run is logged."""

    mlflow_uri: str | None = "sqlite:///runs/mlflow.db"
    experiment: str = "raydist"


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

    def dump(self) -> str:
        """The configuration as YAML that `raydist train` takes."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def method_params(raw: Mapping[str, Any]) -> Params:
    """The checked hyper-parameters of the method that `raw["name"]` says."""
    if not isinstance(raw, Mapping) or "name" not in raw:
        raise ConfigError(f"method = {raw!r}: expected a section with a name, such as method.name=pgm")
    return validate(method_class(str(raw["name"])).Params, raw, at="method")


def load_config(recipe: str | None, words: Iterable[str] = ()) -> Config:
    """The configuration of a recipe with `section.key=value` words laid over it.

    Args:
        recipe: a name in ``raydist/recipes``, a path of a YAML file, or None for ``demo``.
        words: overrides; ``method.name=X`` replaces the whole method section by the defaults of X, and ``train.iterations``
            takes the place of a recipe's ``train.epoch_frames``.

    Raises:
        ConfigError: one line for everything that is wrong.
    """
    raw = compose(find(recipe or "demo", RECIPES), library=RECIPES)
    given: Raw = {}
    for path, value in overrides(words):
        given = put(given, path, value)
    if "name" in given.get("method", {}) and given["method"]["name"] != raw.get("method", {}).get("name"):
        raw["method"] = {}
    if "iterations" in given.get("train", {}):
        given = {**given, "train": {"epoch_frames": None, **given["train"]}}
    return anchored(validate(Config, merge(raw, given)))


def with_values(config: Config, values: Iterable[tuple[tuple[str, ...], Any]]) -> Config:
    """A configuration with the values of some paths put in, checked; paths as `raydist.config.overrides` gives them.

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
            "run": config.run.model_copy(update={"dir": str(resolve(config.run.dir))}),
            "data": data.model_copy(update={"root": data.root and str(resolve(data.root))}),
            "encoder": encoder.model_copy(
                update={"weights": encoder.weights and str(resolve(encoder.weights))}
            ),
            "tracking": tracking.model_copy(
                update={"mlflow_uri": tracking.mlflow_uri and resolve_uri(tracking.mlflow_uri)}
            ),
        }
    )
