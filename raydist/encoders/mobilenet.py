"""MobileNetV2 (Sandler et al., CVPR 2018): its feature layers, named and ordered as in torchvision."""

from __future__ import annotations

from torch import Tensor, nn

from raydist.encoders.backbone import Backbone

CHANNELS = 1280
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion t, channels c, blocks n and stride s of the first of them (Table 2)."""

EARLY = 4
"""The first convolution and the first two stages: maps of a quarter of the frame's size."""


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; the input is added where shapes allow."""

    def __init__(self, channels: int, width: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels * expansion
        widen = [] if expansion == 1 else [_conv(channels, inner, kernel=1)]
        filter_ = _conv(inner, inner, kernel=3, stride=stride, groups=inner)
        self.conv = nn.Sequential(
            *widen, filter_, nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width)
        )
        self.residual = stride == 1 and channels == width

    def forward(self, x: Tensor) -> Tensor:
        """[M, channels, h, w] -> [M, width, h / stride, w / stride]."""
        y = self.conv(x)
        return x + y if self.residual else y


def _conv(channels: int, width: int, *, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU6(inplace=True),
    )


def mobilenet_v2() -> nn.Sequential:
    """The layers at width 1: frames [M, 3, H, W] -> maps [M, 1280, H / 32, W / 32]."""
    layers: list[nn.Module] = [_conv(3, 32, kernel=3, stride=2)]
    channels = 32
    for expansion, width, depth, stride in STAGES:
        for b in range(depth):
            layers.append(
                InvertedResidual(channels, width, stride=stride if b == 0 else 1, expansion=expansion)
            )
            channels = width
    layers.append(_conv(channels, CHANNELS, kernel=1))
    return nn.Sequential(*layers)


MOBILENET_V2 = Backbone(mobilenet_v2, stem=1, early=EARLY, channels=CHANNELS)
