import pytest
import torch

from raydist.engine.loop import run_epoch
from raydist.engine.optimizer import learning_rate, set_learning_rate
from raydist.engine.state import build_state
from raydist.engine.train_section import TrainSection
from raydist.methods.common.warm_up import WarmUp, WarmUpParams
from raydist.methods.schedule import Epoch


def a_stage(**params):
    return WarmUp(None, WarmUpParams(**params))


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
def test_the_learning_rate_stays_within_bounds(schedule):
    rates = [learning_rate(schedule, p / 100) for p in range(100)]
    assert 0 < min(rates) <= max(rates) <= 1


def test_cosine_rises_then_falls():
    assert learning_rate("cosine", 0.0) < learning_rate("cosine", 0.06) > learning_rate("cosine", 0.99)


@pytest.mark.parametrize(
    ("step_epochs", "count", "falls"),
    [
        (20, 50, [20, 40]),
        (20, 30, [20]),
        (10, 30, [10, 20]),
        ((20, 50, 70), 80, [20, 50, 70]),
        (None, 50, [20, 40]),
    ],
)
def test_the_rate_falls_at_epochs(step_epochs, count, falls):
    train = TrainSection(schedule="step", step_epochs=step_epochs, lr=1.0)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    rates = []
    for index in range(count):
        for done in (0.0, 0.99):
            set_learning_rate(optimizer, train, a_stage(lr_factor=0.5), Epoch(index, count), done)
            rates.append(optimizer.param_groups[0]["lr"])
    expected = [0.5 * 0.1 ** sum(index >= fall for fall in falls) for index in range(count) for _ in range(2)]
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["cosine", "step", "constant"])
@pytest.mark.parametrize(("step_epochs", "falls"), [(2, [2, 4]), ((1, 4), [1, 4]), ((), [])])
def test_a_stage_may_have_epochs_of_its_own(schedule, step_epochs, falls):
    train, stage = TrainSection(schedule=schedule, step_epochs=3, lr=1.0), a_stage(step_epochs=step_epochs)
    optimizer, rates = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0), []
    for index in range(5):
        set_learning_rate(optimizer, train, stage, Epoch(index, 5), 0.5)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.1 ** sum(index >= fall for fall in falls) for index in range(5)])


def test_a_report_has_the_learning_rate_of_its_epoch(smoke, smoke_inputs):
    words = ("method.name=dcl", "method.warm_up.share=0", "method.dual.lr_factor=0.5", "train.epochs=2")
    schedule = ("train.schedule=step", "train.step_epochs=[1]", "train.lr=0.004", "train.iterations=1")
    state = build_state(smoke(*words, *schedule), smoke_inputs)
    assert [run_epoch(state).learning_rate for _ in range(2)] == pytest.approx([0.002, 0.0002])
