"""The files of a checkpoint: a run after an epoch as safetensors and JSON, without pickle.

There is no random state to keep: every draw is keyed by the run's seed and the epoch (see
`raydist.randomness`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from scipy.sparse import csr_array

from raydist.encoders.encoder import Encoder
from raydist.engine.best import by_epoch
from raydist.engine.checkpoint_folder import Files
from raydist.engine.events import EpochReport
from raydist.engine.origin import ORIGIN, Origin
from raydist.engine.state import RunState
from raydist.errors import CheckpointError
from raydist.methods.method import Targets


def pack(state: RunState, report: EpochReport) -> Files:
    """The files of a run after an epoch.

    Args:
        state: the run.
        report: what the epoch reported; a run that is resumed completes its log with it.
    """
    assert state.targets is not None
    assert state.optimizer is not None
    tensors, optimizer = _flatten_optimizer(state.optimizer)
    facts = {
        "epoch": state.epoch,
        "steps": state.steps,
        "frames_seen": state.frames_seen,
        "history": state.history,
        "searches": state.searches,
        "criteria": state.criteria,
        "report": report.as_row(),
        "optimizer": optimizer,
        "scaler": state.scaler.state_dict() if state.scaler else None,
        "seed": state.config.run.seed,
        "figures": dict(state.targets.metrics),
        "stages": list(state.plan.epochs),
    }
    return {
        "encoder.safetensors": _tensors(state.encoder.state_dict()),
        "modules.safetensors": _tensors(
            {f"{n}.{k}": v for n, m in state.modules.items() for k, v in m.state_dict().items()}
        ),
        "optimizer.safetensors": _tensors(tensors),
        "memories.safetensors": _tensors(state.memories),
        "targets.safetensors": safetensors.numpy.save(_flatten_targets(state.targets)),
        "state.json": json.dumps(facts, indent=1).encode(),
        ORIGIN: state.origin.as_bytes(),
    }


def load_encoder(encoder: Encoder, files: Files) -> None:
    """Give an encoder the weights of a checkpoint.

    Raises:
        CheckpointError: they are of another architecture.
    """
    try:
        encoder.load_state_dict(safetensors.torch.load(files["encoder.safetensors"]))
    except RuntimeError as error:
        raise CheckpointError(
            f"the checkpoint's encoder is of another architecture than the configuration's: {error}"
        ) from error


def unpack(state: RunState, files: Files) -> EpochReport:
    """Put a run back where `pack` left it.

    Args:
        state: a run of the same configuration, before its first epoch; changed in place.
        files: what `pack` gave.

    Returns:
        The report of the last epoch.

    Raises:
        CheckpointError: it belongs to a run of another seed, or of another architecture.
        ConfigError: it was made with another configuration.
        DataError: it was made with other tracklets.
    """
    if (origin := Origin.of_files(files)) is not None:
        origin.require_config(state.config, of="the checkpoint")
        origin.require_data(state.origin.data, of="the checkpoint")
    facts = json.loads(files["state.json"])
    if facts["seed"] != state.config.run.seed:
        raise CheckpointError(
            f"the checkpoint has seed {facts['seed']}, the run {state.config.run.seed}: resume the run "
            "it belongs to"
        )
    device = state.process_group.device
    load_encoder(state.encoder, files)
    modules = safetensors.torch.load(files["modules.safetensors"])
    for name, module in state.modules.items():
        module.load_state_dict(
            {k.removeprefix(f"{name}."): v for k, v in modules.items() if k.startswith(f"{name}.")}
        )
    state.epoch, state.frames_seen = facts["epoch"], facts["frames_seen"]
    if "stages" in facts:  # older checkpoints do not say; the configuration does
        state.plan = state.plan.going_on(facts["stages"])
    state.steps = facts.get("steps", 0)  # older checkpoints did not count them
    state.history = by_epoch(facts["history"])
    state.searches = by_epoch(facts.get("searches", {}))  # older runs had one search
    state.criteria = by_epoch(facts.get("criteria", {}))  # older runs were always scored
    state.start_stage(state.plan.at(state.epoch - 1).stage)
    assert state.optimizer is not None
    if state.scaler is not None and facts.get("scaler"):
        state.scaler.load_state_dict(facts["scaler"])
    _restore_optimizer(
        state.optimizer, safetensors.torch.load(files["optimizer.safetensors"]), facts["optimizer"]
    )
    state.memories = {
        k: v.to(device) for k, v in safetensors.torch.load(files["memories.safetensors"]).items()
    }
    state.targets = _restore_targets(safetensors.numpy.load(files["targets.safetensors"]), facts["figures"])
    return EpochReport.from_row(facts["report"])


def _tensors(tensors: Mapping[str, torch.Tensor]) -> bytes:
    return safetensors.torch.save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})


def _flatten_optimizer(
    optimizer: torch.optim.Optimizer,
) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
    state = optimizer.state_dict()
    tensors = {
        f"{i}.{name}": torch.as_tensor(v)
        for i, states in state["state"].items()
        for name, v in states.items()
        if v is not None
    }
    return tensors, state["param_groups"]


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor], groups: list[dict[str, Any]]
) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _flatten_targets(targets: Targets) -> dict[str, np.ndarray]:
    flat: dict[str, np.ndarray] = {"labels": targets.labels}
    flat |= {f"memory/{k}": np.ascontiguousarray(v) for k, v in targets.memories.items()}
    if targets.clustered is not None:
        flat["clustered"] = targets.clustered
    for name, value in targets.arrays.items():
        if isinstance(value, np.ndarray):
            flat[f"array/{name}"] = np.ascontiguousarray(value)
        else:
            parts = {
                "indptr": value.indptr,
                "indices": value.indices,
                "data": value.data,
                "shape": np.asarray(value.shape),
            }
            flat |= {f"sparse/{name}/{part}": np.ascontiguousarray(array) for part, array in parts.items()}
    return flat


def _restore_targets(flat: Mapping[str, np.ndarray], metrics: Mapping[str, float]) -> Targets:
    arrays: dict[str, Any] = {k.removeprefix("array/"): v for k, v in flat.items() if k.startswith("array/")}
    for key in flat:
        if key.startswith("sparse/") and key.endswith("/indptr"):
            name = key.removeprefix("sparse/").removesuffix("/indptr")
            data, indices, indptr, shape = (
                flat[f"sparse/{name}/{part}"] for part in ("data", "indices", "indptr", "shape")
            )
            arrays[name] = csr_array((data, indices, indptr), shape=tuple(int(n) for n in shape))
    memories = {k.removeprefix("memory/"): v for k, v in flat.items() if k.startswith("memory/")}
    clustered = flat.get("clustered", arrays.get("clustered"))  # older checkpoints: one of the arrays
    return Targets(flat["labels"], arrays, memories, metrics, clustered=clustered)
