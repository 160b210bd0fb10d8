from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.clustering.spec import Clustering
from raydist.engine.checkpoint import pack, unpack
from raydist.engine.local_features import LocalFeatures
from raydist.engine.loop import run_epoch
from raydist.engine.optimizer import set_learning_rate
from raydist.engine.plan import allot
from raydist.engine.schema import load_config, method_params
from raydist.engine.state import build_state
from raydist.errors import ConfigError
from raydist.losses.triplet import batch_hard_triplet
from raydist.methods.dmdl.clips import ModalityClips
from raydist.methods.dmdl.method import DualLevelDebiasing, DualLevelDebiasingParams
from raydist.methods.dmdl.views import Parts
from raydist.methods.schedule import Epoch
from raydist.types import Modality

QUICK = (
    "method.name=dmdl", "encoder.two_stream=false", "evaluation.every=0", "train.batch_identities=3",
    "train.batch_instances=2", "train.iterations=2", "train.epochs=8", "method.warm_up.share=0.5",
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(smoke, smoke_inputs):
    """A whole run in one process: its state, its reports, and its checkpoint before the last epoch."""
    state = build_state(smoke(*QUICK), smoke_inputs)
    reports = [run_epoch(state) for _ in range(state.plan.num_epochs - 1)]
    packed = pack(state, reports[-1])
    return state, [*reports, run_epoch(state)], packed


def test_batches_of_the_same_classes_need_as_many_of_both_modalities(smoke, smoke_inputs):
    unequal = "train.batch_identities={visible: 4, infrared: 3}"
    with pytest.raises(ConfigError, match=r"visible: 4, infrared: 3.*give one number for both"):
        build_state(smoke(*QUICK, unequal), smoke_inputs)
    for word in ("method.cross.paired_from=1", "method.cross.share=0"):  # none is ever drawn
        assert build_state(smoke(*QUICK, unequal, word), smoke_inputs).plan


def test_it_goes_through_all_stages_and_phases(trained):
    _, reports, _ = trained
    stages = [report.stage for report in reports]
    assert sorted(set(stages), key=stages.index) == ["warm-up", "intra", "cross"]
    losses = {stage: [set(r.losses) for r in reports if r.stage == stage] for stage in set(stages)}
    assert losses["intra"][0] == {"visible", "infrared", "discrepancy"}
    assert losses["intra"][-1] == {"visible", "infrared", "discrepancy", "triplet"}
    assert losses["cross"][0] == {"intra", "across", "discrepancy"}
    assert losses["cross"][-1] == {"intra", "across", "discrepancy", "triplet", "joint"}
    assert all(np.isfinite(value) for report in reports for value in report.losses.values())
    assert reports[-1].metrics["confidence"] <= 1


def test_a_resumed_run_ends_the_same(trained, smoke, smoke_inputs):
    state, _, packed = trained
    resumed = build_state(smoke(*QUICK), smoke_inputs)
    unpack(resumed, packed)
    run_epoch(resumed)
    assert np.array_equal(resumed.targets.arrays["confidence"], state.targets.arrays["confidence"])
    assert all(
        torch.equal(a, b)
        for a, b in zip(resumed.encoder.parameters(), state.encoder.parameters(), strict=True)
    )
    assert all(torch.equal(resumed.memories[name], state.memories[name]) for name in state.memories)


@pytest.mark.parametrize("part", Parts.model_fields)
def test_a_part_can_be_left_out(part, context):
    params = method_params({"name": "dmdl", part: False})
    _, intra, cross = DualLevelDebiasing(params, context).stages()
    for stage in (intra, cross):
        assert {name: getattr(stage.parts, name) for name in Parts.model_fields} == {
            name: name != part for name in Parts.model_fields
        }


def test_every_part_is_there_unless_left_out():
    assert all(getattr(DualLevelDebiasingParams(), name) for name in Parts.model_fields)


def test_a_memory_that_keeps_nothing_is_refused():
    with pytest.raises(ConfigError, match=r"method\.cross\.momentum = 0"):
        method_params({"name": "dmdl", "cross": {"momentum": 0}})


FALLING = [3.5e-4] * 20 + [3.5e-5] * 20 + [3.5e-6] * 10
INTRA_TRIPLET = [0] * 16 + [0.25] * 10 + [0.5] * 10 + [1] * 14
CROSS_TRIPLET = [0] * 11 + [0.5] * 10 + [1] * 29
NEVER, OF_THE_STAGE = [False] * 50, ["infrared", "visible"] * 25

IMAGES = {
    "intra": {
        "rate": FALLING, "triplet": INTRA_TRIPLET, "soft": [False] * 30 + [True] * 20,
        "paired": NEVER, "erased": [0.5] * 50, "mixtures": ["per-cluster"] * 50,
    },
    "cross": {
        "rate": FALLING, "triplet": CROSS_TRIPLET, "soft": [False] * 5 + [True] * 45,
        "paired": [False] * 40 + [True] * 10, "erased": [0.5] * 50, "mixtures": ["per-cluster"] * 50,
        "base": OF_THE_STAGE, "match": ["cluster"] * 50,
    },
}  # fmt: skip
"""The published settings of SYSU-MM01 and LLCM, epoch by epoch."""

PUBLISHED = {
    "dmdl-sysu_mm01": {
        "intra": IMAGES["intra"] | {"k1 visible": [30] * 50, "k1 infrared": [30] * 50},
        "cross": IMAGES["cross"] | {"k1 visible": [15, 30] * 25, "k1 infrared": [30, 15] * 25},
    },
    "dmdl-llcm": {
        "intra": IMAGES["intra"] | {"k1 visible": [25] * 50, "k1 infrared": [25] * 50},
        "cross": IMAGES["cross"] | {"k1 visible": [15, 25] * 25, "k1 infrared": [25, 15] * 25},
    },
    "dmdl-regdb": {
        "intra": {
            "rate": FALLING[:30], "triplet": INTRA_TRIPLET[:30], "soft": NEVER[:30], "paired": NEVER[:30],
            "erased": [0.5] * 30, "mixtures": ["global"] * 30, "k1 visible": [30] * 30,
            "k1 infrared": [30] * 30,
        },
        "cross": {
            "rate": FALLING[:30], "triplet": CROSS_TRIPLET[:30], "soft": [False] * 5 + [True] * 25,
            "paired": [False] * 25 + [True] * 5, "erased": [0.6] * 30, "mixtures": ["global"] * 30,
            "k1 visible": [30] * 30, "k1 infrared": [30] * 30, "base": OF_THE_STAGE[:30],
            "match": ["cluster", "cluster", "sample", "sample", "sample"] * 6,
        },
    },
}  # fmt: skip


def watched(features, tracklets, person):
    """Features whose clusters are the people, of the infrared in another order; and what is asked of them."""
    asked = {"match": "cluster"}

    class Watched(LocalFeatures):
        def cluster(self, rows, spec):
            modality = Modality(int(tracklets.modality[rows[0]]))
            asked[f"k1 {modality.label}"] = spec.k1
            return Clustering(person[rows] if modality == Modality.VISIBLE else 3 - person[rows], None)

        def nearest_in_views(self, view):
            asked["match"] = "sample"
            return super().nearest_in_views(view)

    return Watched(features, tracklets), asked


def weight_of_triplets(terms, clips):
    """By how much the triplets of both modalities count, of clips whose labels are equal by position."""
    labels, halves = torch.tensor([0, 0, 1, 0, 0, 1]), (clips.raw[:, :3], clips.raw[:, 3:])
    whole = sum(batch_hard_triplet(raw.flatten(0, 1), labels, margin=0.3) for raw in halves)
    assert whole > 0.1
    return float(terms.get("triplet", torch.zeros(()))) / float(whole)


def rate_of(config, stage, epoch):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    set_learning_rate(optimizer, config.train, stage, epoch, 0.9)
    return optimizer.param_groups[0]["lr"]


def in_an_epoch(config, stage, epoch, features, person, batch):
    """What a stage does in an epoch, by the names of the table."""
    of_people, asked = watched(features, stage.context.tracklets, person)
    targets = stage.refresh(of_people, None, epoch, np.random.default_rng(0))
    (step,) = stage.optimizer_steps(targets, epoch)
    clips = batch([0, 1, 6, 24, 25, 30])
    memories = {name: torch.tensor(value, dtype=torch.float64) for name, value in targets.memories.items()}
    terms = step.loss(clips, memories, {})
    visible, infrared = (
        person[half] for half in np.split(step.sampler(8, np.random.default_rng(0)), 2, axis=1)
    )
    assert np.array_equal(visible, infrared) == ("joint" in terms)
    nothing, label, half = torch.zeros(2, 1, 4), torch.tensor([1]), torch.tensor([0.5])
    half_trusted = ModalityClips(Modality.VISIBLE, nothing, nothing, label, half)
    target = stage.soft_labels(half_trusted, torch.eye(4)[:2, None], epoch)
    return asked | {
        "rate": pytest.approx(rate_of(config, stage, epoch)),
        "triplet": pytest.approx(weight_of_triplets(terms, clips)),
        "soft": float(target[0, 0, 1]) < 1,
        "paired": "joint" in terms,
        "erased": max(own.erase_area[1] for view in step.clip_views for own in view.augment.values()),
        "mixtures": stage.params.confidence,
        "base": "infrared" if targets.labels[0] == 3 else "visible",
    }


@pytest.mark.parametrize("recipe", PUBLISHED)
@pytest.mark.parametrize("part", ["intra", "cross"])
def test_every_epoch_is_the_published_one(recipe, part, context, features, person, batch):
    """The clusters are the people here; everything else is that of the recipe."""
    config = load_config(recipe)
    clustering = {m: config.clustering.spec(m) for m in Modality}
    context = replace(context, clustering=clustering, memory_rule=config.memory.rule)
    stages = [s for s in DualLevelDebiasing(config.method, context).stages() if s.share > 0]
    counts = dict(
        zip([s.name for s in stages], allot(config.train.epochs, [s.share for s in stages]), strict=True)
    )
    stage, expected = {s.name: s for s in stages}[part], PUBLISHED[recipe][part]
    assert [counts["intra"], counts["cross"]] == [len(expected["rate"])] * 2
    done = [
        in_an_epoch(config, stage, Epoch(index, counts[part]), features, person, batch)
        for index in range(counts[part])
    ]
    for name, column in expected.items():
        assert [epoch[name] for epoch in done] == column, name


@pytest.mark.parametrize("recipe", PUBLISHED)
def test_what_holds_in_every_epoch_is_the_published_one(recipe):
    config = load_config(recipe)
    intra, cross = config.method.intra, config.method.cross
    iterations, eps = (100, 0.3) if recipe == "dmdl-regdb" else (200, 0.6)
    assert (config.train.iterations, config.train.epoch_frames) == (iterations, None)
    assert config.train.num_identities == dict.fromkeys(Modality, 8)
    assert (config.train.batch_instances, config.data.height, config.data.width) == (16, 288, 144)
    assert (config.train.optimizer, config.train.weight_decay, config.train.precision) == (
        "adam",
        5e-4,
        "fp16",
    )
    assert (config.memory.rule, config.data.flip_average) == ("in-turn", True)
    assert {(p.temperature, p.momentum, p.margin, p.trusted_below) for p in (intra, cross)} == {
        (0.05, 0.2, 0.3, 2)
    }
    assert (intra.top, cross.top, cross.weight, cross.pairing) == (3, 10, 0.5, "union-filled")
    spec = config.clustering.spec(Modality.VISIBLE)
    assert (spec.distance, spec.k2, spec.min_samples, spec.eps) == ("jaccard", 6, 4, eps)
