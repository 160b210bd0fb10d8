"""What the workers of a group are given: what to do, and the actors that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from raydist.engine.schema import Config
from raydist.engine.step_memory import StepMemory
from raydist.places import copy_of

ActorHandle = Any
"""The handle of an actor; Ray's own type knows no methods."""


@dataclass(frozen=True)
class GroupActors:
    """The actors of a group of workers.

    Attributes:
        board: of `raydist.distributed.board.Board`.
        shards: of `raydist.distributed.shards.feature_shard.FeatureShard`.
    """

    board: ActorHandle
    shards: Sequence[ActorHandle]


@dataclass(frozen=True)
class Job:
    """What every worker of a group is given.

    Attributes:
        actors: the board and the feature shards.
        place: of the run or of the trial: the absolute path of its folder, or an address in an object store.
    """

    actors: GroupActors
    place: str

    @property
    def folder(self) -> Path:
        """The folder, or its copy in the process that asks."""
        return copy_of(self.place)


@dataclass(frozen=True)
class TrainingJob(Job):
    """A training.

    Attributes:
        config: the whole configuration.
        inputs: the name of what the driver has opened, see `raydist.engine.input_index`.
        run_id: the MLflow run that rank 0 logs to; None without MLflow.
        mlflow_uri: its address with the password, which `config` does not have; None without MLflow.
        mlflow_login: the environment variables of the driver that MLflow itself logs in with.
    """

    config: Config
    inputs: str
    run_id: str | None
    mlflow_uri: str | None = field(default=None, repr=False)
    mlflow_login: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class OpenedData:
    """A data set that the driver of a search has opened.

    Attributes:
        sizes: training tracklets of each modality.
        index: its name, see `raydist.engine.input_index`.
        step: what a step of the study's configuration takes on a worker.
    """

    sizes: Sequence[int]
    index: str
    step: StepMemory


@dataclass(frozen=True)
class TrialJob(Job):
    """A trial of a search.

    Attributes:
        configs: data set -> its configuration.
        inputs: data set -> the name of what the driver of the search has opened, see
            `raydist.engine.input_index`.
    """

    configs: Mapping[str, Config]
    inputs: Mapping[str, str]


AnyJob = TypeVar("AnyJob", bound=Job)
