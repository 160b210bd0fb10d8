from dataclasses import dataclass

import numpy as np
import pytest

from raydist.errors import ConfigError
from raydist.parameters import Bounds, Parameter, check_parameters, parameter, parameters, values_of


@dataclass(frozen=True)
class Part:
    width: int = parameter(3, ge=1, le=9, per_modality=True, help="How wide.")
    share: float | None = parameter(None, gt=0, lt=1)
    plain: bool = False


def test_a_part_declares_its_parameters_once():
    assert parameters(Part) == {
        "width": Parameter("width", int, 3, "How wide.", Bounds(ge=1, le=9), per_modality=True),
        "share": Parameter("share", float | None, None, bounds=Bounds(gt=0, lt=1)),
        "plain": Parameter("plain", bool, False),
    }
    assert [one.is_switch for one in parameters(Part).values()] == [False, True, True]
    assert values_of(Part, {"share": 0.5, "other": 2}) == {"share": 0.5}


def test_a_number_that_no_table_has_rows_for_is_refused():
    with pytest.raises(ConfigError, match="k = 1000000000000000000000000000000: give at most 2,147,483,647"):
        Parameter("k", int, 3, bounds=Bounds(ge=1)).check(10**30)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0}, "width = 0: give at least 1 and at most 9"),
        ({"width": 10}, "width = 10"),
        ({"share": 0.0}, r"share = 0\.0: give more than 0 and less than 1"),
        ({"share": 1.0}, r"share = 1\.0"),
        ({"share": np.nan}, "share = nan"),
    ],
)
def test_numbers_out_of_range_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        check_parameters(Part(**values))


def test_numbers_in_range_and_none_are_taken():
    check_parameters(Part(width=9, share=0.5, plain=True))
    check_parameters(Part())


def test_a_field_without_default_is_refused():
    @dataclass
    class Unset:
        k: int

    with pytest.raises(ConfigError, match="k has no default"):
        parameters(Unset)
