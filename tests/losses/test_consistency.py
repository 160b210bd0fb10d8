import math

import pytest
import torch
import torch.nn.functional as F

from raydist.losses.consistency import adjusted_loss, consistency_loss, invariance_loss, surprisal

INF = math.inf


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def case(num_versions=3):
    """Four rows of six classes, of which some are not admissible; the same for all versions."""
    closed = torch.tensor(
        [[0, 0, 0, 0, 0, 0], [0, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]], dtype=torch.bool
    )
    return 3 * normal(num_versions, 4, 6), closed


def masked(num_versions=3):
    logits, closed = case(num_versions)
    return logits.masked_fill(closed, -INF)


def distribution(logits):
    total = sum(math.exp(z) for z in logits)
    return [math.exp(z) / total for z in logits]


def own_probabilities(logits):
    """[B][A]: the probability of the own class."""
    return [[distribution(clip_view[b].tolist())[0] for clip_view in logits] for b in range(logits.shape[1])]


def divergence(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def test_adjusted_loss_equals_the_loops():
    own = own_probabilities(masked())
    expected = sum(-math.log(sum(of_row) / 3) for of_row in own) / 4
    assert float(adjusted_loss(masked())) == pytest.approx(expected, rel=1e-12)


def test_invariance_loss_equals_the_loops():
    variances = []
    for of_row in own_probabilities(masked()):
        losses = [-math.log(p) for p in of_row]
        mean = sum(losses) / 3
        variances.append(sum((x - mean) ** 2 for x in losses) / 3)
    assert float(invariance_loss(masked())) == pytest.approx(sum(variances) / 4, rel=1e-12)


def test_consistency_loss_equals_the_loops():
    original, *clip_views = masked()
    gaps = [
        divergence(distribution(p.tolist()), distribution(q.tolist()))
        for clip_view in clip_views
        for p, q in zip(original, clip_view, strict=True)
    ]
    assert float(consistency_loss(original, torch.stack(clip_views))) == pytest.approx(
        sum(gaps) / 8, rel=1e-12
    )


@pytest.mark.parametrize("loss", [adjusted_loss, invariance_loss, lambda z: consistency_loss(z[0], z[1:])])
def test_the_gradient_is_that_of_the_loss_and_spares_what_is_not_admissible(loss):
    logits, closed = case()
    fixed = logits[0].clone()  # finite differences know nothing of the stopped gradient

    def of(changed):
        return loss(torch.cat([fixed[None], changed]).masked_fill(closed, -INF))

    assert torch.autograd.gradcheck(of, logits[1:].requires_grad_())
    whole = masked().requires_grad_()
    loss(whole).backward()
    assert (whole.grad[:, closed] == 0).all()
    assert (whole.grad[1:, 0] != 0).all()


def test_no_gradient_flows_through_the_original():
    original, clip_views = masked()[0].requires_grad_(), masked()[1:].requires_grad_()
    consistency_loss(original, clip_views).backward()
    assert original.grad is None
    assert clip_views.grad.abs().sum() > 0


def test_equal_versions_leave_plain_cross_entropy():
    logits = masked(1).expand(4, -1, -1)
    plain = F.cross_entropy(logits[0], torch.zeros(4, dtype=torch.int64))
    torch.testing.assert_close(adjusted_loss(logits), plain)
    torch.testing.assert_close(surprisal(logits).mean(), plain)
    assert float(invariance_loss(logits)) == pytest.approx(0, abs=1e-15)
    assert float(consistency_loss(logits[0], logits[1:])) == 0


def test_the_adjusted_loss_lies_between_the_best_version_and_the_mean_of_all():
    per_version = surprisal(masked())
    assert per_version.amin(dim=0).mean() < adjusted_loss(masked()) < per_version.mean()


def test_order_of_versions_rows_and_other_classes_changes_nothing():
    logits = masked()
    other = logits[[0, 2, 1]][:, [3, 1, 0, 2]][..., [0, 5, 1, 4, 2, 3]]
    for loss in (adjusted_loss, invariance_loss, lambda z: consistency_loss(z[0], z[1:])):
        torch.testing.assert_close(loss(other), loss(logits))


def test_certain_and_hopeless_predictions_stay_finite():
    logits = torch.tensor([[[500.0, -500.0]], [[-500.0, 500.0]]], requires_grad=True)
    total = adjusted_loss(logits) + invariance_loss(logits) + consistency_loss(logits[0], logits[1:])
    total.backward()
    assert float(adjusted_loss(logits.detach())) == pytest.approx(math.log(2))
    assert torch.isfinite(total)
    assert torch.isfinite(logits.grad).all()


def test_half_precision_logits_are_compared_in_float32():
    logits = masked().to(torch.bfloat16)
    for loss in (adjusted_loss, invariance_loss, lambda z: consistency_loss(z[0], z[1:])):
        assert loss(logits).dtype == torch.float32
        torch.testing.assert_close(loss(logits), loss(logits.float()))


@pytest.mark.parametrize("rows", [0, 2])
def test_nothing_to_compare_is_a_zero_with_a_graph(rows):
    logits = normal(1 if rows else 3, rows, 5).requires_grad_()
    loss = consistency_loss(logits[0], logits[1:]) + (
        0 if rows else adjusted_loss(logits) + invariance_loss(logits)
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert (logits.grad == 0).all()
