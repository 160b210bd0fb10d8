"""An encoder from the names of its parts and a seed."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from raydist.encoders.backbone import Backbone, Streams, initialise
from raydist.encoders.encoder import Encoder
from raydist.encoders.non_local import NonLocalWidth
from raydist.encoders.pooling import Pooling
from raydist.encoders.registry import ENCODERS, POOLINGS, TEMPORALS
from raydist.encoders.variant import chosen_backbone
from raydist.encoders.weights.choice import starting_weights
from raydist.encoders.weights.fits import Fit
from raydist.encoders.weights.loading import fill, fill_stems
from raydist.errors import ConfigError
from raydist.randomness import stream
from raydist.registry import shown


def build_encoder(
    name: str,
    *,
    weights: str | Path | None = None,
    two_stream: bool | None = None,
    non_local: NonLocalWidth | None = None,
    branches: int = 1,
    recompute: bool = False,
    pooling: str | None = None,
    temporal: str = "mean",
    seed: int,
) -> Encoder:
    """An encoder, on the CPU, ready to train.

    Args:
        name: of `ENCODERS`.
        weights: a local file of published weights for the backbone, or the encoder of a checkpoint; None
            starts from the seed alone.
        two_stream: whether each modality has a stem of its own; None is the backbone's default.
        non_local: inner width of non-local blocks, where the backbone has places for them; None is the
            backbone's default.
        branches: 2 joins a shallow branch's feature to that of the deep one, where the backbone has both.
        recompute: whether activations are computed again in the backward pass: a seventh of the memory, a
            third more time.
        pooling: of `POOLINGS`; None is the backbone's default, and the only choice for those that end in one
            vector a frame (a class token).
        temporal: of `TEMPORALS`.
        seed: of the start values; equal seeds give equal encoders, and torch's own generators are left as
            they were.

    Raises:
        ConfigError: an unknown name, a pooling where there is nothing to pool, branches or non-local blocks
            that the backbone does not have, or weights of more stems or branches than the encoder has.
        DataError: the weights cannot be read or are of another architecture.

    >>> build_encoder("small", seed=0).width
    256
    """
    backbone = chosen_backbone(name, non_local=non_local)
    spatial = chosen_pooling(name, pooling=pooling, branches=branches)
    channels = branches * backbone.channels
    width = spatial.width(channels)
    fit = None
    if weights is not None:
        fit = starting_weights(name, weights, two_stream=two_stream, non_local=non_local, branches=branches)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(stream(seed, "encoder").integers(2**63)))
        layers = _layers(backbone, fit=fit, branches=branches)
        pool, temporal_pool = spatial.build(channels), _temporal_pool(temporal, width)
    streams = Streams(backbone, layers, two_stream=two_stream, recompute=recompute)
    if fit:
        fill_stems(streams, fit)
    return Encoder(streams, pool, temporal_pool, width=width, num_branches=branches, pixels=backbone.pixels)


def feature_width(name: str, *, pooling: str | None = None, branches: int = 1) -> int:
    """D of an encoder, without building it; arguments as of `build_encoder`.

    >>> feature_width("agw_resnet50"), feature_width("vit_b16", branches=2)
    (2048, 1536)
    """
    channels = branches * ENCODERS.load(name).channels
    return chosen_pooling(name, pooling=pooling, branches=branches).width(channels)


def check_temporal(name: str, width: int) -> None:
    """Refuse a temporal pooling of one's own that makes no module; one is made and thrown away.

    Raises:
        ConfigError: it fails, or it gives something else.
    """
    with torch.random.fork_rng(devices=[]):
        _temporal_pool(name, width)


def _temporal_pool(name: str, width: int) -> nn.Module:
    make, what = TEMPORALS.load(name), f"encoder.temporal = {name!r}: expected a function of the width D "
    try:
        module = make(width)
    except (Exception, SystemExit) as error:  # code of the user
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(
            f"{what}that makes a torch module, but called with {width} it fails: {reason}"
        ) from error
    if not isinstance(module, nn.Module):
        raise ConfigError(f"{what}that makes a torch module, but it makes {shown(module)}")
    return module


def chosen_pooling(name: str, *, pooling: str | None, branches: int) -> Pooling:
    """The pooling of an encoder; None is the backbone's default.

    Raises:
        ConfigError: an unknown name, a pooling where there is nothing to pool, or branches that the backbone
            does not have.
    """
    backbone = ENCODERS.load(name)
    if backbone.pooled and pooling is not None:
        raise ConfigError(
            f"encoder.pooling = {pooling}: {name} gives one vector a frame, nothing to pool; leave it out"
        )
    if branches not in (1, 2) or (branches == 2 and backbone.fork is None):
        has = "1 branch" if backbone.fork is None else "1 branch or 2"
        raise ConfigError(
            f"encoder.branches = {branches}: {name} has {has}; vit_b16 is the encoder with a shallow branch"
        )
    return POOLINGS.load(pooling or backbone.pooling)


def _layers(backbone: Backbone, *, fit: Fit | None, branches: int) -> nn.Sequential:
    """The layers with their start values; a second branch that the file lacks starts as the first."""
    layers = backbone.build()
    initialise(layers)
    if fit and fit.branches == 1:
        fill(layers, fit.stems[0] | fit.trunk)
    if branches == 2 and backbone.fork:
        layers = backbone.fork(layers)
    if fit and fit.branches == 2:
        fill(layers, fit.stems[0] | fit.trunk)
    return layers
