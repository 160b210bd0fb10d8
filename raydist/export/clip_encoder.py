"""An encoder with all that comes before it: from pictures as they are decoded to the features of clips."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from raydist.encoders.backbone import Streams
from raydist.encoders.encoder import Encoder
from raydist.engine.extraction import clip_features
from raydist.engine.schema import Config
from raydist.export.resizing import Resize
from raydist.types import Modality


class ClipEncoder(nn.Module):
    """What `raydist.engine.extraction.extract` does to a clip, in one module without choices at run time.

    Args:
        encoder: of a run; a copy of it is kept, on the CPU and in evaluation mode.
        config: of the run, which says how frames are resized and whether features of flips are added.
    """

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        data = config.evaluation.pixels_of(config.data)
        self.resize = Resize(height=data.height, width=data.width, resize=data.resize)
        self.encoder = copy.deepcopy(encoder).cpu().eval()
        self.encoder.backbone = BothStems(self.encoder.backbone)
        self.flip_average = data.flip_average

    def forward(self, frames: Tensor, modality: Tensor) -> Tensor:
        """Features of clips.

        Args:
            frames: uint8 [B, T, h, w, 3], RGB, of any size; infrared pictures with three equal channels.
            modality: int64 [B], 0 for visible, 1 for infrared.

        Returns:
            Float32 [B, D], of unit length.
        """
        clips, length = frames.shape[:2]
        pixels = self.resize(frames.flatten(0, 1).permute(0, 3, 1, 2).float()) / 255
        pixels = pixels.unflatten(0, (clips, length))
        return clip_features(self.encoder, pixels, modality, flip_average=self.flip_average)


class BothStems(nn.Module):
    """A backbone whose stems see every frame; each frame goes on with what its own stem made of it.

    This costs the other stem's few layers, and needs no counting of the frames of a modality.

    Args:
        streams: the backbone; shared, not copied.
    """

    def __init__(self, streams: nn.Module) -> None:
        super().__init__()
        assert isinstance(streams, Streams)
        self.stems, self.trunk = streams.stems, streams.trunk

    def forward(self, frames: Tensor, modality: Tensor, style: Tensor | None = None) -> Tensor:
        """Maps [M, C, h, w] of frames; see `Streams.forward`. Styles are not exchanged."""
        maps = [stem(frames) for stem in self.stems]
        infrared = (modality == Modality.INFRARED).view(-1, 1, 1, 1)
        after: Tensor = self.trunk(torch.where(infrared, maps[-1], maps[0]))
        return after
