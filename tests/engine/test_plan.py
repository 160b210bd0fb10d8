import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.engine.plan import allot
from raydist.errors import ConfigError


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
