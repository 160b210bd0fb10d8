"""The section ``ray`` of the configuration."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from raydist.config import Expected, Positive, Section
from raydist.errors import ConfigError
from raydist.on_resume import OnResume
from raydist.types import Device

ACCELERATOR = "accelerator_type:"
"""How Ray begins the resource that nodes with a type of accelerator have 1 of."""


def _upwards(number: int | tuple[int, int]) -> int | tuple[int, int]:
    if not isinstance(number, int) and number[0] >= number[1]:
        raise ValueError
    return number


NumWorkers = Annotated[
    Positive | tuple[Positive, Positive],
    AfterValidator(_upwards),
    Expected("a whole number, at least 1, or the fewest and the most, such as [1, 4]"),
]
"""How many workers, or between which bounds they may become fewer and more while they train."""

Amounts = Annotated[
    dict[str, Annotated[float, Field(gt=0)]],
    Expected("names and amounts above 0, such as {memory: 8e9}"),
]


class RaySection(Section):
    """What the run asks of the cluster."""

    on_resume: ClassVar = OnResume.FREE

    address: str | None = Field(None, description="Address of a running cluster; none starts a local one.")
    num_workers: NumWorkers = Field(
        2, description="Processes that train together (W), or the fewest and the most, such as [1, 4]."
    )
    cpus_per_worker: Positive = Field(
        1, description="CPUs of each worker, and the threads in which it computes."
    )
    resources_per_worker: Amounts = Field(
        {}, description="What else each worker asks Ray for, such as memory."
    )
    accelerator_type: str | None = Field(
        None, description="Workers on such GPUs alone, by Ray's name, such as A100; none: on any."
    )
    label_selector: dict[str, str] = Field(
        {}, description="Workers on nodes with such labels alone, as Ray selects them."
    )
    num_shards: Positive = Field(2, description="Actors that hold the feature table (S).")
    shard_threads: Positive = Field(1, description="Threads of each of them.")
    use_gpu: bool = Field(False, description="One GPU for each worker.")
    shard_device: Device = Field("cpu", description="Where shards search; cuda on the GPUs of their nodes.")
    max_failures: int = Field(
        2, ge=0, description="How often lost workers are replaced before the run fails."
    )
    hang_timeout: Positive = Field(
        1800, description="Seconds after which a worker that does not get on is ended, and replaced."
    )
    wait_for_resources: int = Field(
        0,
        ge=0,
        le=86_400,
        description="Seconds that a running cluster has to grow to what the workers need; 0 refuses at once.",
    )
    resize_seconds: Positive = Field(
        60, description="Seconds between two looks whether there is room for another number of workers."
    )

    @property
    def fewest_workers(self) -> int:
        """The number of workers, or the lower bound of it: then each has the largest share."""
        return self.num_workers if isinstance(self.num_workers, int) else self.num_workers[0]

    @property
    def of_worker(self) -> dict[str, float]:
        """What each worker asks Ray for, but for the type of its GPU.

        >>> RaySection(use_gpu=True, cpus_per_worker=4).of_worker
        {'GPU': 1.0, 'CPU': 4.0}
        """
        gpu = {"GPU": 1.0} if self.use_gpu else {}
        return {**gpu, "CPU": float(self.cpus_per_worker), **self.resources_per_worker}

    @model_validator(mode="after")
    def _asks_fit(self) -> RaySection:
        if self.accelerator_type and not self.use_gpu:
            raise ConfigError(
                f"ray.accelerator_type = {self.accelerator_type} is of GPUs: set ray.use_gpu=true, or leave "
                "it out"
            )
        twice = sorted({"CPU", "GPU"} & self.resources_per_worker.keys())
        if twice:
            raise ConfigError(
                f"ray.resources_per_worker has {' and '.join(twice)}: write ray.cpus_per_worker for CPUs, "
                "and ray.use_gpu=true for a GPU"
            )
        return self
