"""What every encoder promises: shapes, unit length, one neck, both kinds of input, gradients everywhere."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from raydist.encoders.build import build_encoder
from raydist.encoders.encoder import Encoder, Neck
from raydist.errors import DataError

NAMES = ["small", "resnet18", "agw_resnet50", "mobilenet_v2", "clip_vit_b16", "vit_b16"]

pytestmark = pytest.mark.usefixtures("tiny_clip", "tiny_vit")


def batch(*, num_clips: int = 4, num_frames: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    frames = torch.randint(0, 256, (num_clips, num_frames, 3, 64, 32), generator=generator, dtype=torch.uint8)
    return frames, (torch.arange(num_clips) % 2).to(torch.int8)


@pytest.fixture(scope="module")
def small() -> Encoder:
    return build_encoder("small", seed=0).eval()


@pytest.mark.parametrize("name", NAMES)
def test_features_are_unit_vectors_of_the_declared_width(name: str):
    encoder = build_encoder(name, seed=0)
    frames, modality = batch()
    for mode in (True, False):
        with torch.no_grad():
            out = encoder.train(mode)(frames, modality)
        assert out.tracklet.shape == out.raw.shape == (4, encoder.width)
        assert out.frame.shape == (4, 3, encoder.width)
        assert all(x.dtype == torch.float32 for x in out)
        assert torch.allclose(out.tracklet.norm(dim=-1), torch.ones(4))
        assert torch.allclose(out.frame.norm(dim=-1), torch.ones(4, 3))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("temporal", ["mean", "attention_conv"])
def test_gradients_reach_all_parameters(name: str, temporal: str):
    encoder = build_encoder(name, temporal=temporal, seed=0).train()
    out = encoder(*batch())
    (out.tracklet[:, 0].sum() + out.raw[:, 0].sum()).backward()
    without = [n for n, p in encoder.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
    assert not encoder.neck.norm.bias.requires_grad


def test_float_frames_equal_uint8_frames(small: Encoder):
    frames, modality = batch()
    with torch.no_grad():
        assert torch.allclose(
            small(frames, modality).tracklet, small(frames / 255, modality).tracklet, atol=1e-5
        )


def test_clips_of_one_frame_have_that_frames_feature(small: Encoder):
    frames, modality = batch(num_frames=1)
    with torch.no_grad():
        out = small(frames, modality)
    assert torch.allclose(out.tracklet, out.frame[:, 0], atol=1e-5)


def test_a_clip_does_not_depend_on_its_neighbours_in_evaluation(small: Encoder):
    frames, modality = batch()
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        whole = small(frames, modality).tracklet
        assert torch.allclose(small(frames[order], modality[order]).tracklet, whole[order], atol=1e-5)
        alone = torch.cat([small(frames[b : b + 1], modality[b : b + 1]).tracklet for b in range(4)])
    assert torch.allclose(alone, whole, atol=1e-5)


@pytest.mark.parametrize("name", ["small", "clip_vit_b16"])
@pytest.mark.parametrize("training", [True, False])
def test_output_is_float32_under_autocast(name: str, training: bool):
    encoder = build_encoder(name, seed=0).train(training)
    with torch.set_grad_enabled(training), torch.autocast("cpu", torch.bfloat16):
        out = encoder(*batch(), torch.tensor([1, -1, -1, -1]))
    assert all(x.dtype == torch.float32 for x in out)
    assert torch.allclose(out.tracklet.norm(dim=-1), torch.ones(4))


@pytest.mark.parametrize("name", NAMES)
def test_a_style_reaches_the_clips_it_is_meant_for(name: str):
    encoder = build_encoder(name, seed=0).eval()
    frames, modality = batch()
    frames[1] //= 3
    with torch.no_grad():
        plain = encoder(frames, modality)
        kept = encoder(frames, modality, torch.tensor([-1, -1, 2, 3]))
        styled = encoder(frames, modality, torch.tensor([1, -1, 1, 3]))
    for one, other, third in zip(plain, kept, styled, strict=True):
        assert torch.equal(one, other)
        changed = (third - one).flatten(1).abs().amax(1) > 1e-5 * one.abs().max()
        assert changed.tolist() == [True, False, True, False]


def test_early_maps_of_a_clip_have_the_statistics_of_its_donor(small: Encoder):
    frames, modality = batch()
    frames[1] //= 3
    seen = []
    handle = small.backbone.trunk.layer2.register_forward_pre_hook(
        lambda _, x: seen.append(x[0].unflatten(0, (4, 3)))
    )
    with torch.no_grad():
        small(frames, modality)
        small(frames, modality, torch.tensor([1, -1, -1, -1]))
    handle.remove()
    plain, styled = seen
    for a, b in zip(torch.var_mean(styled[0], (0, 2, 3)), torch.var_mean(plain[1], (0, 2, 3)), strict=True):
        assert torch.allclose(a, b, rtol=0.01, atol=1e-4)


@pytest.mark.parametrize(
    ("style", "message"),
    [
        (torch.tensor([0, 1, 2]), r"style of shape \(3,\) and type torch.int64: expected int64 \[4\]"),
        (torch.tensor([0.0, 1.0, 2.0, 3.0]), "type torch.float32"),
        (torch.tensor([0, 1, 2, 4]), "style 4: expected a clip of this batch, 0 to 3, or -1"),
        (torch.tensor([0, -2, 2, 3]), "style -2"),
    ],
)
def test_unfit_styles_are_refused(small: Encoder, style: Tensor, message: str):
    with pytest.raises(DataError, match=message):
        small(*batch(), style)


def test_two_streams_treat_modalities_apart():
    one, two = (build_encoder("small", two_stream=t, seed=0).eval() for t in (False, True))
    frames, modality = batch()
    with torch.no_grad():
        # at the start both stems are the one stem
        assert torch.equal(two(frames, modality).tracklet, one(frames, modality).tracklet)
        assert torch.equal(one(frames, modality).tracklet, one(frames, 1 - modality).tracklet)
        for p in two.backbone.stems[1].parameters():
            p.mul_(torch.linspace(0.5, 1.5, p.numel()).view_as(p))
        changed = (two(frames, modality).tracklet - one(frames, modality).tracklet).abs().amax(1) > 1e-4
    assert changed.tolist() == modality.bool().tolist()


def test_one_modality_trains_its_own_stem_alone():
    encoder = build_encoder("small", two_stream=True, seed=0).train()
    frames, modality = batch()
    encoder(frames, torch.ones_like(modality)).tracklet[:, 0].sum().backward()
    visible, infrared = encoder.backbone.stems
    assert all(p.grad is None for p in visible.parameters())
    assert all(p.grad is not None for p in infrared.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_neck_maps_frames_as_it_maps_tracklets(training: bool):
    neck = Neck(5).train(training)
    nn.init.uniform_(neck.norm.weight, 0.5, 2)
    raw = torch.randn(7, 5) * 3 + 1
    expected = neck.norm(raw)
    tracklet, frame = neck(raw, raw.unsqueeze(1).expand(-1, 2, -1))
    # evaluation: the first line above must not have moved the statistics
    assert torch.allclose(tracklet, expected, atol=1e-5)
    assert torch.allclose(frame, expected.unsqueeze(1).expand(-1, 2, -1), atol=1e-5)


def test_normalisation_is_that_of_imagenet(small: Encoder):
    frames, _ = batch()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = (frames[0] / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    assert torch.allclose(small._normalise(frames[0]), expected, atol=1e-5)
    assert not any("pixel" in name for name in small.state_dict())


@pytest.mark.parametrize(
    ("frames", "modality"),
    [
        (torch.zeros(2, 3, 64, 32), torch.zeros(2)),
        (torch.zeros(2, 1, 1, 64, 32), torch.zeros(2)),
        (torch.zeros(2, 1, 3, 64, 32), torch.zeros(3)),
    ],
)
def test_unfit_input_is_refused(small: Encoder, frames: Tensor, modality: Tensor):
    with pytest.raises(DataError, match="expected"):
        small(frames, modality.long())


def test_learns_to_tell_two_patterns_apart():
    encoder = build_encoder("small", seed=0).train()
    frames, modality = batch(num_clips=8, num_frames=1)
    frames[:4, ..., :32, :] //= 4
    labels = torch.arange(8) // 4
    optimizer = torch.optim.Adam(encoder.parameters(), 1e-3)
    for _ in range(8):
        similarity = encoder(frames, modality).tracklet
        loss = functional.cross_entropy(10 * similarity @ similarity[[0, 4]].T.detach(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.05
