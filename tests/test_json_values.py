"""JSON of any shape is its values or one error."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raydist.json_values import check_shape, parse_json


@dataclass(frozen=True)
class Shape:
    number: int
    values: dict[str, float] | None = None


def test_values_that_came_from_no_file_are_checked_too():
    check_shape({"number": 3, "values": {"a": 1, "b": 0.1}, "of another version": None}, Shape)
    with pytest.raises(ValueError, match=r"values: b: input should be a valid number"):
        check_shape({"number": 1, "values": {"b": []}}, Shape)
    with pytest.raises(ValueError, match="not JSON serializable"):
        check_shape({"number": object()}, Shape)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(JSON | st.fixed_dictionaries({"number": JSON}, optional={"values": JSON}))
def test_the_shape_is_what_the_types_say(values):
    """The oracle asks Python for the types."""

    def is_number(value):
        return isinstance(value, int | float) and not isinstance(value, bool)

    fits = (
        isinstance(values, dict)
        and type(values.get("number")) is int
        and (
            values.get("values") is None
            or (isinstance(values["values"], dict) and all(map(is_number, values["values"].values())))
        )
    )
    try:
        assert repr(parse_json(json.dumps(values), Shape)) == repr(values)
        given = True
    except ValueError:
        given = False
    if given != fits:  # a lone half of a pair of UTF-16 is no text
        assert any(0xD800 <= ord(letter) < 0xE000 for letter in repr(values)) or "\\ud" in repr(values)
