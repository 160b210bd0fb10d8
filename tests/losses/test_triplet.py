import pytest
import torch

from raydist.losses.triplet import batch_hard_triplet, hardest_gaps
from raydist.types import NOISE

LABELS = [0, 0, 1, 2, NOISE, 1, 1, 0, NOISE]


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gaps(features, labels):
    """Hardest positive less hardest negative of every anchor that has both, by loops."""
    found = []
    for a, label in enumerate(labels):
        distance = [float((features[a] - x).norm()) for x in features]
        positives = [distance[b] for b, other in enumerate(labels) if b != a and other == label != NOISE]
        negatives = [distance[b] for b, other in enumerate(labels) if other not in (label, NOISE)]
        if positives and negatives:
            found.append(max(positives) - min(negatives))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_loops(seed):
    features, labels = normal(9, 4, seed=seed), torch.tensor(LABELS)
    expected = gaps(features, LABELS)
    assert len(expected) == 6  # label 2 has one row, two rows are noise
    assert hardest_gaps(features, labels).tolist() == pytest.approx(expected)
    hinge = sum(max(0.0, 0.3 + gap) for gap in expected) / 6
    assert float(batch_hard_triplet(features, labels, margin=0.3)) == pytest.approx(hinge)


def test_gradients():
    labels = torch.tensor(LABELS)
    features = normal(9, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: batch_hard_triplet(x, labels, margin=5.0), features)


def test_order_and_names_of_labels_do_not_matter():
    features, labels = normal(9, 4), torch.tensor(LABELS)
    place = torch.tensor([4, 8, 0, 2, 6, 1, 7, 3, 5])
    renamed = torch.where(labels == NOISE, labels, 7 - 2 * labels)
    torch.testing.assert_close(
        batch_hard_triplet(features[place], renamed[place], margin=5.0),
        batch_hard_triplet(features, labels, margin=5.0),
    )


def test_a_repeated_clip_is_a_positive_at_distance_zero_with_a_finite_gradient():
    features = normal(1, 4).repeat(2, 1)
    features = torch.cat([features, normal(2, 4, seed=1)]).requires_grad_()
    batch_hard_triplet(features, torch.tensor([0, 0, 1, 1]), margin=0.3).backward()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize("labels", [[], [NOISE, NOISE], [0, 0, 0], [0, 1, 2]])
def test_no_triplet_is_a_zero_with_a_graph(labels):
    features = normal(len(labels), 4).requires_grad_()
    loss = batch_hard_triplet(features, torch.tensor(labels, dtype=torch.int64), margin=0.3)
    loss.backward()
    assert float(loss.detach()) == 0
    assert (features.grad == 0).all()
