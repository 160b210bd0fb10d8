"""The encoders, poolings and temporal poolings by name; a part's file is imported when it is asked for.

To add one: a file, and one line here. One of your own needs no line:
``encoder.name=my_package.my_module:MY_BACKBONE``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from raydist.registry import Entry, Registry

if TYPE_CHECKING:
    from torch import nn

    from raydist.encoders.backbone import Backbone
    from raydist.encoders.pooling import Pooling

ENCODERS: Registry[Backbone] = Registry(
    "encoder.name",
    {
        "small": Entry(
            "raydist.encoders.small:SMALL", "small residual network, trains from scratch on a CPU"
        ),
        "resnet18": Entry("raydist.encoders.resnet:RESNET18", "ResNet-18"),
        "resnet34": Entry("raydist.encoders.resnet:RESNET34", "ResNet-34"),
        "resnet50": Entry("raydist.encoders.resnet:RESNET50", "ResNet-50"),
        "agw_resnet50": Entry(
            "raydist.encoders.resnet:AGW_RESNET50", "two-stream ResNet-50 of AGW without non-local blocks"
        ),
        "agw_resnet50_non_local": Entry(
            "raydist.encoders.resnet:AGW_RESNET50_NON_LOCAL", "two-stream ResNet-50 of AGW"
        ),
        "mobilenet_v2": Entry("raydist.encoders.mobilenet:MOBILENET_V2", "MobileNetV2"),
        "clip_vit_b16": Entry("raydist.encoders.clip_vit:CLIP_VIT_B16", "image tower of CLIP, ViT-B/16"),
        "vit_b16": Entry(
            "raydist.encoders.vit:VIT_B16", "two-stream ViT-B/16 with a convolutional stem, 1 or 2 branches"
        ),
    },
    kind="raydist.encoders.backbone:Backbone",
)

POOLINGS: Registry[Pooling] = Registry(
    "encoder.pooling",
    {
        "mean": Entry("raydist.encoders.pooling:MEAN", "mean over all positions"),
        "gem": Entry("raydist.encoders.pooling:GEM", "generalised mean, exponent 3"),
        "stripes": Entry("raydist.encoders.pooling:STRIPES", "means of four stripes and the maximum, mixed"),
    },
    kind="raydist.encoders.pooling:Pooling",
)

TEMPORALS: Registry[Callable[[int], nn.Module]] = Registry(
    "encoder.temporal",
    {
        "mean": Entry("raydist.encoders.temporal:temporal_mean", "mean over the frames of a clip"),
        "attention": Entry("raydist.encoders.temporal:temporal_attention", "weighted mean over the frames"),
        "attention_conv": Entry(
            "raydist.encoders.temporal:temporal_attention_conv", "the same after a convolution over time"
        ),
    },
    kind="collections.abc:Callable",
)
"""Each makes, from the width D of a frame's features, a module [B, T, D] -> [B, D]."""
