import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from raydist.errors import ConfigError
from raydist.tuning.distributions import Distribution
from raydist.tuning.space import Space


def draws(kind, *values, number=2000):
    rng = np.random.default_rng(0)
    return [Distribution(kind, values).draw(rng) for _ in range(number)]


def test_uniform_and_loguniform_fill_their_range_evenly():
    assert kstest(draws("uniform", 2, 5), "uniform", (2, 3)).pvalue > 0.01
    assert kstest(np.log10(draws("loguniform", 0.01, 100)), "uniform", (-2, 4)).pvalue > 0.01
    assert all(0.01 <= value <= 100 for value in draws("loguniform", 0.01, 100))


@pytest.mark.parametrize(
    ("kind", "values", "possible"),
    [
        ("randint", (2, 5), [2, 3, 4, 5]),
        ("quniform", (10, 30, 10), [10, 20, 30]),
        ("quniform", (0, 1, 0.3), [0.0, 0.3, 0.6, 0.9]),
        ("choice", ("a", None, True), ["a", None, True]),
    ],
)
def test_the_others_take_every_value_about_equally_often(kind, values, possible):
    drawn = draws(kind, *values)
    counts = [sum(type(value) is type(one) and value == one for value in drawn) for one in possible]
    assert sum(counts) == len(drawn)
    assert min(counts) > 0.8 * len(drawn) / len(possible)


def test_draws_are_plain_values():
    for kind, values, plain in (
        ("uniform", (0, 1), float), ("loguniform", (1, 2), float), ("randint", (0, 9), int),
        ("quniform", (2, 8, 2), int),
    ):  # fmt: skip
        assert all(type(value) is plain for value in draws(kind, *values, number=5))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (3, r"expected one distribution"),
        ({"uniform": [0, 1], "choice": [1, 2]}, r"expected one distribution"),
        ({"unifrom": [0, 1]}, r"did you mean 'uniform'\?"),
        ({"uniform": [1, 0]}, r"expected \[low, high\]"),
        ({"uniform": [0, "1"]}, r"expected \[low, high\]"),
        ({"uniform": 3}, r"expected \[low, high\]"),
        ({"loguniform": [0, 1]}, r"low > 0"),
        ({"randint": [0.5, 3]}, r"whole numbers"),
        ({"randint": [False, True]}, r"whole numbers"),
        ({"quniform": [0, 1]}, r"\[low, high, step\]"),
        ({"quniform": [0, 1, 2]}, r"step no longer"),
        ({"choice": [1]}, r"two values or more"),
        ({"uniform": [1, 1]}, r"the lower one first"),
        ({"uniform": [0, float("inf")]}, r"up to 1e100"),
        ({"uniform": [float("nan"), 1]}, r"up to 1e100"),
        ({"uniform": [-1e308, 1e308]}, r"up to 1e100"),
        ({"uniform": [0, 10**400]}, r"up to 1e100"),
        ({"loguniform": [1, 10**400]}, r"up to 1e100"),
        ({"randint": [9, 3]}, r"the lower one first"),
        ({"randint": [0, 2**63]}, r"whole numbers up to 2\*\*62"),
        ({"uniform": [2**53 + 1, 2**60]}, r"whole ones up to 2\*\*53"),
        ({"loguniform": [1, 2**64 - 1]}, r"whole ones up to 2\*\*53"),
        ({"quniform": [0, 2**64 - 1, 2**62]}, r"whole numbers up to 2\*\*53"),
        ({"quniform": [0, 1, 1e-12]}, r"10,000 different steps at most"),
        ({"quniform": [0, 1, 2e-5]}, r"10,000 different steps at most"),
        ({"quniform": [0, 1e-13, 1e-14]}, r"10,000 different steps at most"),
        ({"quniform": [1e20, 1e20 + 1e6, 1000]}, r"10,000 different steps at most"),
        ({"quniform": [0, 1, float("nan")]}, r"\[low, high, step\]"),
        ({"choice" * 90: [1, 2]}, r"no distribution 'choicechoice"),
    ],
)
def test_a_wrong_distribution_is_refused_with_its_path(raw, message):
    with pytest.raises(ConfigError, match=rf"train\.lr.*{message}"):
        Space.parse({"train.lr": raw})


BOUNDS = st.one_of(
    st.floats(-10, 10),
    st.floats(allow_nan=False),
    st.integers(-9, 9),
    st.integers(-(2**64), 2**64),
    st.sampled_from([1e-13, 1 - 1e-10, 0.5, 1.1234567890123456, 2.0**53 + 2]),
)


@settings(deadline=None, derandomize=True, max_examples=500)
@given(kind=st.sampled_from(["uniform", "loguniform", "randint", "quniform"]), values=st.lists(BOUNDS))
@example(kind="quniform", values=[1e-13, 8, 2])  # rounded to twelve digits, the first step is below it
@example(kind="quniform", values=[0, 1 - 1e-10, 0.5])  # the last step is above it by less than rounding
@example(kind="quniform", values=[2**53 + 1, 2**53 + 9, 2.0])  # no float is the first step
@example(kind="quniform", values=[2**63, 2**64 - 1, 2**62])
@example(kind="uniform", values=[2**53 + 1, 2**53 + 2])
@example(kind="loguniform", values=[3, 2**64 - 1])
def test_nothing_is_drawn_beyond_the_bounds(kind, values):
    try:
        distribution = Distribution.parse({kind: values}, at="train.lr")
    except ConfigError:
        return
    rng = np.random.default_rng(0)
    for value in [*distribution.probes, *(distribution.draw(rng) for _ in range(20))]:
        assert values[0] <= value <= values[1]
