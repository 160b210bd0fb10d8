import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from raydist.reports.axis import tick_labels, tick_values

VALUES = st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 6))


@given(VALUES, VALUES, st.booleans())
def test_ticks_enclose_the_range_in_few_equal_steps(one, other, whole):
    low, high = sorted((one, other))
    values = tick_values(low, high, whole=whole)
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert 2 <= len(values) <= 12
    assert values[0] <= low + slack
    assert values[-1] >= high - slack
    assert np.allclose(np.diff(values), values[1] - values[0], rtol=1e-6)
    assert not whole or all(float(value).is_integer() for value in values)


def test_labels_of_two_ticks_differ():
    for low, high in ((0, 1), (0.001, 0.002), (-3, 3), (1e-6, 2e-6), (5, 5), (0, 123456)):
        labels = tick_labels(tick_values(low, high))
        assert len(set(labels)) == len(labels)
