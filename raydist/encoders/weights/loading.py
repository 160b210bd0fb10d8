"""How a file fits a backbone, and layers filled from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from raydist.encoders.backbone import Backbone, Streams
from raydist.encoders.weights.files import State, WeightsFile
from raydist.encoders.weights.fits import Fit, Misfit
from raydist.encoders.weights.matching import Architecture, match
from raydist.encoders.weights.words import some
from raydist.errors import DataError

DRAWS = {"uniform_", "normal_"}
"""Operations of torch that draw start values."""


def matched(file: WeightsFile, backbone: Backbone) -> Fit | Misfit:
    """How a file fits a backbone, with one branch or, where that does not fit, with two."""
    misfits = []
    for architecture in _architectures(backbone):
        result = match(file, architecture)
        if isinstance(result, Fit):
            return result
        misfits.append(result)
    return min(misfits, key=lambda misfit: misfit.distance)


FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Types of tensors that weights are taken from."""


def check_finite(fit: Fit, path: Path) -> None:
    """Refuse tensors that are no floating-point numbers or not finite.

    Raises:
        DataError: names them.
    """
    tensors = [(name, value) for part in (*fit.stems, fit.trunk) for name, value in part.items()]
    other = [name for name, value in tensors if value.dtype not in FLOATS]
    if other:
        raise DataError(
            f"weights {path}: {some(other)} are no floating-point numbers of 16 to 64 bits, but quantised "
            "perhaps; save them as such"
        )
    broken = [name for name, value in tensors if not _is_finite(value)]
    if broken:
        raise DataError(f"weights {path}: {some(broken)} hold NaN or infinite values; fetch the file again")


def _is_finite(value: torch.Tensor) -> bool:
    return bool(value.float().isfinite().all())


def fill(layers: nn.Module, state: State) -> None:
    """Copy tensors into the layers of their names; all others keep their values."""
    layers.load_state_dict(state, strict=False)


def fill_stems(streams: Streams, fit: Fit) -> None:
    """Give each stem its tensors, where the file has them for both."""
    if len(fit.stems) == len(streams.stems):
        for stem, state in zip(streams.stems, fit.stems, strict=True):
            fill(stem, state)


def _architectures(backbone: Backbone) -> Iterator[Architecture]:
    """What a file may hold for a backbone; its layers are made without values."""
    layers = _without_values(backbone)
    yield Architecture.of(layers, backbone.stem, backbone.select)
    if backbone.fork is not None:
        yield Architecture.of(backbone.fork(layers), backbone.stem, backbone.select, branches=2)


class _WithoutValues(TorchFunctionMode):
    """Leaves new tensors as they are, which takes hardly any time: only their shapes are asked for."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if args and getattr(func, "__name__", "") in DRAWS:
            return args[0]
        return func(*args, **(kwargs or {}))


def _without_values(backbone: Backbone) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]), _WithoutValues():
        return backbone.build()
