"""Published weights from local files: safetensors, or a state dict that torch can read without running code.

TorchScript archives (CLIP's own .pt files) are refused: to load one is to run the program inside. The message
says how to take the tensors out once, where the file is trusted.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from raydist.errors import DataError

CLASSIFIERS = ("fc.", "classifier.", "head.")
"""First parts of names that belong to the task the weights were trained for."""

COUNTER = "num_batches_tracked"
"""Counts the steps of a batch normalisation; old files lack it, and nothing here depends on it."""

WRAPPERS = ("teacher", "state_dict", "model")
"""Where training programs keep a network's tensors, beside other things; of DINO's two networks the teacher
is the result."""

ADDED = ".context."
"""Layers that are ours or AGW's and in no published file; they keep their start values."""

State = dict[str, Tensor]
"""Tensors by name."""


def load_weights(module: nn.Module, path: str | Path, *, select: Callable[[State], State] = dict) -> None:
    """Fill a module from a file.

    Of a file that holds more than the tensors of one network, those under one of `WRAPPERS` are taken. A
    classifier is left out, and a prefix that all names share (``module.``, ``features.``) is taken off. Names
    must then agree exactly; or, in a .pth or .pt file, which keeps its order, all shapes in that order.

    Args:
        module: changed in place; unchanged if the file does not fit.
        path: .safetensors, .pth or .pt.
        select: from the file's tensors, without their prefix, to those of the module, under their names
            there.

    Raises:
        DataError: there is no such file, it cannot be read, holds anything but finite tensors, or does not
            fit the module.
    """
    path = Path(path)
    read = {k: v for k, v in _read(path).items() if not k.startswith(CLASSIFIERS) and not k.endswith(COUNTER)}
    state = select(_without_prefix(read))
    wanted = {
        k: v
        for k, v in module.state_dict().items()
        if not k.endswith(COUNTER) and (ADDED not in k or k in state)
    }
    if set(state) != set(wanted) and path.suffix != ".safetensors" and _shapes(state) == _shapes(wanted):
        state = dict(zip(wanted, state.values(), strict=True))
    _check(state, wanted, path)
    module.load_state_dict(state, strict=False)


def _read(path: Path) -> State:
    if not path.is_file():
        raise DataError(f"weights {path}: no such file; give a local .safetensors, .pth or .pt file")
    if _is_program(path):
        raise DataError(
            f"weights {path}: a TorchScript archive, which runs its own code when loaded; "
            "if you trust it, take the tensors out once: "
            f"torch.save(torch.jit.load({path.name!r}, map_location='cpu').state_dict(), 'weights.pth')"
        )
    try:
        state = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else _torch_load(path)
    except Exception as error:  # whatever a damaged file makes the readers raise
        # torch's own text advises to let the file run its code: it is kept in the chain, not shown
        why = f"{type(error).__name__}: damaged, or more than plain tensors"
        raise DataError(
            f"weights {path}: cannot be read ({why}); fetch the file again, or save its state dict alone"
        ) from error
    if isinstance(state, Mapping):
        state = next((state[key] for key in WRAPPERS if isinstance(state.get(key), Mapping)), state)
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise DataError(
            f"weights {path}: holds something else than named tensors; save the model's state dict alone"
        )
    broken = [
        name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()
    ]
    if broken:
        raise DataError(f"weights {path}: {_some(broken)} hold NaN or infinite values; fetch the file again")
    return dict(state)


def _is_program(path: Path) -> bool:
    """Whether a file is a TorchScript archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError):  # no archive, or a damaged one
        return False


def _torch_load(path: Path) -> object:
    """Read tensors and plain containers only, so that no code of the file runs."""
    return torch.load(path, map_location="cpu", weights_only=True)


def _without_prefix(state: State) -> State:
    """Names without the parts in front that all of them share."""
    while len({name.partition(".")[0] for name in state}) == 1 and all("." in name for name in state):
        state = {name.partition(".")[2]: value for name, value in state.items()}
    return state


def _shapes(state: State) -> list[torch.Size]:
    return [value.shape for value in state.values()]


def _check(state: State, wanted: State, path: Path) -> None:
    missing = [name for name in wanted if name not in state]
    unexpected = [name for name in state if name not in wanted]
    other = [
        f"{name} {tuple(state[name].shape)} for {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    problems = [
        f"{what}: {_some(names)}"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", other))
        if names
    ]
    if problems:
        raise DataError(
            f"weights {path} are not of this architecture ({'; '.join(problems)}): "
            "set encoder.name to the one they belong to"
        )


def _some(names: list[str]) -> str:
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" and {rest} more" if rest > 0 else "")
