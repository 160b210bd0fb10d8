import pytest

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
