"""The events of a training and of a comparison: frozen values, one class for each kind.

The command line shows them, trackers and files keep them, and workers send them to the driver through the
board. The events of a search are in `raydist.tuning.events`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from raydist.evaluation.headings import METRICS
from raydist.json_values import check_shape

Scores = Mapping[str, Mapping[str, float]]
"""Direction -> measure -> percent."""


def check_scores(scores: Scores | None, place: str) -> None:
    """Refuse scores of no direction, or without a measure, as no version has written them.

    Raises:
        ValueError: the message says where, beginning with `place`.

    >>> check_scores({"visible_to_infrared": {"rank1": 5.0}}, "last")
    Traceback (most recent call last):
    ValueError: last: visible_to_infrared: rank5: field required
    """
    from raydist.evaluation.directions import DIRECTIONS  # here, because the command line starts without it

    for direction, values in (scores or {}).items():
        if direction not in DIRECTIONS:
            raise ValueError(f"{place}: {direction}: expected {' or '.join(DIRECTIONS)}")
        for measure in METRICS:
            if measure not in values:
                raise ValueError(f"{place}: {direction}: {measure}: field required")


@dataclass(frozen=True)
class EpochReport:
    """How one epoch went.

    Attributes:
        epoch: counted from 1; 0 is the untrained encoder.
        stage: name of the stage, or ``untrained``.
        losses: mean of every loss term over the epoch.
        frames_seen: training frames that went through the encoder since the start.
        learning_rate: of the last step of the epoch.
        skipped_steps: steps of the epoch that were left out because their gradients were not finite; None
            where the precision does without (fp32, bf16).
        metrics: the method's own numbers, such as a threshold in force.
        criteria: measures that need no identities, where they were asked for.
        clusters: for each modality ``count``, ``noise`` and, where identities are known, ``ari``, ``nmi``,
            ``purity``; empty when the stage makes no clusters.
        association: how well links across the modalities agree with the identities.
        retrieval: where the encoder was evaluated after this epoch, else None.
        searches: the same by the other searches of the data set, by name.
        seconds: of each part of the epoch.
    """

    epoch: int
    stage: str
    losses: Mapping[str, float] = field(default_factory=dict)
    frames_seen: int | None = None
    learning_rate: float | None = None
    skipped_steps: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    criteria: Mapping[str, float] = field(default_factory=dict)
    clusters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    association: Mapping[str, float] = field(default_factory=dict)
    retrieval: Scores | None = None
    searches: Mapping[str, Scores] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def as_row(self) -> dict[str, Any]:
        """The row of ``metrics.jsonl``: what is empty is left out.

        >>> EpochReport(3, "warm-up", losses={"tracklet": 2.5}).as_row()
        {'epoch': 3, 'stage': 'warm-up', 'loss': {'tracklet': 2.5}}
        """
        values = {_ROW_KEYS.get(name, name): value for name, value in asdict(self).items()}
        return {name: value for name, value in values.items() if value is not None and value != {}}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> EpochReport:
        """The report of a row of ``metrics.jsonl``; keys of other versions are passed over.

        Raises:
            ValueError: the row has another shape; the message says where.
        """
        names = {_ROW_KEYS.get(name, name): name for name in cls.__dataclass_fields__}
        values = {names[key]: value for key, value in row.items() if key in names}
        check_shape(values, cls)
        report = cls(**values)
        for name, scores in ({"retrieval": report.retrieval} | dict(report.searches)).items():
            check_scores(scores, name)
        return report


_ROW_KEYS = {"losses": "loss", "metrics": "figures"}
"""Field -> its key in files, where the two differ."""


@dataclass(frozen=True)
class Preparing:
    """Something begins that takes long, such as drawing, packing or starting Ray."""

    what: str


@dataclass(frozen=True)
class AlreadyFinished:
    """A run that is to go on has ended before: nothing is trained.

    Attributes:
        folder: of the run.
        num_epochs: that it was trained for.
    """

    folder: str
    num_epochs: int


@dataclass(frozen=True)
class MemoryForecast:
    """What the processes of a training may take at their peaks, in 10^6 bytes; code and libraries are a part.

    Attributes:
        driver_mb: of the process that starts the training.
        board_mb: of the actor through which workers share references.
        worker_mb: of the worker that takes most; on a GPU, without what lies there.
        shard_mb: of a feature shard.
        store_mb: of features, lists and sparse rows in the object stores of all nodes.
        step_mb: the part of a worker's, or of its GPU's, that weights, optimizer and the frames of a step
            take, or those of which features are extracted at one time.
        step_frames: how many frames these are; 0 where their activations are not known.
        on_gpu: whether that part is on the GPU.
    """

    driver_mb: float
    board_mb: float
    worker_mb: float
    shard_mb: float
    store_mb: float
    step_mb: float
    step_frames: int
    on_gpu: bool = False


@dataclass(frozen=True)
class Started:
    """A training begins.

    Attributes:
        folder: of the run.
        mlflow_uri: where it is tracked, or None.
        tracklets: modality -> training tracklets.
        frames: modality -> their frames.
        ranked: queries and gallery tracklets.
        notes: what the reader left out, with how often.
        slots_mb: what the slots of tracklets take on every worker; 0 where there are none.
        slots_parted: whether each worker has a part of them.
        num_shards: feature shards.
        shard_mb: what each may take.
        expected: what the processes may take.
        protocol: how queries and gallery are ranked.
        not_scored: why the encoder cannot be scored on them; None where it can.
        resumed: whether the folder is that of an earlier run.
        start: what the encoder starts from, see `raydist.engine.start.check_start`; empty for a checkpoint.
    """

    folder: str
    mlflow_uri: str | None
    tracklets: Mapping[str, int]
    frames: Mapping[str, int]
    ranked: int
    notes: Mapping[str, int]
    slots_mb: float
    num_shards: int
    shard_mb: float
    expected: MemoryForecast
    protocol: str
    slots_parted: bool = False
    not_scored: str | None = None
    resumed: bool = False
    start: str = ""


@dataclass(frozen=True)
class StepDone:
    """A step of an epoch is done.

    Attributes:
        epoch: counted from 1.
        step: likewise.
        num_steps: of the epoch.
        num_epochs: of the run; None where that is not known.
    """

    epoch: int
    step: int
    num_steps: int
    num_epochs: int | None = None


EXTRACTION, REFRESH, EVALUATION = "extraction", "refresh", "evaluation"
"""The parts of an epoch beside its steps."""


@dataclass(frozen=True)
class PhaseAdvanced:
    """A part of an epoch beside its steps has begun, or is further.

    Attributes:
        epoch: counted from 1; 0 is the untrained encoder.
        phase: one of the three above.
        done: how much of it is.
        total: of how much; None where that is not known.
        num_epochs: of the run.
    """

    epoch: int
    phase: str
    done: int
    total: int | None
    num_epochs: int


@dataclass(frozen=True)
class EpochDone:
    """An epoch is over and safe on disk."""

    report: EpochReport
    num_epochs: int


@dataclass(frozen=True)
class MemoryTaken:
    """What the processes of a training took at their peaks, in 10^6 bytes; code and libraries are a part.

    What a process maps of the object store, which the processes of a node share, counts for each of them.

    Attributes:
        driver_mb: of the process that started the training.
        board_mb: of the actor through which workers share references.
        workers_mb: of each worker, by rank.
        shards_mb: of each feature shard.
        store_mb: of the object stores of all nodes that have a shard, whoever wrote there; 0 where that is
            not known.
        expected: what was forecast of each.
    """

    driver_mb: float
    board_mb: float
    workers_mb: Sequence[float]
    shards_mb: Sequence[float]
    store_mb: float
    expected: MemoryForecast


@dataclass(frozen=True)
class ReportWritten:
    """The page of a run is written."""

    path: str


@dataclass(frozen=True)
class CellStarted:
    """A comparison, or a training on all splits of a data set, comes to one of its runs.

    Attributes:
        number: of the run, counted from 1.
        num_cells: how many runs there are.
        name: of the run's folder.
        done: whether it was finished before.
        folder: what is gone on with, of the runs on all splits of a data set; None for a comparison, where
            the same command does.
    """

    number: int
    num_cells: int
    name: str
    done: bool
    folder: str | None = None


Event = (
    Preparing
    | AlreadyFinished
    | Started
    | StepDone
    | PhaseAdvanced
    | EpochDone
    | MemoryTaken
    | ReportWritten
    | CellStarted
)
OnEvent = Callable[[Event], None]
"""Called with every event."""
