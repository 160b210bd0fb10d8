"""Features of tracklets: what is averaged, and what is not."""

import numpy as np
import pytest
import torch

from raydist.data.transforms.clips import sub_tracklet_clips
from raydist.encoders.build import build_encoder
from raydist.engine.data_section import DataSection
from raydist.engine.extraction import extract
from raydist.engine.inputs import open_inputs
from raydist.engine.local_features import LocalFeatures
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state


class DrawnFrames:
    """Frames of tracklets of different lengths, every one different from its mirror image."""

    num_frames = np.array([1, 5, 9])

    def read(self, rows, frame_indices):
        rng = np.random.default_rng(0)
        frames = rng.integers(0, 256, (3, 9, 3, 32, 16), np.uint8)
        return frames[rows[:, None], frame_indices]


@pytest.fixture(scope="module")
def encoder():
    return build_encoder("small", two_stream=True, seed=0)


MODALITY = np.array([0, 1, 0], np.int8)
ROWS = np.array([2, 0, 1])


def features(encoder, **data):
    section = DataSection(frames=2, sub_tracklets=2, **data)
    return whole(encoder, ROWS, section)


def whole(encoder, rows, section, **options):
    blocks = extract(
        encoder, DrawnFrames(), MODALITY, rows, data=section, device=torch.device("cpu"), **options
    )
    return np.concatenate(list(blocks))


@torch.no_grad()
def one(encoder, row, part, *, mirrored):
    """The feature of one clip alone, float32 [D]."""
    indices = sub_tracklet_clips(int(DrawnFrames.num_frames[row]), 2, 2)[part]
    pixels = torch.from_numpy(DrawnFrames().read(np.array([row]), indices[None]))
    pixels = torch.from_numpy(np.ascontiguousarray(pixels.numpy()[..., ::-1])) if mirrored else pixels
    return encoder.eval()(pixels, torch.tensor([int(MODALITY[row])])).tracklet[0].numpy()


def test_a_feature_is_that_of_its_clip(encoder):
    found = features(encoder)
    assert found.shape == (3, 2, encoder.width)
    for index, row in enumerate(ROWS):
        for part in range(2):
            np.testing.assert_allclose(found[index, part], one(encoder, row, part, mirrored=False), atol=1e-5)


def test_with_flip_average_it_is_the_mean_of_the_clip_and_its_mirror_image(encoder):
    found, plain = features(encoder, flip_average=True), features(encoder)
    for index, row in enumerate(ROWS):
        for part in range(2):
            mean = (one(encoder, row, part, mirrored=False) + one(encoder, row, part, mirrored=True)) / 2
            np.testing.assert_allclose(found[index, part], mean / np.linalg.norm(mean), atol=1e-5)
    assert np.abs(found - plain).max() > 1e-3


def test_no_rows_no_features(encoder):
    assert whole(encoder, np.empty(0, np.int64), DataSection()).shape == (0, 2, encoder.width)


def test_features_come_in_batches_of_the_encoder(encoder, monkeypatch):
    monkeypatch.setattr("raydist.engine.extraction.CLIPS_AT_ONCE", 4)
    section = DataSection(frames=2, sub_tracklets=2)
    blocks = list(extract(encoder, DrawnFrames(), MODALITY, ROWS, data=section, device=torch.device("cpu")))
    assert [block.shape for block in blocks] == [(2, 2, encoder.width), (1, 2, encoder.width)]
    monkeypatch.undo()
    np.testing.assert_allclose(np.concatenate(blocks), features(encoder), atol=1e-6)


def test_the_encoder_goes_back_to_training(encoder):
    encoder.train()
    features(encoder)
    assert encoder.training


def test_without_renormalising_it_is_the_mean_itself(encoder):
    section = DataSection(frames=2, sub_tracklets=2, flip_average=True)
    raw = whole(encoder, ROWS, section, renormalise=False)
    for index, row in enumerate(ROWS):
        for part in range(2):
            mean = (one(encoder, row, part, mirrored=False) + one(encoder, row, part, mirrored=True)) / 2
            np.testing.assert_allclose(raw[index, part], mean, atol=1e-5)
    lengths = np.linalg.norm(raw, axis=2)
    assert (lengths < 1).all()
    unit = features(encoder, flip_average=True)
    np.testing.assert_allclose(raw / lengths[..., None], unit, atol=1e-6)


@pytest.mark.parametrize("method", ["adca", "dcl", "pgm", "bmil", "dmdl"])
def test_methods_cluster_means_of_any_length(smoke, tmp_path, monkeypatch, method):
    seen = []
    cluster = LocalFeatures.cluster

    def watched(self, rows, spec):
        seen.append(np.linalg.norm(self.part(0, len(self))[:, 0], axis=1))
        return cluster(self, rows, spec)

    monkeypatch.setattr(LocalFeatures, "cluster", watched)
    words = [f"method.name={method}", "method.warm_up.share=0", "train.iterations=1", "train.epochs=4"]
    for renormalise in (True, False):
        config = smoke(*words, "data.flip_average=true", f"clustering.renormalise={renormalise}")
        state = build_state(config, open_inputs(config, tmp_path))
        for _ in range(4):
            run_epoch(state)
        lengths = np.concatenate(seen)
        assert (np.abs(lengths - 1).max() < 1e-5) == renormalise
        assert lengths.max() < 1 + 1e-5
        seen.clear()
        for memory in state.memories.values():
            length = memory.norm(dim=1)
            assert ((length - 1).abs() < 1e-4).logical_or(length == 0).all()
