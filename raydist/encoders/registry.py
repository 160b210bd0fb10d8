"""The encoders by name; an architecture's file is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch

from raydist.encoders.backbone import Backbone, Streams, initialise
from raydist.encoders.encoder import Encoder
from raydist.encoders.pooling import build_pooling
from raydist.encoders.temporal import build_temporal
from raydist.encoders.weights import load_weights
from raydist.errors import ConfigError
from raydist.randomness import stream
from raydist.registry import nearest

ENCODERS = {
    "small": "raydist.encoders.small:small",
    "resnet18": "raydist.encoders.resnet:resnet18",
    "resnet34": "raydist.encoders.resnet:resnet34",
    "resnet50": "raydist.encoders.resnet:resnet50",
    "agw_resnet50": "raydist.encoders.resnet:agw_resnet50",
    "agw_resnet50_non_local": "raydist.encoders.resnet:agw_resnet50_non_local",
    "mobilenet_v2": "raydist.encoders.mobilenet:mobilenet_v2",
    "clip_vit_b16": "raydist.encoders.clip_vit:clip_vit_b16",
    "vit_b16": "raydist.encoders.vit:vit_b16",
}


def build_encoder(
    name: str,
    *,
    weights: str | Path | None = None,
    two_stream: bool | None = None,
    branches: int = 1,
    recompute: bool = False,
    pooling: str | None = None,
    temporal: str = "mean",
    seed: int,
) -> Encoder:
    """An encoder, on the CPU, ready to train.

    Args:
        name: one of `ENCODERS`.
        weights: a local file of published weights for the backbone; None starts from the seed alone.
        two_stream: whether each modality has a stem of its own; None is the architecture's default.
        branches: 2 joins a shallow branch's feature to that of the deep one, where the architecture has both.
        recompute: whether activations are computed again in the backward pass: a seventh of the memory, a third more time.
        pooling: ``mean``, ``gem`` or ``stripes``; None is the architecture's default, and the only choice for those that end in
            one vector a frame (a class token).
        temporal: ``mean``, ``attention`` or ``attention_conv``.
        seed: of the start values; equal seeds give equal encoders, and torch's own generators are left as they were.

    Raises:
        ConfigError: an unknown name, a pooling where there is nothing to pool, or branches that the architecture does not have.
        DataError: the weights cannot be read or are of another architecture.

    >>> build_encoder("small", seed=0).width
    256
    """
    factory = _factory(name)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(stream(seed, "encoder").integers(2**63)))
        backbone = factory()
        if backbone.pooled and pooling is not None:
            raise ConfigError(
                f"encoder.pooling = {pooling}: {name} gives one vector a frame, nothing to pool; leave it out"
            )
        initialise(backbone.layers)
        if weights is not None:
            load_weights(backbone.layers, weights, select=backbone.select)
        backbone = _branched(backbone, branches, name)
        pool, width = build_pooling(pooling or backbone.pooling, backbone.channels)
        over_time = build_temporal(temporal, width)
    streams = Streams(backbone, two_stream=two_stream, recompute=recompute)
    return Encoder(streams, pool, over_time, width=width, num_branches=branches, pixels=backbone.pixels)


def _branched(backbone: Backbone, branches: int, name: str) -> Backbone:
    """The backbone with that many branches; a second one starts from the weights of the first."""
    if branches == 1:
        return backbone
    if branches != 2 or backbone.fork is None:
        has = "1 branch" if backbone.fork is None else "1 branch or 2"
        raise ConfigError(
            f"encoder.branches = {branches}: {name} has {has}; vit_b16 is the encoder with a shallow branch"
        )
    return backbone._replace(layers=backbone.fork(backbone.layers), channels=2 * backbone.channels)


def _factory(name: str) -> Callable[[], Backbone]:
    if name not in ENCODERS:
        raise ConfigError(
            f"encoder.name = {name!r}{nearest(name, ENCODERS)}; there are: {', '.join(ENCODERS)}"
        )
    module, _, attribute = ENCODERS[name].partition(":")
    factory: Callable[[], Backbone] = getattr(import_module(module), attribute)
    return factory
