"""The module that is exported, for every encoder: the features of its parts one after the other."""

import numpy as np
import pytest
import torch

from raydist.data.frames.resizing import resized
from raydist.encoders.build import build_encoder
from raydist.engine.schema import load_config
from raydist.export.clip_encoder import ClipEncoder


@pytest.mark.parametrize("flip_average", [False, True])
@pytest.mark.parametrize("words", [[], ["encoder.two_stream=true"], ["encoder.temporal=attention"]], ids=str)
def test_it_gives_the_features_of_each_clip_alone(words, flip_average):
    config = load_config("smoke", [*words, f"data.flip_average={flip_average}".lower()])
    encoder = build_encoder(**config.encoder.model_dump(), seed=0).eval()
    size = {"height": config.data.height, "width": config.data.width, "resize": config.data.resize}
    frames = np.random.default_rng(0).integers(0, 256, (4, 3, 50, 30, 3), dtype=np.uint8)
    modality = torch.tensor([0, 1, 1, 0])
    with torch.no_grad():
        features = ClipEncoder(encoder, config)(torch.from_numpy(frames), modality)
        for clip, kind, feature in zip(frames, modality, features, strict=True):
            pixels = np.stack([resized(frame, **size) for frame in clip])
            views = [torch.from_numpy(pixels).permute(0, 3, 1, 2)[None]]
            views += [views[0].flip(-1)] if flip_average else []
            own = sum(encoder(view, kind[None]).tracklet[0] for view in views)
            assert torch.nn.functional.cosine_similarity(own, feature, dim=0) > 1 - 1e-4
