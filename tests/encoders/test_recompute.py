import pytest
import torch

from raydist.encoders.build import build_encoder


def step(name, recompute, **more):
    """Features, gradients and buffers after one pass forward and back."""
    encoder = build_encoder(name, recompute=recompute, seed=0, **more).train()
    frames = torch.rand(4, 2, 3, 32, 16, generator=torch.Generator().manual_seed(1))
    out = encoder(frames, torch.tensor([0, 1, 0, 1]))
    (out.tracklet[:, :7].sum() + out.raw.square().mean()).backward()
    gradients = {n: p.grad for n, p in encoder.named_parameters() if p.grad is not None}
    return {"features": out.tracklet.detach(), **gradients, **dict(encoder.named_buffers())}


@pytest.mark.parametrize(("name", "more"), [("small", {}), ("resnet18", {"two_stream": True})])
def test_a_step_has_the_same_results_and_statistics(name, more):
    kept, recomputed = step(name, recompute=False, **more), step(name, recompute=True, **more)
    assert kept.keys() == recomputed.keys()
    for key, value in kept.items():
        assert torch.equal(value, recomputed[key]), key


def test_less_is_kept_for_the_backward_pass():
    def kept(recompute):
        sizes = []
        encoder = build_encoder("resnet18", recompute=recompute, seed=0).train()
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            encoder(torch.rand(2, 2, 3, 64, 32), torch.tensor([0, 1]))
        return sum(sizes)

    assert kept(recompute=True) < 0.5 * kept(recompute=False)
