import pytest

from raydist.encoders import vit
from raydist.engine.inputs import open_inputs
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state, check_memory, feature_width
from raydist.errors import ConfigError
from raydist.home import cache_folder


def test_a_memory_that_is_too_large_is_refused_with_its_size(smoke):
    assert check_memory(smoke(), 1000, feature_width(smoke())) == pytest.approx(1000 * 256 * 4 / 1e6)
    with pytest.raises(ConfigError, match=r"2,000 tracklets x 256 takes 2 MB .* memory\.replicate_mb = 1"):
        check_memory(smoke("memory.replicate_mb=1"), 2000, 256)


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
    assert "retrieval" in run_epoch(build_state(config, inputs))


def test_a_stage_without_a_share_is_left_out(smoke, smoke_inputs):
    whole = build_state(smoke("method.name=pgm"), smoke_inputs).plan
    shorter = build_state(smoke("method.name=pgm", "method.warm_up.share=0"), smoke_inputs).plan
    assert [stage.name for stage in shorter.stages] == [stage.name for stage in whole.stages][1:]
    assert shorter.num_epochs == whole.num_epochs


@pytest.mark.parametrize("branches", [1, 2])
def test_the_method_is_told_how_many_branches_a_feature_joins(smoke, smoke_inputs, monkeypatch, branches):
    monkeypatch.setattr(vit, "vit_b16", lambda: vit.vit(depth=2, width=12, heads=3))
    config = smoke(
        "encoder.name=vit_b16",
        f"encoder.branches={branches}",
        "train.iterations=1",
        "train.epoch_frames=null",
    )
    state = build_state(config, smoke_inputs)
    assert state.method.context.num_branches == branches
    assert state.encoder.width == feature_width(config) == 12 * branches
    assert run_epoch(state)["epoch"] == 1


def test_a_stage_is_told_how_many_epochs_it_has(smoke, smoke_inputs):
    plan = build_state(smoke("method.name=pgm", "train.epochs=9"), smoke_inputs).plan
    assert [stage.epochs for stage in plan.stages] == plan.epochs
    assert sum(plan.epochs) == 9
