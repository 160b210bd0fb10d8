"""ResNet (He et al., CVPR 2016) with torchvision's parameter names, and AGW's variant for re-identification.

The layers end at the feature map: there is no classifier.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor, nn

from raydist.encoders.backbone import Backbone
from raydist.encoders.non_local import NonLocal, NonLocalWidth

STEM = 4
"""conv1, bn1, relu and maxpool."""

EARLY = 5
"""To layer1: maps of a quarter of the frame's size."""


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions around which the input is added."""

    expansion = 1

    def __init__(self, channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[M, channels, h, w] -> [M, width, h / stride, w / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """A 3 x 3 convolution, which has the stride, between two 1 x 1 ones; the input is added to the result."""

    expansion = 4

    def __init__(self, channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, self.expansion * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(self.expansion * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(channels, self.expansion * width, stride)
        self.context: nn.Module = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[M, channels, h, w] -> [M, 4 width, h / stride, w / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.context(self.relu(y + (x if self.downsample is None else self.downsample(x))))


def shortcut(channels: int, width: int, stride: int) -> nn.Module | None:
    """What brings a block's input to the shape of its output; None where it has it already."""
    if stride == 1 and channels == width:
        return None
    return nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))


def resnet(
    block: type[BasicBlock | Bottleneck], depths: Sequence[int], *, last_stride: int = 2
) -> nn.Sequential:
    """The layers of a ResNet.

    Args:
        block: the residual block.
        depths: blocks of each of the four stages.
        last_stride: stride of the fourth stage; 1 keeps the map twice as high and wide.

    Returns:
        Frames [M, 3, H, W] -> maps [M, 512 expansion, H / 32, W / 32], or H / 16, W / 16 where `last_stride`
        is 1.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        bn1=nn.BatchNorm2d(64),
        relu=nn.ReLU(inplace=True),
        maxpool=nn.MaxPool2d(3, 2, 1),
    )
    channels = 64
    for stage, (depth, stride) in enumerate(zip(depths, (1, 2, 2, last_stride), strict=True)):
        blocks: list[nn.Module] = []
        for b in range(depth):
            width = 64 * 2**stage
            blocks.append(block(channels, width, stride=stride if b == 0 else 1))
            channels = block.expansion * width
        layers[f"layer{stage + 1}"] = nn.Sequential(*blocks)
    return nn.Sequential(layers)


def agw_resnet50(non_local: NonLocalWidth = "off") -> nn.Sequential:
    """The layers of AGW's ResNet-50 (Ye et al., TPAMI 2021): last stride 1.

    Args:
        non_local: the inner width of the blocks after the last 2 blocks of stage 2 and the last 3 of stage 3.
    """
    layers = resnet(Bottleneck, (3, 4, 6, 3), last_stride=1)
    for stage, count in (("layer2", 2), ("layer3", 3)) if non_local != "off" else ():
        for block in list(getattr(layers, stage))[-count:]:
            channels = block.bn3.num_features
            block.context = NonLocal(channels, 1 if non_local == "one" else channels // 2)
    return layers


RESNET18 = Backbone(partial(resnet, BasicBlock, (2, 2, 2, 2)), stem=STEM, early=EARLY, channels=512)
RESNET34 = Backbone(partial(resnet, BasicBlock, (3, 4, 6, 3)), stem=STEM, early=EARLY, channels=512)
RESNET50 = Backbone(partial(resnet, Bottleneck, (3, 4, 6, 3)), stem=STEM, early=EARLY, channels=2048)
AGW_RESNET50 = Backbone(
    agw_resnet50,
    stem=STEM,
    early=EARLY,
    channels=2048,
    pooling="gem",
    two_stream=True,
    build_non_local=agw_resnet50,
)
AGW_RESNET50_NON_LOCAL = replace(AGW_RESNET50, build=partial(agw_resnet50, "half"))
