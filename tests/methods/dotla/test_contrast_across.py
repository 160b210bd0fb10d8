"""The losses across against a loop over clips."""

import math

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from raydist.methods.dotla.assignment import AssignedArrays
from raydist.methods.dotla.contrast_across import refined_targets, terms_across
from raydist.methods.steps import Batch, Memories
from raydist.types import NOISE, Modality

BETA, TEMPERATURE = 0.6, 0.3


def drawn(seed):
    """Six visible and five infrared rows, an outlier of each; three visible and two infrared clusters."""
    rng = np.random.default_rng(seed)
    visible = np.r_[0, 1, 2, 0, 1, NOISE, [NOISE] * 5]
    infrared = np.r_[[NOISE] * 6, 0, 1, 1, 0, NOISE]
    assigned = np.r_[rng.integers(0, 2, 5), NOISE, rng.integers(0, 3, 4), NOISE]
    q = np.zeros((11, 5), np.float32)
    q[:5, 3:], q[6:10, :3] = rng.random((5, 2)), rng.random((4, 3))
    q[0, 3] = q[7, 1] = 0
    q /= np.maximum(q.sum(axis=1, keepdims=True), 1e-9)
    arrays = AssignedArrays(visible=visible, infrared=infrared, assigned=assigned, neighbours=csr_array(q))
    generator = torch.Generator().manual_seed(seed)
    prototypes = [
        torch.nn.functional.normalize(torch.randn(n, 6, generator=generator, dtype=torch.float64), dim=1)
        for n in (3, 2)
    ]
    memories = Memories({m.label: table for m, table in zip(Modality, prototypes, strict=True)})
    rows = torch.tensor([0, 5, 3, 2, 0, 6, 7, 10, 9])
    x = torch.randn(2, len(rows), 6, generator=generator, dtype=torch.float64)
    return arrays, memories, Batch(x, rows, shows=[None, Modality.VISIBLE]), q


def loop(arrays, memories, batch, q):
    """Both cross terms and the divergence, clip by clip."""
    names, divergence = {}, 0.0
    for source in Modality:
        table = memories[source.other.label].tolist()
        first = 3 if source == Modality.VISIBLE else 0
        cross, kl = [], []
        for x in batch.features if source == Modality.VISIBLE else batch.features[:1]:
            for clip, row in zip(x.tolist(), batch.rows.tolist(), strict=True):
                y = int(arrays.assigned[row])
                if arrays.own[source][row] == NOISE:
                    continue
                length = math.sqrt(sum(v * v for v in clip))
                z = [sum(a * b for a, b in zip(clip, m, strict=True)) / length / TEMPERATURE for m in table]
                log_p = [v - math.log(sum(map(math.exp, z))) for v in z]
                near = [float(v) for v in q[row, first : first + len(table)]]
                t = [BETA * (c == y) + (1 - BETA) * near[c] for c in range(len(table))]
                cross.append(-sum(a * b for a, b in zip(t, log_p, strict=True)))
                kl.append(sum(a * (math.log(a) - b) for a, b in zip(near, log_p, strict=True) if a > 0))
        names[f"{source.label}-to-{source.other.label}"] = np.mean(cross)
        divergence += np.mean(kl)
    return names | {"consistency": divergence}


@pytest.mark.parametrize("seed", range(4))
def test_the_terms_are_those_of_a_loop(seed):
    arrays, memories, batch, q = drawn(seed)
    terms = terms_across(batch, memories, arrays, temperature=TEMPERATURE, beta=BETA)
    expected = loop(arrays, memories, batch, q)
    assert terms.keys() == expected.keys()
    for name, value in terms.items():
        assert float(value) == pytest.approx(expected[name], rel=1e-6), name


def test_a_batch_of_outliers_has_no_term_and_a_graph():
    arrays, memories, batch, _ = drawn(0)
    x = batch.features[:, :2].clone().requires_grad_()
    terms = terms_across(
        Batch(x, torch.tensor([5, 10])), memories, arrays, temperature=TEMPERATURE, beta=BETA
    )
    sum(terms.values()).backward()
    assert all(value == 0 for value in terms.values())
    assert not x.grad.any()


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_refined_targets_sum_to_one(beta):
    q = torch.tensor([[0.2, 0.8, 0.0], [0.0, 0.0, 0.0]])
    t = refined_targets(torch.tensor([2, 1]), q, beta=beta)
    expected = torch.tensor([[0.2 * (1 - beta), 0.8 * (1 - beta), beta], [0, 1, 0]])
    torch.testing.assert_close(t, expected)
