"""The section `data` of a configuration: which tracklets are read, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from raydist.config import Choice, Positive, Section
from raydist.data.datasets.dataset import ALL_TRIALS
from raydist.data.datasets.registry import DATASETS
from raydist.data.frames.ranges import RangeSetting, checked_range
from raydist.data.frames.resizing import RESIZES
from raydist.data.synthetic.presets import PRESETS
from raydist.data.synthetic.registry import LAYOUTS
from raydist.errors import ConfigError
from raydist.evaluation.registry import PROTOCOLS
from raydist.on_resume import Free, Kept, SameData
from raydist.randomness import MAX_SEED
from raydist.registry import shown


class DataSection(Section):
    """Which tracklets are read, and how their frames are cut into clips.

    SYSU-MM01, RegDB and LLCM hold single images, tracklets of one frame: frames=1 and sub_tracklets=1 are
    enough for them.
    """

    name: Kept[Annotated[str, Choice(DATASETS)]] = Field("synthetic", description="Data set.")
    root: SameData[str | None] = Field(
        None, description="Its folder, or the manifest file; not for synthetic."
    )
    frames_root: SameData[str | None] = Field(
        None, description="Manifest: folder of the frames; by default that of the manifest."
    )
    outside_frames: SameData[bool] = Field(
        False, description="Manifest: follow absolute paths, .. and links that lead out of that folder."
    )
    trial: Kept[Positive | Literal["all"]] = Field(
        1, description="Which of RegDB's ten splits, or a run on each; others have one."
    )
    preset: Kept[Annotated[str, Choice(PRESETS)]] = Field(
        "ci", description="Synthetic: which world is drawn."
    )
    layout: Kept[Annotated[str, Choice(tuple(LAYOUTS))]] = Field(
        "hitsz_vcm", description="Synthetic: in which layout it is written."
    )
    preset_seed: Kept[int] = Field(0, ge=0, le=MAX_SEED, description="Synthetic: seed of the world.")
    mismatch: SameData[Literal["drop", "error"]] = Field(
        "drop", description="Leave out tracklets whose files disagree, or refuse the data set."
    )
    auxiliary: Kept[bool] = Field(False, description="BUPTCampus: also train on its auxiliary tracklets.")
    paired: Kept[bool] = Field(
        False,
        description="BUPTCampus: methods may know which tracklets were recorded together (supervision).",
    )
    validation_identities: Kept[float] = Field(
        0.0, ge=0, lt=1, description="Share of the training identities that is held out for validation."
    )
    height: Kept[int] = Field(64, ge=8, le=1024, description="Height of a frame in pixels.")
    width: Kept[int] = Field(32, ge=8, le=1024, description="Width of a frame in pixels.")
    frames: Kept[Positive] = Field(4, description="Frames of a training clip (T).")
    sub_tracklets: Kept[int] = Field(
        2, ge=1, le=16, description="Equal parts of a tracklet with a feature each (K)."
    )
    flip_average: Kept[bool] = Field(
        False, description="Cluster and rank the mean feature of a clip and its mirror image."
    )
    cache: Free[Literal["auto", "packed", "off"]] = Field(
        "auto", description="Keep decoded frames on disk: those that fit, all of them, or none."
    )
    cache_gb: Free[float] = Field(
        4.0, ge=0, description="10^9 bytes of decoded frames that data.cache = auto keeps."
    )
    verify: Free[Literal["auto", "files", "folders"]] = Field(
        "auto", description="Opened manifest: look at all files again, or at folders and a sample of files."
    )
    range: Kept[RangeSetting] = Field(
        "full", description="Stored values that become black and white, for all or by camera or modality."
    )
    resize: Kept[Annotated[str, Choice(RESIZES)]] = Field(
        "area", description="How frames of another size are resized for training."
    )
    unreadable: SameData[Literal["error", "skip"]] = Field(
        "error", description="Refuse frames that cannot be read, or leave up to 5 % of them out."
    )
    workers: Free[int] = Field(2, ge=0, description="Threads that decode frames.")
    prefetch: Free[int] = Field(
        1, ge=0, le=64, description="Batches that a thread renders while the encoder is at one before them."
    )

    @field_validator("trial", mode="before")
    @classmethod
    def _trial_is_one(cls, value: Any) -> Any:
        if value == ALL_TRIALS or (isinstance(value, int) and value >= 1):
            return value
        raise ConfigError(
            f"data.trial = {shown(value)}: expected the number of a split, from 1, or {ALL_TRIALS}"
        )

    @field_validator("range", mode="before")
    @classmethod
    def _range_is_one(cls, value: Any) -> Any:
        return checked_range(value)

    @field_validator("preset", mode="before")
    @classmethod
    def _null_is_a_name(cls, value: Any) -> Any:
        return "null" if value is None else value  # YAML reads the preset's name as nothing

    @model_validator(mode="after")
    def _trial_is_published(self) -> DataSection:
        last = DATASETS.load(self.name).num_trials
        if self.trial == ALL_TRIALS and last == 1:
            raise ConfigError(f"data.trial = {ALL_TRIALS}: data set {self.name} has one split; leave it out")
        if isinstance(self.trial, int) and 1 < last < self.trial:
            raise ConfigError(
                f"data.trial = {self.trial}: data set {self.name} has the splits 1 to {last}, or "
                f"{ALL_TRIALS}, a run on each"
            )
        return self

    @model_validator(mode="after")
    def _root_and_protocol_are_known(self) -> DataSection:
        dataset = DATASETS.load(self.name)
        if not dataset.drawn and self.root is None:
            raise ConfigError(
                f"data.name = {self.name} needs data.root: "
                "the folder (or manifest file) that holds the data set"
            )
        if dataset.protocol is not None:
            PROTOCOLS.check(dataset.protocol)
        return self
