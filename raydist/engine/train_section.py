"""The section ``train`` of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from raydist.config import Expected, Positive, Section
from raydist.engine.precision import Precision
from raydist.errors import ConfigError
from raydist.methods.schedule import StepEpochs
from raydist.on_resume import Kept, Longer
from raydist.types import Modality

ByModality = Positive | dict[Literal["visible", "infrared"], Positive]
ONE_OR_BOTH = "a whole number, at least 1, or one for visible and one for infrared"


class TrainSection(Section):
    """How long, on how many clips a step, and how fast."""

    epochs: Longer[Positive] = Field(20, description="Epochs of all stages together.")
    iterations: Kept[Positive] = Field(50, description="Steps of an epoch.")
    epoch_frames: Kept[Positive | None] = Field(
        None, description="Training frames of an epoch, in the place of iterations: equal for all stages."
    )
    limit_epochs: Longer[Positive | None] = Field(
        None, description="Train at most so many epochs in all, but one of each stage."
    )
    batch_identities: Kept[Annotated[ByModality, Expected(ONE_OR_BOTH)]] = Field(
        8, description="Clusters of a batch (P), of each modality or by modality."
    )
    batch_instances: Kept[Positive] = Field(4, description="Clips of each of them.")
    optimizer: Kept[Literal["adam", "adamw", "sgd"]] = Field("adam", description="Optimizer.")
    lr: Kept[float] = Field(1e-3, gt=0, description="Learning rate at the start of a stage.")
    weight_decay: Kept[float] = Field(5e-4, ge=0, description="Weight decay.")
    schedule: Kept[Literal["cosine", "step", "constant"]] = Field(
        "cosine", description="Course of the learning rate."
    )
    step_epochs: Kept[StepEpochs | None] = Field(
        None,
        description="Schedule step: falls at these epochs of a stage, or every so many; none: by shares.",
    )
    precision: Kept[Precision] = Field("fp32", description="Number format of training; fp16 scales the loss.")

    @property
    def num_identities(self) -> dict[Modality, int]:
        """P of each modality."""
        given = self.batch_identities
        if isinstance(given, int):
            return dict.fromkeys(Modality, given)
        return {Modality.VISIBLE: given["visible"], Modality.INFRARED: given["infrared"]}

    @field_validator("batch_identities")
    @classmethod
    def _of_both_modalities(cls, value: int | dict[str, int]) -> int | dict[str, int]:
        if isinstance(value, dict) and len(value) < len(Modality):
            raise ConfigError(
                f"train.batch_identities = {value}: give one number, or one for visible and one for infrared"
            )
        return value
