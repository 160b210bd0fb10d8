import pytest
from pydantic import TypeAdapter, ValidationError

from raydist.methods.schedule import Epoch, Moment, Ramp


@pytest.mark.parametrize(("share", "past"), [(0.0, [0, 1, 2]), (1 / 3, [1, 2]), (0.5, [1, 2]), (1.0, [])])
def test_an_epoch_knows_its_place_in_the_stage(share, past):
    epochs = [Epoch(index, count=3) for index in range(3)]
    assert [epoch.midpoint for epoch in epochs] == pytest.approx([1 / 6, 1 / 2, 5 / 6])
    assert [epoch.index for epoch in epochs if epoch.is_past(share)] == past


@pytest.mark.parametrize("count", [30, 50])
def test_an_epoch_by_number_does_not_move_with_the_length_of_the_stage(count):
    epochs = [Epoch(index, count) for index in range(count)]
    assert [epoch.is_past("epoch 26") for epoch in epochs].index(True) == 26
    ramp = (("epoch 16", 0.25), ("epoch 26", 0.5), ("epoch 36", 1.0))
    expected = [0.0] * 16 + [0.25] * 10 + [0.5] * 10 + [1.0] * 14
    assert [epoch.value_of(ramp) for epoch in epochs] == expected[:count]


@pytest.mark.parametrize(
    ("ramp", "expected"),
    [
        (((0.5, 1.0), ("epoch 3", 0.5)), [0, 0, 0, 0.5, 0.5] + [1] * 5),
        ((("epoch 3", 0.5), (0.5, 1.0)), [0, 0, 0, 0.5, 0.5] + [1] * 5),
        (((0.25, 1.0), ("epoch 8", 0.5)), [0, 0] + [1] * 6 + [0.5, 0.5]),
        (((0.5, 1.0), ("epoch 5", 0.5)), [0] * 5 + [0.5] * 5),  # of two that begin together, the later one
    ],
)
def test_of_shares_and_epochs_the_pair_that_began_last_counts(ramp, expected):
    assert [Epoch(index, 10).value_of(ramp) for index in range(10)] == expected


@pytest.mark.parametrize("given", [0, 0.25, 1, 1.0, "epoch 0", "epoch 40"])
def test_moments_are_shares_or_epochs(given):
    assert TypeAdapter(Moment).validate_python(given) == given


@pytest.mark.parametrize("given", [-0.1, 1.5, 40, "40", "epoch", "epoch -1", "epoch 1.5", "Epoch 3", None])
def test_other_moments_are_refused(given):
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_python(given)


@pytest.mark.parametrize(
    "given",
    [
        (),
        (("epoch 9", 0.5), ("epoch 10", 1.0)),
        ((0.25, 0.5), (0.5, 1.0)),
        (("epoch 9", 0.5), (0.3, 0.6), ("epoch 20", 1.0)),
    ],
)
def test_a_ramp_goes_upwards(given):
    assert TypeAdapter(Ramp).validate_python(given) == given


@pytest.mark.parametrize(
    "given",
    [
        (("epoch 10", 0.5), ("epoch 9", 1.0)),
        (("epoch 9", 0.5), (0.3, 0.6), ("epoch 9", 1.0)),
        ((0.5, 0.5), (0.25, 1.0)),
        ("epoch 9", 1.0),
        (("epoch 9",),),
        (("epoch 9", -0.5),),
        0.5,
    ],
)
def test_a_ramp_that_goes_back_or_is_none_is_refused(given):
    with pytest.raises(ValidationError):
        TypeAdapter(Ramp).validate_python(given)
