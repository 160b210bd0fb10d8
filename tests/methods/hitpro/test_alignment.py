"""The two stages on planted people; the parts are checked against loops in tests/association."""

import numpy as np
import pytest

from raydist.data.training_set import TrainingSet
from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.centring import view_modality
from raydist.methods.hitpro.alignment import Mining, Relations, align, mean_thresholds
from raydist.methods.hitpro.prototyping import tracklet_prototypes

NUM_VIEWS = 6


@pytest.fixture
def aligned(tracklets, features):
    def run(noise=0.0, *, across=True, thresholds=None, seed=0, offset=0.5, **how):
        parts = LocalFeatures(features(noise=noise, seed=seed, offset=offset), tracklets)
        prototypes = parts.derived(tracklet_prototypes)
        before = np.full((NUM_VIEWS, NUM_VIEWS), np.nan) if thresholds is None else thresholds
        mining = Mining(**{"kappa": 0.0} | how)
        return align(prototypes, tracklets, before, mining, across=across)

    return run


def test_duplicates_find_all_their_doubles_and_nobody_else(aligned, tracklets, person):
    found = aligned(kappa=0.5, offset=0.0)
    same, own_view = person[:, None] == person, tracklets.view[:, None] == tracklets.view
    one_modality = tracklets.modality[:, None] == tracklets.modality
    assert np.array_equal(found.within.toarray() > 0, same & one_modality & ~own_view)
    assert np.array_equal(found.across.toarray() > 0, same & ~one_modality)


@pytest.mark.parametrize("seed", range(3))
def test_relations_stay_where_they_belong(aligned, tracklets, seed):
    found = aligned(noise=1.0, seed=seed, kappa=-1.0)
    i, j = found.within.nonzero()
    assert len(i) > 0
    assert (tracklets.modality[i] == tracklets.modality[j]).all()
    assert (tracklets.view[i] != tracklets.view[j]).all()
    i, j = found.across.nonzero()
    assert len(i) > 0
    assert (tracklets.modality[i] != tracklets.modality[j]).all()
    for weights in (found.within, found.across):
        assert np.array_equal(weights.toarray(), weights.toarray().T)
        assert ((weights.data > 0) & (weights.data <= 1)).all()


def test_people_are_found_through_noise(aligned, person):
    found = aligned(noise=0.4)
    for weights in (found.within, found.across):
        i, j = weights.nonzero()
        assert (person[i] == person[j]).mean() > 0.9
        assert len(i) > 60


def test_the_second_stage_waits(aligned):
    early, late = aligned(noise=0.4, across=False), aligned(noise=0.4)
    assert early.across.nnz == 0
    assert np.array_equal(early.within.toarray(), late.within.toarray())
    assert np.isnan(early.thresholds).sum() > np.isnan(late.thresholds).sum()


def crowd(seed, num_people=80, num_cameras=4, width=32):
    """So many people that the modalities are hard to match: infrared lacks a third of what tells them
    apart."""
    rng = np.random.default_rng(seed)
    camera, person = (
        a.ravel() for a in np.meshgrid(np.arange(2 * num_cameras), np.arange(num_people), indexing="ij")
    )
    modality = (camera // num_cameras).astype(np.int8)
    who = rng.standard_normal((num_people, width)) * (np.arange(width) < 14)
    x = who[person] * ((modality == 0)[:, None] | (np.arange(width) > 4)) + 0.6 * rng.standard_normal(
        (len(person), width)
    )
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    return x, TrainingSet(None, modality, camera % num_cameras, camera), person


def test_averaging_over_friends_makes_links_across_more_precise(monkeypatch):
    """Why the modalities come second."""

    def precision(seed):
        x, tracklets, person = crowd(seed)
        features, unknown = LocalFeatures(x[:, None], tracklets), np.full((8, 8), np.nan)
        i, j = align(features, tracklets, unknown, Mining(0.0), across=True).across.nonzero()
        return (person[i] == person[j]).mean()

    averaged = [precision(seed) for seed in range(3)]
    monkeypatch.setattr(LocalFeatures, "aggregated", lambda features, within: features)
    assert (np.array(averaged) > 1.1 * np.array([precision(seed) for seed in range(3)])).all()


def test_uniform_weights_are_one(aligned):
    found = aligned(noise=1.0, soft=False, across=False)
    assert (found.within.data == 1).all()
    assert (aligned(noise=1.0, across=False).within.data < 1).all()


def test_votes_take_links_away(aligned):
    links = [
        set(zip(*aligned(noise=1.0, votes=votes, soft=False).across.nonzero(), strict=True))
        for votes in (1, 2, 4)
    ]
    assert links[0] > links[1] > links[2]


def test_thresholds_remember_the_epoch_before(aligned):
    first = aligned(noise=1.0).thresholds
    again, other = (
        aligned(noise=1.0, thresholds=first).thresholds,
        aligned(noise=0.4, thresholds=first).thresholds,
    )
    fresh = aligned(noise=0.4).thresholds
    mined = ~np.isnan(first)
    within = mined & (np.add.outer(np.arange(NUM_VIEWS) < 3, np.arange(NUM_VIEWS) < 3) != 1)
    assert np.allclose(again[within], first[within])
    assert np.allclose(other[within], 0.5 * first[within] + 0.5 * fresh[within])


def test_the_figures_are_means_over_views(aligned, tracklets):
    found = aligned(noise=1.0)
    metrics = mean_thresholds(found.thresholds, tracklets)
    assert metrics["threshold_infrared"] == pytest.approx(
        np.mean([found.thresholds[a, b] for a, b in [(3, 4), (3, 5), (4, 5)]])
    )
    assert metrics["threshold_across"] == pytest.approx(np.mean(found.thresholds[:3, 3:]))
    assert set(mean_thresholds(aligned(across=False).thresholds, tracklets)) == {
        "threshold_visible",
        "threshold_infrared",
    }
    assert mean_thresholds(Relations.none(60, NUM_VIEWS).thresholds, tracklets) == {}


def test_each_view_has_the_modality_of_its_tracklets(tracklets):
    assert view_modality(tracklets).tolist() == [0, 0, 0, 1, 1, 1]
