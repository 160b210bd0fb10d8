"""Layers whose activations are computed again in the backward pass: less memory for more time.

Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016. A batch of the papers' size needs it on a
small device: each block of a ResNet keeps its input alone, about a seventh of all activations, and the step
takes about a third longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import groupby

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recomputed(layers: nn.Module, maps: Tensor) -> Tensor:
    """What `layers(maps)` gives, and the same gradients; each innermost block keeps its input only.

    Running statistics of batch normalisation are updated once.

    Args:
        layers: any nesting of `nn.Sequential`, of which each has one input and one output.
        maps: their input.
    """
    for unit in _units(layers):
        maps = checkpoint(unit, maps, use_reentrant=False, context_fn=partial(_contexts, unit))
    return maps


def _units(layers: nn.Module) -> Iterator[nn.Module]:
    """Blocks one by one, and other layers in runs, so that a ReLU in place stays with what it overwrites."""
    for plain, run in groupby(layers.children(), key=lambda layer: not any(layer.children())):
        if plain:
            yield nn.Sequential(*run)
            continue
        for layer in run:
            yield from _units(layer) if isinstance(layer, nn.Sequential) else [layer]


def _contexts(layer: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Around the first pass and around the second."""
    return nullcontext(), _statistics_kept(layer)


@contextmanager
def _statistics_kept(layer: nn.Module) -> Iterator[None]:
    norms = [module for module in layer.modules() if isinstance(module, _BatchNorm)]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
        norm.num_batches_tracked = (
            None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone()
        )
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
