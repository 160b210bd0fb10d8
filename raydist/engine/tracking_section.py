"""The section `tracking` of a configuration: where a run is logged."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from raydist.config import Section
from raydist.on_resume import OnResume
from raydist.redaction import without_secret


class TrackingSection(Section):
    """Where the run is logged."""

    on_resume: ClassVar = OnResume.FREE

    mlflow_uri: str | None = Field(
        "sqlite:///runs/mlflow.db",
        description="Address of MLflow, or `from:FILE` that holds it; null logs to the run's folder only.",
    )
    experiment: str | None = Field(None, description="Experiment of MLflow; by default raydist/METHOD-DATA.")
    optional: bool = Field(
        False, description="Go on without MLflow where it refuses for good; else that stops the start."
    )

    system_metrics: bool = Field(True, description="Also log CPU, memory and GPU of the driver's machine.")
    model: bool = Field(True, description="Also log the encoder as a model; needs raydist[export].")
    register_as: str | None = Field(
        None, description="Register that model under NAME, or NAME@ALIAS; null registers nothing."
    )

    @field_validator("mlflow_uri")
    @classmethod
    def _without_secret(cls, value: str | None) -> str | None:
        return value and without_secret(value)
