from dataclasses import replace

import pytest
import torch

from raydist.data.transforms.published import (
    NOISY,
    NOISY_ADAPTIVE_GREY,
    NOISY_COLOUR_MAPS,
    NOISY_JITTERED_EXCHANGE,
)
from raydist.losses.discrepancy import maximum_mean_discrepancy
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.dmdl.clips import ModalityClips
from raydist.methods.dmdl.cross import CrossParams, CrossStage
from raydist.methods.dmdl.intra import IntraParams, IntraStage
from raydist.methods.dmdl.views import Parts
from raydist.methods.schedule import Epoch
from raydist.types import Modality

PUBLISHED = 50


def published_triplet(params, epoch):
    if isinstance(params, IntraParams):
        return 0 if epoch <= 15 else 0.25 if epoch <= 25 else 0.5 if epoch <= 35 else 1
    return 0 if epoch <= 10 else 0.5 if epoch <= 20 else 1


@pytest.mark.parametrize(("params", "soft_from"), [(IntraParams(), 30), (CrossParams(), 5)])
def test_the_shares_are_the_published_epochs_of_fifty(params, soft_from):
    epochs = [Epoch(index, PUBLISHED) for index in range(PUBLISHED)]
    assert [epoch.value_of(params.triplet) for epoch in epochs] == [
        published_triplet(params, epoch) for epoch in range(PUBLISHED)
    ]
    assert [epoch.is_past(params.exchange_from) for epoch in epochs].index(True) == soft_from
    if isinstance(params, CrossParams):
        assert [epoch.is_past(params.paired_from) for epoch in epochs].index(True) == 40


def clips_of(features, labels, confidence=None):
    confidence = torch.ones(len(labels)) if confidence is None else torch.tensor(confidence)
    unit = torch.nn.functional.normalize(features, dim=-1)
    return ModalityClips(Modality.VISIBLE, unit, features, torch.tensor(labels), confidence)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_terms_of_the_views(context):
    stage = IntraStage(context, IntraParams(), Parts())
    one, other = (clips_of(normal(2, 4, 3, seed=s), [0, 0, 1, 1]) for s in (0, 1))
    early, late = (stage.view_terms([one, other], Epoch(index, 10)) for index in (0, 5))
    apart = sum(maximum_mean_discrepancy(clips.raw[0], clips.raw[1]) for clips in (one, other))
    assert set(early) == {"discrepancy"}
    assert set(late) == {"discrepancy", "triplet"}
    torch.testing.assert_close(early["discrepancy"], apart)
    labels = torch.tensor([0, 0, 1, 1, 0, 0, 1, 1])
    hardest = sum(batch_hard_triplet(torch.cat([*clips.raw]), labels, margin=0.3) for clips in (one, other))
    torch.testing.assert_close(late["triplet"], 0.5 * hardest)
    assert set(IntraStage(context, IntraParams(), Parts(feature=False)).view_terms([one], Epoch(0))) == {
        "triplet"
    }


def test_labels_are_hard_until_they_are_exchanged_and_without_the_part(context):
    clips = clips_of(normal(2, 3, 4), [0, 1, 2], [0.1, 0.5, 1.0])
    logits = normal(2, 3, 5, seed=1)
    stage = CrossStage(context, CrossParams(exchange_from=0.5), Parts())
    hard, soft = (stage.soft_labels(clips, logits, Epoch(index, 4)) for index in (1, 2))
    assert hard.argmax(dim=2).tolist() == 2 * [[0, 1, 2]]
    assert (hard.amax(dim=2) == 1).all()
    assert (soft.amax(dim=2)[:, :2] < 1).all()
    without = replace(stage, parts=Parts(labels=False))
    assert torch.equal(without.soft_labels(clips, logits, Epoch(2, 4)), hard)


def test_the_second_view_has_other_colours_with_the_part_alone(context):
    first, second = IntraStage(context, IntraParams(), Parts()).clip_views
    assert first.augment == {Modality.VISIBLE: NOISY, Modality.INFRARED: NOISY_ADAPTIVE_GREY}
    assert second.augment == {
        Modality.VISIBLE: NOISY_JITTERED_EXCHANGE,
        Modality.INFRARED: NOISY_COLOUR_MAPS,
    }
    assert IntraStage(context, IntraParams(), Parts(data=False)).clip_views == [first, first]


def test_boxes_are_as_large_as_asked(context):
    views = IntraStage(context, IntraParams(erase_area=0.6), Parts()).clip_views
    assert {own.erase_area for view in views for own in view.augment.values()} == {(0.02, 0.6)}
