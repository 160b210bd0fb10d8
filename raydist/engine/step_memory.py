"""What the steps of a run take on a worker, found out before the start by two very small ones."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from raydist.encoders.build import build_encoder
from raydist.encoders.encoder import Encoder
from raydist.engine.checkpoint_room import module_bytes
from raydist.engine.extraction import rows_at_once
from raydist.engine.precision import Precision, autocast, extraction_precision
from raydist.engine.schema import Config
from raydist.methods.method import Stage

PIXELS = 160_000
"""Of all frames of the larger of the two small steps, about: with few, gradients of the weights hide them."""

MOST_WORKSPACES = 2_300_000_000
"""Bytes: 1.9 to 2.4 GB were measured for a ResNet-50 on 128 to 512 frames of 288 x 144."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepMemory:
    """Bytes that the steps take on the worker with the largest share of the batch.

    Attributes:
        frames: of this worker in a step, at most; 0 where that, or what they take, is not known.
        activations: of these frames, from their pixels to the end of the backward pass, with the frames that
            are rendered ahead; what the allocator leaves unused comes on top.
        extraction: of the frames of which features are extracted at one time.
        weights: the encoder, its gradients and the state of the optimizer.
        workspaces: of convolutions on a CPU, which are no tensors.
    """

    frames: int
    activations: int
    extraction: int
    weights: int
    workspaces: int = 0

    @property
    def total(self) -> int:
        """What tensors take at one time, at most."""
        return max(self.activations, self.extraction) + self.weights


NOT_FORECAST = StepMemory(0, 0, 0, 0)
"""Of steps that nothing is said of."""


def step_memory(config: Config, stages: Sequence[Stage]) -> StepMemory:
    """What a step takes, in the format of numbers that is trained in.

    Activations grow with the frames of a step: a step of a few frames, and one of half as many, say by how
    much.

    Args:
        config: the whole configuration.
        stages: of its method.
    """
    encoder = build_encoder(**config.encoder.model_dump() | {"weights": None}, seed=config.run.seed).train()
    trained = [p for p in encoder.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.grad = torch.zeros_like(parameter)  # else the gradients hide what few frames take
    try:
        frames = frames_of_step(config, stages)
        activations = _of_more_frames(encoder, config, frames, training=True)
        activations += config.data.prefetch * frames * _float_bytes(config)  # rendered ahead
        at_once = (
            rows_at_once(config.data, torch.device("cuda" if config.ray.use_gpu else "cpu"))
            * config.data.sub_tracklets
            * config.data.frames
        )
        extraction = _of_more_frames(encoder, config, at_once, training=False)
    except Exception as error:  # code of the user, perhaps, that takes real clips alone
        log.debug("the memory of a step is not known: %r", error)
        frames = activations = extraction = 0
    return StepMemory(
        frames,
        activations,
        extraction,
        module_bytes(encoder, config) + sum(p.nbytes for p in trained),
        0 if config.ray.use_gpu else workspace_bytes(encoder, activations),
    )


def workspace_bytes(encoder: nn.Module, activations: int) -> int:
    """Bytes of convolutions beside their tensors; the patches of a transformer are one that needs none."""
    num_convolutions = sum(isinstance(module, nn.Conv2d) for module in encoder.modules())
    return min(activations // 2, MOST_WORKSPACES) if num_convolutions > 1 else 0


def frames_of_step(config: Config, stages: Sequence[Stage]) -> int:
    """The frames that a worker encodes in an optimizer step, at most."""
    return max(_num_clips(config, stage) for stage in stages if stage.share) * config.data.frames


def _num_clips(config: Config, stage: Stage) -> int:
    """Clips of a worker, over all views."""
    of_modality = {
        m: -(-number * config.train.batch_instances // config.ray.fewest_workers)
        for m, number in config.train.num_identities.items()
    }
    return sum(
        number for view in stage.clip_views for m, number in of_modality.items() if view.shows in (None, m)
    )


def _of_more_frames(encoder: Encoder, config: Config, frames: int, *, training: bool) -> int:
    """Bytes of a step of many frames, from those of two small ones."""
    encoder.train(training)
    half = min(max(2, PIXELS // (2 * config.data.height * config.data.width)), 16)
    few, more = (_step_bytes(encoder, config, number) for number in (half, 2 * half))
    return more + (more - few) * (frames - 2 * half) // half


def _float_bytes(config: Config) -> int:
    """Bytes of a frame that is rendered."""
    return 4 * 3 * config.data.height * config.data.width


def _step_bytes(encoder: Encoder, config: Config, number: int) -> int:
    """Bytes of tensors at the peak of a step on clips of one frame; of extraction where none is trained."""
    frames = torch.zeros(number, 1, 3, config.data.height, config.data.width)
    there = [frames, *encoder.parameters(), *encoder.buffers(), *(p.grad for p in encoder.parameters())]
    trained = config.train.precision if encoder.training else extraction_precision(config.train.precision)
    precision: Precision = "fp32" if trained == "fp32" else "bf16"  # as much as fp16
    with TensorPeak(tensor for tensor in there if tensor is not None) as peak:
        with autocast(precision, frames.device), torch.set_grad_enabled(encoder.training):
            features = encoder(frames, torch.arange(number) % 2)
        if encoder.training:
            features.tracklet.sum().backward()
    return peak.highest + frames.nbytes


class TensorPeak(TorchDispatchMode):
    """The bytes of all tensors that are made within, and exist at one time, at the peak.

    Args:
        there: tensors that are there already and do not count.

    >>> with TensorPeak([]) as peak:
    ...     for _ in range(5):
    ...         _ = torch.zeros(1000) + 1
    >>> peak.highest <= 3 * 4000
    True
    """

    def __init__(self, there: Iterable[Tensor]) -> None:
        super().__init__()
        self._known = {tensor.untyped_storage()._cdata for tensor in there}
        self._now, self.highest = 0, 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and to find out would import the compiler

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._add(tensor.untyped_storage())
        return made

    def _add(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()
        if address not in self._known:
            self._known.add(address)
            self._now += size
            self.highest = max(self.highest, self._now)
            weakref.finalize(storage, self._drop, address, size)

    def _drop(self, address: int, size: int) -> None:
        self._known.discard(address)
        self._now -= size
