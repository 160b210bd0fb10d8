"""Identities of any text or numbers as the whole numbers by which tracklets are compared."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raydist.data.columns import is_number, plain_column, text_column, whole_numbers
from raydist.data.table_problems import TableProblems, quoted
from raydist.types import UNKNOWN_IDENTITY, Ints

UNKNOWN_WORDS: tuple[str, ...] = ("", "-1", "NA", "N/A", "na", "n/a", "<NA>", "NaN", "nan", "NULL", "null")
UNKNOWN_WORDS += ("None", "none", "NONE", "unknown", "Unknown", "UNKNOWN", "#N/A", "#NA", "#N/A N/A", "-nan")
UNKNOWN_WORDS += ("-NaN", "<NULL>", "NAN", "<na>", "<null>")
"""Texts that stand for an identity that is not known."""

_WHOLE = r"^[+-]?[0-9]{1,19}(\.0*)?$"
_NUMBER = r"^[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?$"
_DIGITS_ALONE = r"^[+-]?[0-9]+(\.0*)?$"
_FIX = "write whole numbers, or names with a letter such as 'p1.5'"
_TRUTH = r"^(?i:true|false)$"


@dataclass(frozen=True)
class Identities:
    """The identities of N tracklets.

    Attributes:
        numbers: int64 [N], null where not known.
        names: number -> text, if the identities were numbered; empty if they are whole numbers themselves.
        spellings: texts that stand for the same number, such as ``007 and 7``.
    """

    numbers: pa.ChunkedArray
    names: dict[int, str] = field(default_factory=dict)
    spellings: list[str] = field(default_factory=list)

    def filled(self) -> Ints:
        """int64 [N], `UNKNOWN_IDENTITY` where not known."""
        return self.numbers.fill_null(UNKNOWN_IDENTITY).to_numpy().astype(np.int64)


def read_identities(column: pa.ChunkedArray, problems: TableProblems) -> Identities | None:
    """Identities as whole numbers.

    Whole numbers stand for themselves if all are, also as text (``12``, ``012``, ``12.0``). If any is another
    text, the different texts are sorted and counted from 1, so the order of the rows does not matter. Where
    all are numbers, each must be whole: a fraction, or a power of ten, is a number that a program changed.

    Args:
        column: text or numbers of any Arrow type.
        problems: where what cannot be read goes.

    Returns:
        The identities; None where the column cannot be read.

    >>> people = read_identities(pa.chunked_array([["eve", "", "7"]]), TableProblems())
    >>> people.numbers.to_pylist(), people.names
    ([2, None, 1], {1: '7', 2: 'eve'})
    """
    column = plain_column(column)
    if is_number(column.type) and not _has_large_numbers(column):
        numbers = whole_numbers(column, "identity", problems, fix=_FIX)
        return None if numbers is None else Identities(numbers)
    texts = text_column(column, "identity", problems)
    if texts is None:
        return None
    return _of_texts(texts, problems)


def known_texts(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts of identities without blanks at both ends, null where they say that one is not known.

    >>> known_texts(pa.chunked_array([[" eve", "n/a"]])).to_pylist()
    ['eve', None]
    """
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(texts, pa.array(UNKNOWN_WORDS)), pa.scalar(None, pa.string()), texts)


def identity_texts(numbers: Ints, names: Mapping[int, str]) -> pa.Array:
    """The texts of numbers, string [N]; null where an identity is not known.

    >>> identity_texts(np.array([2, -1]), {2: "eve"}).to_pylist()
    ['eve', None]
    """
    known = {**names, UNKNOWN_IDENTITY: None}
    return pa.array([known[number] for number in numbers.tolist()], pa.string())


def _of_texts(texts: pa.ChunkedArray, problems: TableProblems) -> Identities | None:
    texts = known_texts(texts)
    if _all_match(texts, _WHOLE):
        plain = pc.replace_substring_regex(texts, r"^\+|\.0*$", "")
        with contextlib.suppress(pa.ArrowInvalid):  # more than 64 bits
            return Identities(plain.cast(pa.int64()), spellings=_spellings(plain))
    elif _all_match(texts, _NUMBER) and not _all_match(texts, _DIGITS_ALONE):
        bad = pc.invert(pc.match_substring_regex(texts, _DIGITS_ALONE))
        problems.add(
            f"column identity: {quoted(texts.filter(bad)[0])} in {problems.rows(bad)} is no whole number, "
            f"and all identities are numbers; {_FIX}"
        )
        return None
    elif _all_match(texts, _TRUTH):
        problems.add("column identity: true and false name no person; write text or whole numbers")
        return None
    return _numbered(texts)


def _all_match(texts: pa.ChunkedArray, expression: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(texts, expression), min_count=0).as_py())


def _spellings(texts: pa.ChunkedArray) -> list[str]:
    """Different texts of one number, by number."""
    by_number: dict[int, list[str]] = {}
    for text in sorted(pc.unique(texts.drop_null()).to_pylist()):
        by_number.setdefault(int(text), []).append(text)
    return [" and ".join(same) for _, same in sorted(by_number.items()) if len(same) > 1]


def _numbered(texts: pa.ChunkedArray) -> Identities:
    ordered = sorted(pc.unique(texts.drop_null()).to_pylist())
    places = pc.index_in(texts, pa.array(ordered, pa.string()))
    numbers = pc.add(places.cast(pa.int64()), 1)
    return Identities(numbers, dict(enumerate(ordered, start=1)))


def _has_large_numbers(column: pa.ChunkedArray) -> bool:
    """Whether integers are above int64, so that they can only be texts."""
    return bool(
        pa.types.is_uint64(column.type)
        and pc.any(pc.greater(column, pa.scalar(2**63 - 1, pa.uint64()))).as_py()
    )
