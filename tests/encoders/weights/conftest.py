"""Files of weights as programs write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

State = dict[str, Tensor]


@pytest.fixture(scope="session")
def state_of() -> Callable[..., State]:
    """`state_of(layers, seed=1)`: tensors for layers, with values that no start gives."""

    def make(layers: nn.Module, *, seed: int = 1) -> State:
        generator = torch.Generator().manual_seed(seed)
        return {
            name: torch.rand(value.shape, generator=generator)
            if value.is_floating_point()
            else torch.tensor(7)
            for name, value in layers.state_dict().items()
        }

    return make


@pytest.fixture(scope="session")
def save() -> Callable[[object, Path], Path]:
    """`save(content, path)` writes by the name of the path."""

    def write(content: object, path: Path) -> Path:
        if path.suffix == ".safetensors":
            safetensors.torch.save_file({name: value.contiguous() for name, value in content.items()}, path)
        else:
            torch.save(content, path)
        return path

    return write
