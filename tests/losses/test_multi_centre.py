import math

import pytest
import torch

from raydist.losses.multi_centre import centre_distances, multi_centre_contrast


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(*shape, seed=0):
    return torch.nn.functional.normalize(normal(*shape, seed=seed), dim=-1)


def sample_loss(x, centres):
    """One sample in one branch: its predicted cluster and its loss."""
    distance = [[float((x / x.norm() - s).norm()) for s in cluster] for cluster in centres]
    own = min(range(len(distance)), key=lambda c: min(distance[c]))
    pos = sum(1 / d for d in distance[own]) / len(distance[own])
    others = [1 / min(d) for c, d in enumerate(distance) if c != own]
    neg = sum(others) / len(others)
    return own, -math.log(pos / (pos + neg))


def oracle(features, centres, weights):
    total, count = 0.0, 0
    for b in range(len(features[0])):
        found = [sample_loss(x[b], c) for x, c in zip(features, centres, strict=True)]
        if len({own for own, _ in found}) == 1:
            count += 1
            total += sum(weight * loss for weight, (_, loss) in zip(weights, found, strict=True))
    return total / max(1, count), count


@pytest.mark.parametrize("num_clusters", [2, 5])
@pytest.mark.parametrize("num_centres", [1, 4])
def test_one_branch_equals_the_loops(num_clusters, num_centres):
    features, centres = normal(9, 6), unit(num_clusters, num_centres, 6, seed=1)
    expected, count = oracle([features], [centres], [1.0])
    assert count == 9
    assert float(multi_centre_contrast([features], [centres], [1.0])) == pytest.approx(expected)


def test_two_branches_count_where_they_agree():
    features = [normal(30, 5), normal(30, 4, seed=1)]
    centres = [unit(3, 4, 5, seed=2), unit(3, 4, 4, seed=3)]
    expected, count = oracle(features, centres, [1.0, 0.5])
    assert 0 < count < 30
    assert float(multi_centre_contrast(features, centres, [1.0, 0.5])) == pytest.approx(expected)


def test_gradient():
    """Away from ties: distances, minima and predictions differ clearly."""
    features = [normal(6, 4, seed=5), normal(6, 3, seed=6)]
    centres = [unit(3, 2, 4, seed=7), unit(3, 2, 3, seed=8)]
    for x, c in zip(features, centres, strict=True):
        gaps = centre_distances(x, c).flatten(1).sort(dim=1).values.diff(dim=1)
        assert gaps.min() > 1e-4
    assert oracle(features, centres, [1.0, 0.5])[1] > 0
    assert torch.autograd.gradcheck(
        lambda *x: multi_centre_contrast(x, centres, [1.0, 0.5]), [x.requires_grad_() for x in features]
    )


def test_samples_on_which_branches_disagree_feel_nothing():
    centres = unit(2, 1, 3, seed=0)
    deep = centres[[0, 1], 0].clone().mul(0.5).add(0.01).requires_grad_()
    shallow = centres[[1, 1], 0].clone().mul(2).add(0.01).requires_grad_()
    multi_centre_contrast([deep, shallow], [centres, centres], [1.0, 0.5]).backward()
    assert (deep.grad[0] == 0).all()
    assert (shallow.grad[0] == 0).all()
    assert deep.grad[1].norm() > 0
    assert shallow.grad[1].norm() > 0


@pytest.mark.parametrize("num_clusters", [2, 3, 7])
def test_equal_distances_cost_log_two_whatever_the_number_of_clusters(num_clusters):
    centres = torch.nn.functional.pad(unit(num_clusters, 3, 5), (0, 1))
    features = torch.eye(6, dtype=torch.float64)[-1:]
    assert float(multi_centre_contrast([features], [centres], [1.0])) == pytest.approx(math.log(2))


def test_descent_brings_clips_nearer_to_all_centres_of_the_cluster_they_predict():
    centres, features = unit(4, 3, 8), unit(10, 8, seed=1).requires_grad_()
    before = centre_distances(features, centres)
    own = before.amin(dim=2).argmin(dim=1)
    multi_centre_contrast([features], [centres], [1.0]).backward()
    after = centre_distances(features - 0.1 * features.grad, centres)
    clips = torch.arange(10)
    assert (after[clips, own].mean(dim=1) < before[clips, own].mean(dim=1)).all()


def test_lengths_of_features_and_names_of_clusters_do_not_matter():
    features, centres = normal(8, 5), unit(4, 3, 5, seed=1)
    expected = multi_centre_contrast([features], [centres], [1.0])
    torch.testing.assert_close(
        multi_centre_contrast([9 * features], [centres[[2, 0, 3, 1]]], [1.0]), expected
    )


def test_a_clip_on_a_centre_has_a_finite_loss_and_gradient():
    centres = unit(3, 2, 4).float()
    features = centres[:, 0].clone().requires_grad_()
    loss = multi_centre_contrast([features], [centres], [1.0])
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(features.grad).all()
    assert float(centre_distances(features, centres).min().detach()) == pytest.approx(1e-3)


@pytest.mark.parametrize(("num_samples", "num_clusters"), [(0, 3), (4, 1), (4, 0)])
def test_of_nothing_it_is_a_zero_with_a_graph(num_samples, num_clusters):
    features = normal(num_samples, 4).requires_grad_()
    loss = multi_centre_contrast([features], [unit(num_clusters, 2, 4, seed=1)], [1.0])
    loss.backward()
    assert float(loss.detach()) == 0
    assert (features.grad == 0).all()


def test_distances_are_those_of_the_unit_sphere_in_the_type_of_the_memory():
    features, centres = normal(5, 6), unit(3, 2, 6, seed=1)
    expected = torch.cdist(torch.nn.functional.normalize(features), centres.flatten(0, 1)).view(5, 3, 2)
    torch.testing.assert_close(centre_distances(features, centres), expected)
    assert centre_distances(features.bfloat16(), centres.float()).dtype == torch.float32
