import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.data.identities import UNKNOWN_WORDS, read_identities
from raydist.data.table_problems import TableProblems
from raydist.errors import DataError


def identities(values, kind=None):
    problems = TableProblems()
    result = read_identities(pa.chunked_array([pa.array(values, kind)]), problems)
    problems.refuse("table")
    return result


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([3, None, -1, 12], pa.int64()),
        ([3, None, -1, 12], pa.int8()),
        ([3.0, np.nan, -1.0, 12.0], pa.float64()),
        (["3", "", "-1", "12"], pa.string()),
        (["3.0", None, "-1.0", "012."], pa.large_string()),
        ([" 3", "nan", "-1", "+12"], pa.string_view()),
        ([b"3", None, b"-1", b"12"], pa.binary()),
    ],
)
def test_whole_numbers_stay_what_they_are(values, kind):
    result = identities(values, kind)
    assert result.filled().tolist() == [3, -1, -1, 12]
    assert result.filled().dtype == np.int64
    assert result.names == {}


def test_the_largest_number_is_a_number_and_a_larger_one_a_text():
    assert identities(["9223372036854775807"]).filled().tolist() == [2**63 - 1]
    assert identities(["9223372036854775808", "1"]).names == {1: "1", 2: "9223372036854775808"}
    assert identities([2**63, 1], pa.uint64()).names == {1: "1", 2: "9223372036854775808"}


def test_texts_are_numbered_whatever_the_order_of_the_rows():
    rng = np.random.default_rng(0)
    texts = np.array([f"person_{row % 7}" for row in range(40)] + ["é", "e", "7", "Unknown", ""])
    numbered = identities(texts.tolist())
    by_name = dict(zip(texts.tolist(), numbered.filled().tolist(), strict=True))
    assert numbered.names == {number: name for name, number in by_name.items() if number != -1}
    assert sorted(numbered.names) == list(range(1, 11))
    for _ in range(5):
        order = rng.permutation(len(texts))
        shuffled = identities(texts[order].tolist())
        assert (shuffled.filled() == numbered.filled()[order]).all()
        assert shuffled.names == numbered.names


@pytest.mark.parametrize("word", ["", "-1", "NA", "N/A", "nan", "<NA>", "None", "null", "unknown", None])
def test_words_for_an_identity_that_is_not_known(word):
    assert identities(["eve", word]).filled().tolist() == [1, -1]
    assert identities(["5", word]).filled().tolist() == [5, -1]


def test_a_surname_is_no_such_word():
    assert identities(["Na", "eve"]).names == {1: "Na", 2: "eve"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.5], r"column identity: 2\.5 in row 1 is no whole number"),
        ([True, False], "column identity: true and false name no person"),
        ([[1], [2]], "column identity: type list"),
        (["1", "", "2.5", "3.0"], r"column identity: '2\.5' in row 2 is no whole number, and all identities"),
        (["1.23457E+17", "1.23458E+17"], r"'1\.23457E\+17' in rows 0, 1 is no whole number"),
        (["True", "", "FALSE"], "column identity: true and false name no person"),
        (["1,0", "2,0"], r"'1,0' in rows 0, 1 is no whole number"),
        (["9" * 30, ".5"], r"'\.5' in row 1 is no whole number"),
    ],
)
def test_what_names_no_person_is_refused(values, message):
    with pytest.raises(DataError, match=message):
        identities(values)


@pytest.mark.parametrize(
    "values", [["1.5", "eve"], ["1.5", "1.2.3"], ["1,5", "2x"], ["true", "eve"], ["12e4", "ab7"]]
)
def test_among_names_a_number_is_a_name(values):
    assert sorted(identities(values).names.values()) == sorted(values)


def test_two_spellings_of_a_number_are_one_identity():
    result = identities(["007", "+7", "7.0", "12", None, "07"])
    assert result.filled().tolist() == [7, 7, 7, 12, -1, 7]
    assert result.spellings == ["007 and 07 and 7"]
    assert identities(["0007", "0012"]).spellings == []


@given(st.lists(st.sampled_from(["7", "007", "7.0", "-1", "", "eve", "1.5", "2e3", "9" * 20, " 8 ", "+3"])))
def test_the_rule_by_hand(values):
    """Whole numbers if all are; refused if all are numbers; else the sorted texts, counted."""
    known = [text.strip() for text in values if text.strip() not in UNKNOWN_WORDS]
    whole = [float(text).is_integer() and "e" not in text for text in known if text != "eve"]
    if "eve" not in known and not all(whole):
        with pytest.raises(DataError, match="all identities are numbers"):
            identities(values, pa.string())
        return
    result = identities(values, pa.string())
    if "eve" in known or "9" * 20 in known:
        ordered = sorted(set(known))
        expected = [ordered.index(text.strip()) + 1 if text.strip() in ordered else -1 for text in values]
    else:
        expected = [int(float(text)) if text.strip() not in UNKNOWN_WORDS else -1 for text in values]
    assert result.filled().tolist() == expected
