import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.sparse import csr_array

from raydist.data.training_set import NO_GROUP
from raydist.data.transforms.clips import AS_IT_RAN
from raydist.losses.consistency import adjusted_loss, consistency_loss, invariance_loss
from raydist.methods.cba.intervention import (
    DO_MODALITY,
    DO_MOTION,
    Intervention,
    InterventionParams,
    intervention_terms,
    intervention_views,
    interventions,
)
from raydist.methods.cba.slots import TrackletSlots
from raydist.methods.slots import Slots
from raydist.methods.steps import Batch
from raydist.types import Modality

FOUR = list(Intervention)
PAIR = np.array([NO_GROUP, 0, 1, 2, 3, 4, 1, 0, NO_GROUP, 3, 2, 4])
"""Every visible tracklet but the first, and the infrared one that was recorded with it by the same camera."""


def unit(*shape, seed):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(x, dim=-1)


def links(*pairs):
    """The ignore graph of some pairs of the twelve tracklets."""
    i, j = np.array([*pairs, *(pair[::-1] for pair in pairs)], np.int64).reshape(-1, 2).T
    return csr_array((np.ones(len(i), bool), (i, j)), shape=(12, 12))


ROWS = torch.tensor([4, 0, 11, 7, 5, 2])
IGNORED = links((0, 1), (9, 11), (6, 7))


def batch_of(kinds=FOUR, rows=ROWS):
    return Batch(unit(len(kinds), len(rows), 5, seed=1), rows)


def terms_of(tracklets, batch, memory, kinds=FOUR, ignored=IGNORED, **params):
    slots, params = TrackletSlots.build(tracklets), InterventionParams(**params)
    logits = slots.logits(batch, Slots(memory), ignored, temperature=params.temperature)
    return intervention_terms(logits, kinds, params)


def predictions(tracklets, batch, memory, ignored, temperature=0.07):
    """[A][B]: probabilities of the own slot, first, and of the others that the tracklet's view sees and it
    does not ignore."""
    pair, ignored = tracklets.pair, ignored.toarray()
    groups: list[list[int]] = []
    for row in range(len(tracklets)):
        mate = [g for g in groups if pair is not None and pair[row] != NO_GROUP and pair[g[0]] == pair[row]]
        mate[0].append(row) if mate else groups.append([row])
    result = []
    for features in batch.features:
        result.append([])
        for x, row in zip(features, batch.rows.tolist(), strict=True):
            own = next(members[0] for members in groups if row in members)  # the slot of the first of them
            others = [
                members[0]
                for members in groups
                if members[0] != own
                and any(tracklets.view[m] == tracklets.view[row] for m in members)
                and not any(ignored[row, m] for m in members)
            ]
            scores = [math.exp(float(x @ memory[s]) / temperature) for s in [own, *others]]
            result[-1].append([score / sum(scores) for score in scores])
    return result


def expected_terms(p):
    """The four unweighted terms of views (0,0), (0,d), (m,0), (m,d), by loops."""
    columns = range(len(p[0]))
    losses = [[-math.log(clip_view[b][0]) for clip_view in p] for b in columns]

    def divergence(clip_view):
        return np.mean(
            [sum(a * math.log(a / c) for a, c in zip(p[0][b], clip_view[b], strict=True)) for b in columns]
        )

    return {
        "tracklet": np.mean([-math.log(np.mean([clip_view[b][0] for clip_view in p])) for b in columns]),
        "invariance": np.mean([np.var(of_row) for of_row in losses]),
        "time": divergence(p[1]),
        "modality": (divergence(p[2]) + divergence(p[3])) / 2,
    }


@pytest.mark.parametrize("pair", [None, PAIR])
def test_the_terms_equal_the_loops(tracklets, pair):
    tracklets = replace(tracklets, pair=pair)
    batch, memory = batch_of(), unit(12, 5, seed=2)
    expected = expected_terms(predictions(tracklets, batch, memory, IGNORED))
    terms = terms_of(tracklets, batch, memory)
    weights = {"tracklet": 1.0, "invariance": 0.1, "time": 0.5, "modality": 0.5}
    assert {k: float(v) for k, v in terms.items()} == pytest.approx(
        {k: weights[k] * v for k, v in expected.items()}, rel=1e-9
    )


def test_the_mean_of_the_cross_entropies_instead(tracklets):
    batch, memory = batch_of(), unit(12, 5, seed=2)
    p = predictions(tracklets, batch, memory, IGNORED)
    expected = np.mean([-math.log(own) for clip_view in p for own, *_ in clip_view])
    assert float(terms_of(tracklets, batch, memory, adjusted=False)["tracklet"]) == pytest.approx(expected)


@pytest.mark.parametrize(
    "kinds", [[Intervention.ORIGINAL, Intervention.BOTH], FOUR[:3], [FOUR[0], FOUR[2]], FOUR[:2]]
)
def test_terms_of_fewer_views_are_those_of_the_views_there_are(tracklets, kinds):
    batch, memory = batch_of(kinds), unit(12, 5, seed=2)
    p = predictions(tracklets, batch, memory, IGNORED)
    terms = terms_of(tracklets, batch, memory, kinds, lambda_var=1, lambda_time=1, lambda_modality=1)
    gaps = {
        kind: np.mean(
            [
                sum(a * math.log(a / c) for a, c in zip(*rows, strict=True))
                for rows in zip(p[0], clip_view, strict=True)
            ]
        )
        for kind, clip_view in zip(kinds, p, strict=True)
    }
    in_tone = [gaps[kind] for kind in (Intervention.MODALITY, Intervention.BOTH) if kind in gaps]
    expected = {"time": [gaps[kind] for kind in (Intervention.MOTION,) if kind in gaps], "modality": in_tone}
    for name, values in expected.items():
        assert (name in terms) == bool(values)
        assert not values or float(terms[name]) == pytest.approx(np.mean(values))


@pytest.mark.parametrize("kinds", [FOUR, FOUR[:3], [FOUR[0], FOUR[2]], FOUR[:2], [FOUR[0], FOUR[3]]])
def test_without_weight_or_view_a_term_is_left_out_and_total_and_gradient_stay_the_same(tracklets, kinds):
    def sum_and_gradient(terms_of_logits):
        logits = torch.randn(len(kinds), 6, 9, generator=torch.Generator().manual_seed(1)).requires_grad_()
        terms = terms_of_logits(logits)
        total = torch.stack(list(terms.values())).sum()
        total.backward()
        return list(terms), total.item(), logits.grad

    def all_terms(logits):
        def consistency(*changed):
            return consistency_loss(logits[0], logits[[kind in changed for kind in kinds]])

        return {
            "tracklet": adjusted_loss(logits),
            "invariance": 0.0 * invariance_loss(logits),
            "time": 0.5 * consistency(Intervention.MOTION),
            "modality": 0.5 * consistency(Intervention.MODALITY, Intervention.BOTH),
        }

    params = InterventionParams(lambda_var=0)
    names, total, gradient = sum_and_gradient(lambda logits: intervention_terms(logits, kinds, params))
    _, expected_total, expected_gradient = sum_and_gradient(all_terms)
    assert "invariance" not in names
    assert total == expected_total
    assert torch.equal(gradient, expected_gradient)


def test_two_originals_are_told_apart_plainly(tracklets):
    kinds = interventions(InterventionParams(motion=False, modality=False))
    batch, memory = batch_of(kinds), unit(12, 5, seed=2)
    p = predictions(tracklets, batch, memory, IGNORED)
    terms = terms_of(tracklets, batch, memory, kinds)
    assert list(terms) == ["tracklet"]
    assert float(terms["tracklet"]) == pytest.approx(
        np.mean([-math.log(own) for clip_view in p for own, *_ in clip_view])
    )


def test_equal_views_leave_plain_cross_entropy(tracklets):
    one, memory = batch_of(FOUR[:1]), unit(12, 5, seed=2)
    same = Batch(one.features.expand(4, -1, -1), ROWS)
    plain = float(terms_of(tracklets, one, memory, FOUR[:1])["tracklet"])
    found = {name: float(value) for name, value in terms_of(tracklets, same, memory).items()}
    assert found == pytest.approx({"tracklet": plain, "invariance": 0, "time": 0, "modality": 0}, abs=1e-12)


def test_the_order_of_a_batch_changes_nothing(tracklets):
    batch, memory, order = batch_of(), unit(12, 5, seed=2), torch.tensor([5, 2, 0, 3, 1, 4])
    other = Batch(batch.features[:, order], ROWS[order])
    for name, value in terms_of(tracklets, batch, memory).items():
        torch.testing.assert_close(terms_of(tracklets, other, memory)[name], value)


def test_other_views_and_ignored_tracklets_are_no_negatives(tracklets):
    memory = unit(12, 5, seed=2).requires_grad_()
    sum(
        terms_of(tracklets, batch_of(rows=torch.tensor([1])), memory, ignored=links((1, 2))).values()
    ).backward()
    assert np.flatnonzero(memory.grad.abs().sum(dim=1)).tolist() == [0, 1]


def test_the_slot_of_a_pair_is_seen_by_both_views(tracklets):
    memory = unit(12, 5, seed=2).requires_grad_()
    tracklets = replace(tracklets, pair=PAIR)
    for row, rivals in ((1, [0, 1, 2]), (7, [1, 2, 8])):  # recorded together
        memory.grad = None
        sum(
            terms_of(tracklets, batch_of(rows=torch.tensor([row])), memory, ignored=links()).values()
        ).backward()
        assert np.flatnonzero(memory.grad.abs().sum(dim=1)).tolist() == rivals


def test_four_views_show_two_sets_of_frames_in_two_renderings():
    original, motion, modality, both = intervention_views(FOUR, InterventionParams(style=0.3))
    assert (original.sub_tracklet, motion.sub_tracklet) == (0, 1)
    assert (original.frames_of, motion.frames_of, modality.frames_of, both.frames_of) == (None, None, 0, 1)
    assert (original.timing, motion.timing) == (AS_IT_RAN, DO_MOTION)
    assert original.augment == motion.augment
    assert modality.augment == both.augment == DO_MODALITY
    assert all(modality.augment[m] != original.augment[m] for m in Modality)
    assert [v.style for v in (original, motion, modality, both)] == [0, 0, 0.3, 0.3]


def test_a_lone_view_with_both_interventions_draws_frames_of_its_own():
    original, both = intervention_views([Intervention.ORIGINAL, Intervention.BOTH], InterventionParams())
    assert (original.sub_tracklet, both.sub_tracklet, both.frames_of, both.timing) == (0, 1, None, DO_MOTION)


@pytest.mark.parametrize(
    ("switches", "kinds", "sub_tracklet"),
    [
        ({}, FOUR, 0),
        ({"both": False}, FOUR[:3], 0),
        ({"modality": False}, FOUR[:2], 0),
        ({"motion": False}, [FOUR[0], FOUR[2]], None),
        ({"motion": False, "modality": False}, [FOUR[0], FOUR[0]], None),
    ],
)
def test_a_switch_leaves_its_intervention_out(switches, kinds, sub_tracklet):
    params = InterventionParams(**switches)
    assert interventions(params) == kinds
    assert intervention_views(kinds, params)[0].sub_tracklet == sub_tracklet
