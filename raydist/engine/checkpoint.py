"""The files of a checkpoint: a run after an epoch as safetensors and JSON, without pickle.

There is no random state to keep: every draw is keyed by the run's seed and the epoch (see
`raydist.randomness`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

from raydist.encoders.encoder import Encoder
from raydist.engine.best import by_epoch
from raydist.engine.checkpoint_content import (
    check_optimizer,
    check_targets,
    check_tensors,
    load_tensors,
    parse_content,
    shown,
)
from raydist.engine.checkpoint_folder import Files
from raydist.engine.chosen_epoch import ENCODER
from raydist.engine.events import EpochReport
from raydist.engine.origin import ORIGIN, Origin
from raydist.engine.state import RunState
from raydist.errors import CheckpointError
from raydist.methods.method import Targets
from raydist.methods.steps import Memories


def pack(state: RunState, report: EpochReport) -> Files:
    """The files of a run after an epoch.

    Args:
        state: the run.
        report: what the epoch reported; a run that is resumed completes its log with it.
    """
    assert state.targets is not None
    assert state.optimizer is not None
    tensors, optimizer = _flatten_optimizer(state.optimizer)
    targets = flatten_targets(state.targets)
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
        "shapes": {name: shown(array) for name, array in targets.items()},
    }
    return {
        ENCODER: _tensors(state.encoder.state_dict()),
        "modules.safetensors": _tensors(_of_modules(state)),
        "optimizer.safetensors": _tensors(tensors),
        "memories.safetensors": _tensors(state.memories),
        "targets.safetensors": safetensors.numpy.save(targets),
        "state.json": json.dumps(facts, indent=1).encode(),
        ORIGIN: state.origin.as_bytes(),
    }


def load_encoder(encoder: Encoder, files: Files) -> None:
    """Give an encoder the weights of a checkpoint.

    Raises:
        CheckpointError: they are of another architecture.
    """
    _load_encoder(encoder, load_tensors(files, "encoder"))


def encoder_digest(files: Files) -> str:
    """SHA-256 of the weights of the encoder, in hexadecimal digits."""
    return hashlib.sha256(files[ENCODER]).hexdigest()


def unpack(state: RunState, files: Files) -> EpochReport:
    """Put a run back where `pack` left it.

    Args:
        state: a run of the same configuration, before its first epoch; changed in place.
        files: what `pack` gave.

    Returns:
        The report of the last epoch.

    Raises:
        CheckpointError: it belongs to a run of another seed, or of another architecture.
        DamagedCheckpointError: its content is not as `pack` writes it; one of an earlier epoch may be.
        ConfigError: it was made with another configuration.
        DataError: it was made with other tracklets.
    """
    content = parse_content(files)
    facts = content.facts
    if (origin := Origin.of_files(files)) is not None:
        origin.require_config(state.config, of="the checkpoint")
        origin.require_data(state.origin.data, of="the checkpoint")
    if facts["seed"] != state.config.run.seed:
        raise CheckpointError(
            f"the checkpoint has seed {facts['seed']}, the run {state.config.run.seed}: resume the run "
            "it belongs to"
        )
    if facts.get("stages") is not None:  # older checkpoints do not say; the configuration does
        state.plan = state.plan.going_on(facts["stages"])
    if facts["epoch"] > state.plan.num_epochs:
        raise CheckpointError(
            f"the checkpoint is of epoch {facts['epoch']} of a run of {state.plan.num_epochs} epochs: resume "
            "the run it belongs to"
        )
    check_targets(content, num_rows=len(state.tracklets))
    check_tensors("modules", _of_modules(state), content.tensors["modules"])
    _load_encoder(state.encoder, content.tensors["encoder"])
    _load_modules(state, content.tensors["modules"])
    state.epoch, state.frames_seen = facts["epoch"], facts["frames_seen"]
    state.steps = facts.get("steps", 0)  # older checkpoints did not count them
    state.history = by_epoch(facts["history"])
    state.searches = by_epoch(facts.get("searches", {}))  # older runs had one search
    state.criteria = by_epoch(facts.get("criteria", {}))  # older runs were always scored
    state.start_stage(state.plan.at(state.epoch - 1).stage)
    assert state.optimizer is not None
    if state.scaler is not None and facts.get("scaler"):
        state.scaler.load_state_dict(facts["scaler"])
    _restore_optimizer(state.optimizer, content.tensors["optimizer"], facts["optimizer"])
    device = state.process_group.device
    state.memories = Memories({k: v.to(device) for k, v in content.tensors["memories"].items()})
    state.targets = content.targets
    return content.report


def _load_modules(state: RunState, tensors: Mapping[str, torch.Tensor]) -> None:
    for name, module in state.modules.items():
        module.load_state_dict(
            {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
        )


def _load_encoder(encoder: Encoder, tensors: Mapping[str, torch.Tensor]) -> None:
    try:
        encoder.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"the checkpoint's encoder is of another architecture than the configuration's: {error}"
        ) from error


def _of_modules(state: RunState) -> dict[str, torch.Tensor]:
    """The tensors of the parts beside the encoder, by the names that they have in a checkpoint."""
    return {f"{n}.{k}": v for n, m in state.modules.items() for k, v in m.state_dict().items()}


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
    check_optimizer(optimizer, tensors, groups)
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    own = optimizer.state_dict()["param_groups"]  # of the same configuration; every step sets the rate anew
    rates = [{"lr": float(group["lr"])} for group in groups]
    together = [{**group, **rate} for group, rate in zip(own, rates, strict=True)]
    optimizer.load_state_dict({"state": state, "param_groups": together})


def flatten_targets(targets: Targets) -> dict[str, np.ndarray]:
    """The arrays of targets by name, sparse matrices in parts; see `checkpoint_content.read_targets`."""
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
