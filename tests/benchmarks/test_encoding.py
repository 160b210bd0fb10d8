import pytest

from raydist.benchmarks.encoding import EncoderTask, measure_encoder
from raydist.benchmarks.fresh_process import run_in_fresh_process
from raydist.errors import ConfigError


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_both_ways_through_an_encoder_are_measured(precision):
    task = EncoderTask(height=32, width=16, clips=2, frames=2, steps=2, precision=precision)
    costs = run_in_fresh_process(1, measure_encoder, task)
    assert list(costs) == ["training", "extraction"]
    assert all(cost.cpu > 0 and cost.wall > 0 for cost in costs.values())
    assert task.total_frames == 8


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ConfigError, match="resnet5O"):
        run_in_fresh_process(1, measure_encoder, EncoderTask(name="resnet5O"))
