"""The section `run` of a configuration: where a run lives, and what makes it repeatable."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from raydist.config import Section
from raydist.on_resume import Kept, Unused
from raydist.places import copy_of, is_remote
from raydist.randomness import MAX_SEED


class RunSection(Section):
    """Where a run lives and what makes it repeatable."""

    name: Unused[str | None] = Field(
        None, pattern=r"^[\w.-]+$", description="Name of the run's folder; by default METHOD-DATA-NUMBER."
    )
    dir: Unused[str] = Field("runs", description="Folder that holds the folders of runs, or s3://BUCKET/KEY.")
    on_exists: Unused[Literal["error", "resume"]] = Field(
        "error",
        description="Refuse a run.name that is taken, or go on with it, as a retried job does.",
    )
    seed: Kept[int] = Field(0, ge=0, le=MAX_SEED, description="Seed of everything that is drawn.")
    deterministic: Kept[bool] = Field(True, description="Use deterministic algorithms of torch only.")

    @field_validator("dir")
    @classmethod
    def _is_a_place(cls, value: str) -> str:
        if "://" in value and not is_remote(value):
            raise ValueError("expected a folder of this machine, s3://BUCKET/KEY or gs://BUCKET/KEY")
        copy_of(value)
        return value
