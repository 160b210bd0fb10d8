"""A backbone by its name, and otherwise than it is published where that is asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from raydist.encoders.backbone import Backbone
from raydist.encoders.non_local import NonLocalWidth
from raydist.encoders.registry import ENCODERS
from raydist.errors import ConfigError


def chosen_backbone(name: str, *, non_local: NonLocalWidth | None) -> Backbone:
    """The backbone of a name, with the non-local blocks that are wanted; None leaves it as it is published.

    Raises:
        ConfigError: an unknown name, or a backbone without places for such blocks.

    >>> block = chosen_backbone("agw_resnet50", non_local="one").build().layer3[5].context
    >>> sum(p.numel() for p in block.parameters()) == 7 * 1024 + 3
    True
    """
    backbone = ENCODERS.load(name)
    if non_local is None or (non_local == "off" and backbone.build_non_local is None):
        return backbone
    if backbone.build_non_local is None:
        raise ConfigError(
            f"encoder.non_local = {non_local}: {name} has no places for non-local blocks; leave it out, or "
            "take agw_resnet50, which has"
        )
    return replace(backbone, build=partial(backbone.build_non_local, non_local))
