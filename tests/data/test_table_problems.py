import numpy as np
import pyarrow as pa
import pytest

from raydist.data.table_problems import SHOWN, TableProblems
from raydist.errors import DataError


def test_no_problem_is_no_error():
    TableProblems().refuse("table")


@pytest.mark.parametrize(
    "where",
    [[2, 5], np.array([2, 5]), np.arange(6) % 3 == 2, pa.array([None, False, True, False, None, True])],
)
def test_rows_in_words(where):
    assert TableProblems().rows(where) == "rows 2, 5"
    assert TableProblems(np.arange(10, 16)).rows(where) == "rows 12, 15"


def test_many_rows_and_many_problems_are_counted():
    problems = TableProblems()
    assert problems.rows(np.arange(30)).endswith("8, 9, ... (30 rows)")
    for number in range(SHOWN + 3):
        problems.add(f"problem {number}.")
    problems.add_unlisted(4)
    assert len(problems) == SHOWN + 7
    with pytest.raises(DataError, match="table has 27 problem") as error:
        problems.refuse("table")
    lines = str(error.value).splitlines()
    assert len(lines) == 1 + SHOWN + 1
    assert lines[-1] == "  - and 7 more"
