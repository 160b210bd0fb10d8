import pytest

from raydist.encoders import vit
from raydist.engine.inputs import open_inputs
from raydist.engine.loop import run_epoch
from raydist.engine.memory_check import feature_width
from raydist.engine.state import build_state
from raydist.home import cache_folder
from raydist.methods.schedule import Epoch
from raydist.methods.supervised.stages import SupervisedStage


def test_the_run_seed_decides_the_first_weights(smoke, smoke_inputs):
    first, same, other = (build_state(smoke(f"run.seed={seed}"), smoke_inputs).encoder for seed in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first.parameters(), same.parameters(), strict=True))
    assert any((a != b).any() for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_held_out_identities_are_ranked_and_not_trained_on(smoke):
    config = smoke("data.validation_identities=0.4", "evaluation.split=validation", "train.iterations=1")
    inputs = open_inputs(config, cache_folder())
    everybody = open_inputs(smoke(), cache_folder())
    assert not set(inputs.truth.identity) & set(inputs.ranked.identity)
    assert set(inputs.truth.identity) | set(inputs.ranked.identity) == set(everybody.truth.identity)
    assert run_epoch(build_state(config, inputs)).retrieval is not None


def test_a_stage_without_a_share_is_left_out(smoke, smoke_inputs):
    whole = build_state(smoke("method.name=pgm"), smoke_inputs).plan
    shorter = build_state(smoke("method.name=pgm", "method.warm_up.share=0"), smoke_inputs).plan
    assert [stage.name for stage in shorter.stages] == [stage.name for stage in whole.stages][1:]
    assert shorter.num_epochs == whole.num_epochs


@pytest.mark.parametrize("branches", [1, 2])
def test_the_method_is_told_how_many_branches_a_feature_joins(smoke, smoke_inputs, monkeypatch, branches):
    monkeypatch.setattr(vit, "VIT_B16", vit.vit(depth=2, width=12, heads=3))
    config = smoke(
        "encoder.name=vit_b16",
        f"encoder.branches={branches}",
        "train.iterations=1",
        "train.epoch_frames=null",
    )
    state = build_state(config, smoke_inputs)
    assert state.method.context.num_branches == branches
    assert state.encoder.width == feature_width(config) == 12 * branches
    assert run_epoch(state).epoch == 1


def test_a_stage_gets_the_index_of_its_epoch_and_how_many_it_has(smoke, smoke_inputs, monkeypatch):
    assert sum(build_state(smoke("method.name=pgm", "train.epochs=9"), smoke_inputs).plan.epochs) == 9
    words = ("method.name=supervised", "train.epochs=2", "train.iterations=1", "evaluation.every=0")
    state, epochs = build_state(smoke(*words), smoke_inputs), []
    for name in ("refresh", "optimizer_steps"):
        original = getattr(SupervisedStage, name)

        def recorded(stage, *args, original=original):
            epochs.append(next(arg for arg in args if isinstance(arg, Epoch)))
            return original(stage, *args)

        monkeypatch.setattr(SupervisedStage, name, recorded)
    for _ in range(state.plan.num_epochs):
        run_epoch(state)
    assert epochs == [Epoch(0, count=2)] * 2 + [Epoch(1, count=2)] * 2
