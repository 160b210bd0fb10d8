import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.engine.plan import Plan, allot
from raydist.errors import CheckpointError, ConfigError
from raydist.methods.schedule import Epoch


@given(
    st.integers(1, 200), st.lists(st.floats(0.1, 5), min_size=1, max_size=5), st.none() | st.integers(1, 50)
)
def test_all_epochs_are_shared_out_and_no_stage_is_left_out(epochs, shares, limit):
    given_out = allot(epochs, shares, limit)
    assert min(given_out) >= 1
    assert sum(given_out) == max(len(shares), min(epochs, limit or epochs))


def test_shares_are_followed_when_they_divide():
    assert allot(20, [1, 1, 2]) == [5, 5, 10]


def test_a_method_without_stages_is_refused():
    with pytest.raises(ConfigError, match="no stage of the method has a share of the epochs"):
        allot(20, [])


def plan(*epochs: int) -> Plan:
    return Plan([f"stage {number}" for number in range(len(epochs))], epochs)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 9), st.integers(0, 9))
def test_what_is_added_to_a_run_belongs_to_its_last_stage(begun, more, again):
    """The epochs before it stay what they were, and two steps lead where one leads."""
    shares = [1.0] * len(begun)
    longer = plan(*allot(sum(begun) + more, shares)).going_on(begun)
    assert longer.num_epochs == sum(begun) + more
    before = sum(begun[:-1])
    assert [longer.at(epoch) for epoch in range(before)] == [
        plan(*begun).at(epoch) for epoch in range(before)
    ]
    last = [longer.at(epoch).epoch for epoch in range(before, longer.num_epochs)]
    assert last == [Epoch(index, begun[-1] + more) for index in range(begun[-1] + more)]
    twice = plan(*allot(sum(begun) + more + again, shares))
    assert twice.going_on(longer.epochs) == twice.going_on(begun)


@pytest.mark.parametrize("begun", [[5, 6], [3, 3, 3]])
def test_a_run_of_more_epochs_or_other_stages_is_refused(begun):
    with pytest.raises(CheckpointError, match="resume the run it belongs to"):
        plan(5, 5).going_on(begun)
