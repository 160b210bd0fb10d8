import numpy as np
import pytest
import torch
from torch import nn

from raydist.encoders.build import build_encoder
from raydist.engine.extraction import rows_at_once
from raydist.engine.local_features import LocalFeatures
from raydist.engine.precision import autocast
from raydist.engine.state import build_method
from raydist.engine.step_memory import (
    MOST_WORKSPACES,
    StepMemory,
    TensorPeak,
    frames_of_step,
    step_memory,
    workspace_bytes,
)
from raydist.methods.registry import METHODS
from raydist.methods.schedule import Epoch
from raydist.types import Modality, unit_rows


@pytest.fixture
def forecast(smoke_inputs):
    return lambda config: step_memory(config, build_method(config, smoke_inputs).stages())


def test_what_exists_at_one_time_counts_once():
    there = torch.zeros(10_000)
    with TensorPeak([there]) as peak:
        first = torch.ones(1000)
        views = first[:500], first.view(10, 100), there * 2
        del views
        second = first + 1
        del first
        third = second * 2
    assert peak.highest == 4 * (1000 + 10_000)
    assert third.shape == (1000,)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_takes_what_two_small_ones_foretold(smoke, forecast, precision, recompute):
    config = smoke(
        "encoder.name=resnet18", "data.height=64", "data.width=32", "data.frames=2", "method.name=pgm",
        "method.warm_up.share=0", "train.batch_identities=4", "train.batch_instances=2",
        f"train.precision={precision}",
        f"encoder.recompute={recompute}".lower(), "ray.num_workers=1",
    )  # fmt: skip
    found = forecast(config)
    assert found.frames == (2 * 4 + 4) * 2 * 2  # two views of visible clips, one of infrared ones
    encoder = build_encoder("resnet18", recompute=recompute, seed=0).train()
    clips, modality = torch.zeros(24, 2, 3, 64, 32), torch.arange(24) % 2
    for parameter in encoder.parameters():
        parameter.grad = torch.zeros_like(parameter)
    there = [clips, *encoder.parameters(), *encoder.buffers(), *(p.grad for p in encoder.parameters())]
    with TensorPeak(there) as peak:
        with autocast(precision, clips.device):
            features = encoder(clips, modality)
        features.tracklet.sum().backward()
    assert found.activations == pytest.approx(peak.highest + 2 * clips.nbytes, rel=0.25)
    values = sum(p.numel() for p in encoder.parameters())
    assert found.weights == pytest.approx(4 * 4 * values, rel=0.02)  # of Adam, with the gradients


def test_extraction_takes_what_two_small_ones_foretold(smoke, forecast):
    config = smoke("encoder.name=resnet18", "data.height=64", "data.width=32", "data.frames=2")
    encoder = build_encoder("resnet18", seed=0).eval()
    clips = torch.zeros(
        rows_at_once(config.data, torch.device("cpu")) * config.data.sub_tracklets, 2, 3, 64, 32
    )
    with TensorPeak([clips, *encoder.parameters(), *encoder.buffers()]) as peak, torch.no_grad():
        encoder(clips, torch.zeros(len(clips), dtype=torch.int64))
    assert forecast(config).extraction == pytest.approx(peak.highest + clips.nbytes, rel=0.15)


def test_recomputed_layers_and_more_workers_take_less(smoke, forecast):
    def bytes_of(*words):
        return forecast(smoke("encoder.name=resnet18", *words)).activations

    whole = bytes_of("ray.num_workers=1")
    assert bytes_of("ray.num_workers=1", "encoder.recompute=true") < whole / 2
    assert bytes_of("ray.num_workers=2") == pytest.approx(whole / 2, rel=0.1)


def test_where_one_frame_is_not_enough_the_weights_count(smoke, forecast, monkeypatch, tmp_path):
    (tmp_path / "own_pairs.py").write_text(
        "from torch import nn\n\n\nclass Pairs(nn.Module):\n    def __init__(self, width):\n"
        "        super().__init__()\n\n    def forward(self, frames):\n"
        "        return (frames[:, 1] + frames[:, 0]) / 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = forecast(smoke("encoder.temporal=own_pairs:Pairs"))
    assert (found.frames, found.activations, found.weights > 0) == (0, 0, True)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_no_step_has_more_frames_than_expected(smoke, smoke_inputs, name):
    config, identity = smoke(f"method.name={name}", "ray.num_workers=1"), smoke_inputs.truth.identity
    rng = np.random.default_rng(0)
    x = rng.normal(size=(identity.max() + 1, 1, 16))[identity] + 0.1 * rng.normal(size=(len(identity), 4, 16))
    features = LocalFeatures(unit_rows(x.astype(np.float32)), smoke_inputs.tracklets)
    stages, most = build_method(config, smoke_inputs).stages(), 0
    for stage in stages:
        targets = stage.refresh(features, None, Epoch(5, 9), rng)
        for step in stage.optimizer_steps(targets, Epoch(5, 9)):
            modality = smoke_inputs.tracklets.modality[step.sampler(1, rng)[0]]
            clips = sum(
                int(np.isin(modality, [*Modality] if v.shows is None else [v.shows]).sum())
                for v in step.clip_views
            )
            most = max(most, clips * config.data.frames)
    assert most == frames_of_step(config, stages)


def test_steps_add_up():
    assert StepMemory(8, 100, 70, 50).total == 150
    assert StepMemory(8, 100, 170, 50).total == 220


@pytest.mark.parametrize(
    ("layers", "activations", "workspaces"), [(2, 100, 50), (2, 10**11, MOST_WORKSPACES), (1, 100, 0)]
)
def test_convolutions_on_a_cpu_take_more_than_their_tensors(layers, activations, workspaces):
    """One layer alone cuts the patches of a transformer."""
    encoder = nn.Sequential(*(nn.Conv2d(3, 3, 3) for _ in range(layers)), nn.Linear(3, 3))
    assert workspace_bytes(encoder, activations) == workspaces
