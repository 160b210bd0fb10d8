"""Checkpoints: whole or absent, without pickle.

A checkpoint is a folder `epoch_NNNN` of safetensors, Parquet and JSON files. Its `manifest.json`, with the size and the
SHA-256 of every file, is written last: a folder without a manifest that agrees with its files does not exist for a reader.
No rename is relied on, so that a local path and an object store behave alike.

There is no random state to keep: every draw is keyed by the run's seed and the epoch (see `raydist.randomness`).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch
from pyarrow import fs
from scipy.sparse import csr_array

from raydist.encoders.encoder import Encoder
from raydist.engine.state import RunState, make_optimizer
from raydist.errors import CheckpointError
from raydist.methods.method import Targets

FORMAT = 1
MANIFEST = "manifest.json"
log = logging.getLogger(__name__)

Files = dict[str, bytes]


class CheckpointFolder:
    """The checkpoints of one run, in any file system that pyarrow knows."""

    def __init__(self, uri: str) -> None:
        self.fs, self.path = fs.FileSystem.from_uri(uri)

    def epochs(self) -> list[int]:
        """Epochs with a folder, whole or not, in order."""
        found = self.fs.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        names = [info.base_name for info in found if info.type == fs.FileType.Directory]
        return sorted(int(name[6:]) for name in names if name.startswith("epoch_") and name[6:].isdigit())

    def write(self, epoch: int, files: Files) -> None:
        """Write the files of an epoch, the manifest last; what an interrupted write left is overwritten."""
        folder = self._folder(epoch)
        if self.fs.get_file_info(folder).type == fs.FileType.Directory:
            self.fs.delete_dir(folder)
        self.fs.create_dir(folder, recursive=True)
        for name, content in files.items():
            self._put(f"{folder}/{name}", content)
        entries = {
            name: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for name, c in files.items()
        }
        self._put(f"{folder}/{MANIFEST}", json.dumps({"format": FORMAT, "files": entries}, indent=1).encode())

    def read(self, epoch: int) -> Files:
        """The files of an epoch.

        Raises:
            CheckpointError: the manifest is missing, or a file is missing or not what the manifest says.
        """
        folder = self._folder(epoch)
        try:
            manifest = json.loads(self._get(f"{folder}/{MANIFEST}"))
            files = {name: self._get(f"{folder}/{name}") for name in manifest["files"]}
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"checkpoint {folder} is not whole ({error}): use an earlier epoch"
            ) from error
        if manifest["format"] != FORMAT:
            raise CheckpointError(
                f"checkpoint {folder} has format {manifest['format']}; this version reads format {FORMAT}"
            )
        for name, entry in manifest["files"].items():
            if hashlib.sha256(files[name]).hexdigest() != entry["sha256"]:
                raise CheckpointError(
                    f"checkpoint {folder}: {name} is not what was written (its checksum differs): use an earlier epoch"
                )
        return files

    def newest(self, upto: int | None = None) -> tuple[int, Files] | None:
        """The newest whole checkpoint; damaged ones are passed over with a warning."""
        for epoch in reversed(self.epochs()):
            if upto is not None and epoch > upto:
                continue
            try:
                return epoch, self.read(epoch)
            except CheckpointError as error:
                log.warning("%s", error)
        return None

    def keep_only(self, epochs: set[int]) -> None:
        """Delete all other checkpoints."""
        for epoch in self.epochs():
            if epoch not in epochs:
                self.fs.delete_dir(self._folder(epoch))

    def _folder(self, epoch: int) -> str:
        return f"{self.path}/epoch_{epoch:04d}"

    def _put(self, path: str, content: bytes) -> None:
        with self.fs.open_output_stream(path) as stream:
            stream.write(content)

    def _get(self, path: str) -> bytes:
        with self.fs.open_input_stream(path) as stream:
            content: bytes = stream.read()
        return content


def pack(state: RunState, report: Mapping[str, Any]) -> Files:
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
        "report": report,
        "optimizer": optimizer,
        "seed": state.config.run.seed,
        "figures": dict(state.targets.metrics),
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


def unpack(state: RunState, files: Files) -> dict[str, Any]:
    """Put a run back where `pack` left it.

    Args:
        state: a run of the same configuration, before its first epoch; changed in place.
        files: what `pack` gave.

    Returns:
        The report of the last epoch.
    """
    facts = json.loads(files["state.json"])
    if facts["seed"] != state.config.run.seed:
        raise CheckpointError(
            f"the checkpoint has seed {facts['seed']}, the run {state.config.run.seed}: resume the run it belongs to"
        )
    device = state.process_group.device
    load_encoder(state.encoder, files)
    modules = safetensors.torch.load(files["modules.safetensors"])
    for name, module in state.modules.items():
        module.load_state_dict(
            {k.removeprefix(f"{name}."): v for k, v in modules.items() if k.startswith(f"{name}.")}
        )
    state.epoch, state.frames_seen = facts["epoch"], facts["frames_seen"]
    state.steps = facts.get("steps", 0)  # older checkpoints did not count them
    state.history = {int(epoch): scores for epoch, scores in facts["history"].items()}
    state.optimizer = make_optimizer(state.config, state.trainable(), state.plan.at(state.epoch - 1)[0])
    _restore_optimizer(
        state.optimizer, safetensors.torch.load(files["optimizer.safetensors"]), facts["optimizer"]
    )
    state.memories = {
        k: v.to(device) for k, v in safetensors.torch.load(files["memories.safetensors"]).items()
    }
    state.targets = _restore_targets(safetensors.numpy.load(files["targets.safetensors"]), facts["figures"])
    report: dict[str, Any] = facts["report"]
    return report


def _tensors(tensors: Mapping[str, torch.Tensor]) -> bytes:
    return safetensors.torch.save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})


def _flatten_optimizer(
    optimizer: torch.optim.Optimizer,
) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
    state = optimizer.state_dict()
    tensors = {
        f"{i}.{name}": torch.as_tensor(v)
        for i, slots in state["state"].items()
        for name, v in slots.items()
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
    flat = {"labels": targets.labels} | {
        f"memory/{k}": np.ascontiguousarray(v) for k, v in targets.memories.items()
    }
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
    return Targets(flat["labels"], arrays, memories, metrics)
