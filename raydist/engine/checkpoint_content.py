"""The content of a checkpoint, read and checked before a run takes anything of it over.

What a checksum cannot see is looked at here: the files that must be there, the shape of ``state.json``, and
the names, types and shapes of the tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors import SafetensorError
from scipy.sparse import csr_array

from raydist.engine.best import MAP, by_epoch
from raydist.engine.checkpoint_folder import Files
from raydist.engine.events import EpochReport, Scores
from raydist.errors import CheckpointError, DamagedCheckpointError
from raydist.evaluation.directions import DIRECTIONS
from raydist.json_values import parse_json
from raydist.methods.method import Targets
from raydist.types import NOISE

STATE = "state.json"
TENSORS = "encoder", "modules", "optimizer", "memories"
Loaded = TypeVar("Loaded")

_LARGEST_RATE = 1e9

_OF_PARAMETERS: Mapping[type, tuple[str, ...]] = {
    torch.optim.SGD: ("momentum_buffer",),
    torch.optim.Adam: ("exp_avg", "exp_avg_sq"),
    torch.optim.AdamW: ("exp_avg", "exp_avg_sq"),
}
"""Optimizer -> what it keeps of each parameter, in its shape."""


@dataclass(frozen=True)
class Facts:
    """The keys of ``state.json``; those with a value here are absent in older checkpoints.

    Attributes:
        epoch: counted from 1.
        frames_seen: training frames since the start.
        history: epoch -> scores.
        report: the row of ``metrics.jsonl``.
        optimizer: the groups of its parameters.
        seed: of the run.
        metrics: the method's numbers for the log.
        steps: optimizer steps since the start.
        searches: epoch -> search -> scores.
        criteria: epoch -> criterion -> value.
        scaler: of the losses.
        shapes: name -> type and shape of the arrays of the targets.
        stages: epochs of each stage.
    """

    epoch: int
    frames_seen: int
    history: dict[int, Scores]
    report: dict[str, Any]
    optimizer: list[dict[str, Any]]
    seed: int
    metrics: Annotated[dict[str, float], Field(alias="figures")]
    steps: int = 0
    searches: dict[int, dict[str, Scores]] = field(default_factory=dict)
    criteria: dict[int, dict[str, float]] = field(default_factory=dict)
    scaler: dict[str, float] | None = None
    shapes: dict[str, str] | None = None
    stages: list[Annotated[int, Field(ge=0)]] | None = None


@dataclass(frozen=True)
class Content:
    """What the files of a checkpoint hold.

    Attributes:
        facts: the values of ``state.json``, see `Facts`.
        report: of the last epoch.
        tensors: name of the file without its end -> tensors by name.
        targets: of the last epoch.
    """

    facts: Mapping[str, Any]
    report: EpochReport
    tensors: Mapping[str, Mapping[str, torch.Tensor]]
    targets: Targets


def parse_content(files: Files) -> Content:
    """What the files of a checkpoint hold.

    Raises:
        DamagedCheckpointError: a file is missing, or holds something else.
    """
    facts = _reading(files, STATE, _facts)
    return Content(
        facts,
        _reading(files, STATE, lambda content: EpochReport.from_row(facts["report"])),
        {name: load_tensors(files, name) for name in TENSORS},
        _reading(files, "targets.safetensors", lambda content: _targets(content, facts)),
    )


def shown(values: torch.Tensor | NDArray[Any]) -> str:
    """Type and shape of a tensor or an array.

    >>> shown(torch.zeros(2, 3))
    'float32 [2, 3]'
    """
    return f"{str(values.dtype).removeprefix('torch.')} {list(values.shape)}"


def load_tensors(files: Files, name: str) -> dict[str, torch.Tensor]:
    """The tensors of a file of a checkpoint, whose name is given without its end.

    Raises:
        DamagedCheckpointError: it is missing, or no safetensors.
    """
    return _reading(files, f"{name}.safetensors", safetensors.torch.load)


def check_tensors(what: str, wanted: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> None:
    """Refuse tensors of other names, types or shapes.

    Args:
        what: what they are of, for the message.
        wanted: what they replace.
        given: those of a checkpoint.

    Raises:
        DamagedCheckpointError: with the first that differs.
    """
    for name in sorted({*wanted, *given}):
        ours, theirs = (shown(of[name]) if name in of else "missing" for of in (wanted, given))
        if ours != theirs:
            raise DamagedCheckpointError(f"the checkpoint's {what}: {name!r} is {theirs}, expected {ours}")


def check_targets(content: Content, *, num_rows: int) -> None:
    """Refuse targets of another number of tracklets, and memories that are not made from them.

    Raises:
        CheckpointError: it belongs to other data.
        DamagedCheckpointError: with what differs.
    """
    targets = content.targets
    if len(targets.labels) != num_rows:
        raise CheckpointError(
            f"the checkpoint's targets are of {len(targets.labels)} tracklets, the data has {num_rows}: give "
            "the data as they were, or start a new run"
        )
    wanted = {name: torch.from_numpy(memory) for name, memory in targets.memories.items()}
    check_tensors("memories", wanted, content.tensors["memories"])


def check_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor], groups: list[dict[str, Any]]
) -> None:
    """Refuse the state of another optimizer, or of other parameters.

    Args:
        optimizer: that is to take the state over.
        tensors: ``number.name`` -> a value of a parameter.
        groups: of the parameters.

    Raises:
        DamagedCheckpointError: with the first that differs.
    """
    own = optimizer.state_dict()["param_groups"]
    if [group.get("params") for group in groups] != [group["params"] for group in own]:
        raise DamagedCheckpointError("the checkpoint's optimizer is of other parameters")
    for group in groups:
        rate = group.get("lr")
        if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate <= _LARGEST_RATE:
            raise DamagedCheckpointError("the checkpoint's optimizer has a learning rate that is none")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    wanted: dict[str, torch.Tensor] = {}
    for number in {name.partition(".")[0] for name in tensors}:
        if not number.isdecimal() or int(number) >= len(parameters) or number != str(int(number)):
            raise DamagedCheckpointError(f"the checkpoint's optimizer has no parameter {number!r}")
        parameter = parameters[int(number)]
        wanted |= {f"{number}.{name}": parameter for name in _OF_PARAMETERS[type(optimizer)]}
        if not isinstance(optimizer, torch.optim.SGD):
            wanted[f"{number}.step"] = torch.zeros(())
    check_tensors("optimizer", wanted, tensors)
    if any(name.endswith(".step") and not 0 <= float(value) < math.inf for name, value in tensors.items()):
        raise DamagedCheckpointError("the checkpoint's optimizer has made a number of steps that is none")


def read_targets(flat: Mapping[str, NDArray[Any]], metrics: Mapping[str, float]) -> Targets:
    """The targets that `raydist.engine.checkpoint.flatten_targets` made flat.

    Raises:
        ValueError: an array is missing, or of another type or shape.
    """
    arrays: dict[str, Any] = {k.removeprefix("array/"): v for k, v in flat.items() if k.startswith("array/")}
    for key in flat:
        if key.startswith("sparse/") and key.endswith("/indptr"):
            name = key.removeprefix("sparse/").removesuffix("/indptr")
            arrays[name] = _sparse(flat, f"sparse/{name}")
    memories = {k.removeprefix("memory/"): v for k, v in flat.items() if k.startswith("memory/")}
    labels = flat["labels"]
    clustered = flat.get("clustered", arrays.get("clustered"))  # older checkpoints: one of the arrays
    if labels.dtype != np.int64 or labels.ndim != 1 or (len(labels) and labels.min() < NOISE):
        raise ValueError(f"labels are {labels.dtype} {list(labels.shape)}, expected int64 [N] from {NOISE}")
    if clustered is not None and (clustered.dtype != bool or clustered.shape != labels.shape):
        raise ValueError(
            f"clustered is {clustered.dtype} {list(clustered.shape)}, expected bool [{len(labels)}]"
        )
    return Targets(labels, arrays, memories, metrics, clustered=clustered)


def _facts(content: bytes) -> Mapping[str, Any]:
    facts: dict[str, Any] = parse_json(content, Facts)
    if facts["epoch"] < 1 or min(facts["frames_seen"], facts.get("steps", 0)) < 0:
        raise ValueError("epoch, steps or frames_seen is negative")
    if (scaler := facts.get("scaler")) is not None:
        _ = float(scaler["scale"]), int(scaler["lasted"])
    for name in ("history", "searches", "criteria"):
        by_epoch(facts.get(name, {}))
    for epoch, scores in facts["history"].items():
        if lacking := [d for d in DIRECTIONS if MAP not in scores.get(d, {})]:
            raise ValueError(f"history: {epoch}: no {MAP} of {', '.join(lacking)}")
    return facts


def _targets(content: bytes, facts: Mapping[str, Any]) -> Targets:
    flat = safetensors.numpy.load(content)
    if (shapes := facts.get("shapes")) is not None:
        for name in sorted({*shapes, *flat}):
            is_, was = shown(flat[name]) if name in flat else "missing", shapes.get(name, "missing")
            if is_ != was:
                raise ValueError(f"{name!r} is {is_}, expected {was}")
    return read_targets(flat, facts["figures"])


def _sparse(flat: Mapping[str, NDArray[Any]], name: str) -> csr_array:
    data, indices, indptr, shape = (flat[f"{name}/{part}"] for part in ("data", "indices", "indptr", "shape"))
    size = tuple(int(n) for n in shape)
    if len(size) != 2 or {indices.dtype.kind, indptr.dtype.kind, shape.dtype.kind} != {"i"}:
        raise ValueError(f"{name} is no matrix of rows and columns")
    matrix = csr_array((data, indices, indptr), shape=size)
    matrix.check_format(full_check=True)
    return matrix


def _reading(files: Files, name: str, read: Callable[[bytes], Loaded]) -> Loaded:
    if name not in files:
        raise DamagedCheckpointError(f"the checkpoint has no {name}; use an earlier epoch")
    try:
        return read(files[name])
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, SafetensorError) as error:
        gist = " ".join(str(error).split())[:300]
        raise DamagedCheckpointError(
            f"the checkpoint's {name} is not what was written ({type(error).__name__}: {gist}); "
            "use an earlier epoch"
        ) from error
