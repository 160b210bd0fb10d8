import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from raydist.methods.hitpro.contrast import Level, frames_apart, prototype_contrast

TEMPERATURE = 0.07
NUM_ROWS, WIDTH = 24, 6


def unit(*shape, seed):
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))
    return torch.nn.functional.normalize(x, dim=-1)


def sparse(density, seed):
    rng = np.random.default_rng(seed)
    return csr_array(rng.random((NUM_ROWS, NUM_ROWS)) * (rng.random((NUM_ROWS, NUM_ROWS)) < density))


def oracle(features, prototypes, weights, negatives, num_hard):
    """One clip after another."""
    losses = []
    for z, w, n in zip(features.numpy(), weights.numpy(), negatives.numpy(), strict=True):
        positives = np.flatnonzero(w)
        if not len(positives):
            continue
        score = np.exp(prototypes.numpy() @ z / TEMPERATURE)
        hardest = sorted(score[np.flatnonzero(n)], reverse=True)[:num_hard]
        total = score[positives].sum() + sum(hardest)
        losses.append(-sum(w[j] / w.sum() * np.log(score[j] / total) for j in positives))
    return np.mean(losses) if losses else 0.0


@pytest.mark.parametrize("num_hard", [0, 3, 100])
@pytest.mark.parametrize("density", [0.0, 0.05, 0.3])
def test_the_loss_is_that_of_its_definition(density, num_hard):
    z, prototypes = unit(10, WIDTH, seed=0), unit(NUM_ROWS, WIDTH, seed=1)
    weights = torch.from_numpy(sparse(density, 2).toarray()[:10])
    negatives = (weights == 0) & torch.from_numpy(np.random.default_rng(3).random((10, NUM_ROWS)) < 0.5)
    found = prototype_contrast(z, prototypes, weights, negatives, temperature=TEMPERATURE, num_hard=num_hard)
    assert float(found) == pytest.approx(oracle(z, prototypes, weights, negatives, num_hard), rel=1e-9)


def test_the_gradient_is_that_of_the_loss():
    z, prototypes = unit(5, WIDTH, seed=0).requires_grad_(), unit(NUM_ROWS, WIDTH, seed=1)
    weights = torch.from_numpy(sparse(0.1, 4).toarray()[:5])
    weights[2] = 0
    negatives = weights == 0

    def loss(z):
        return prototype_contrast(z, prototypes, weights, negatives, temperature=0.5, num_hard=4)

    assert torch.autograd.gradcheck(loss, z)


def test_a_clip_without_positives_is_left_out_and_has_no_gradient():
    z, prototypes = unit(2, WIDTH, seed=0).requires_grad_(), unit(NUM_ROWS, WIDTH, seed=1)
    weights = torch.zeros(2, NUM_ROWS)
    weights[1, 5] = 1
    everybody = torch.ones(2, NUM_ROWS, dtype=torch.bool)
    everybody[1, 5] = False
    prototype_contrast(z, prototypes, weights, everybody, temperature=1.0, num_hard=9).backward()
    assert (z.grad[0] == 0).all()
    assert (z.grad[1] != 0).any()
    nobody = prototype_contrast(z, prototypes, 0 * weights, everybody, temperature=1.0, num_hard=9)
    assert nobody.item() == 0
    nobody.backward()


def test_a_positive_among_few_candidates_is_told_apart_from_them_alone():
    prototypes = torch.eye(3, dtype=torch.float64)
    weights = torch.tensor([[0.3, 0.0, 0.0]])
    negatives = torch.tensor([[False, False, True]])
    found = prototype_contrast(prototypes[:1], prototypes, weights, negatives, temperature=1.0, num_hard=50)
    assert float(found) == pytest.approx(np.log(np.e + 1) - 1)


def scene():
    """24 tracklets of four views, two of each modality, with positives and likely pieces of passes."""
    view = np.arange(NUM_ROWS) % 4
    modality = np.array([0, 0, 1, 1])
    other_camera = (modality[view][:, None] == modality[view]) & (view[:, None] != view)
    upper = np.triu(sparse(0.2, 5).toarray() > 0) & (view[:, None] == view) & ~np.eye(NUM_ROWS, dtype=bool)
    return view, modality, csr_array(sparse(0.2, 6).toarray() * other_camera), csr_array(upper | upper.T)


def test_negatives_are_of_the_right_views_and_no_pieces_of_positives():
    view, modality, weights, ignored = scene()
    opposed = (modality[:, None] == modality) & ~np.eye(4, dtype=bool)
    level = Level.of(weights, ignored, view=torch.from_numpy(view), opposed=torch.from_numpy(opposed))
    rows = [3, 3, 17, 8]
    found_weights, negatives = level.at(torch.tensor(rows))
    assert np.allclose(found_weights, weights.toarray()[rows])
    pieces = 0
    for i, found in zip(rows, negatives.numpy(), strict=True):
        for j in range(NUM_ROWS):
            positive = weights.toarray()[i, j] > 0
            piece = any(weights.toarray()[i, k] > 0 and ignored.toarray()[k, j] for k in range(NUM_ROWS))
            pieces += piece and not positive
            assert found[j] == (
                modality[view[i]] == modality[view[j]] and view[i] != view[j] and not positive and not piece
            )
    assert pieces > 0


def test_frames_are_half_a_clip_apart_and_change_with_the_batch():
    seen = {tuple(frames_apart(torch.tensor([row, 1]), 6)) for row in range(12)}
    assert seen == {(0, 3), (1, 4), (2, 5), (3, 0), (4, 1), (5, 2)}
    assert frames_apart(torch.tensor([8]), 1) == [0, 0]
