import sys

import pytest

from raydist.data.datasets.dataset import read_dataset
from raydist.errors import DataError

READER = """
from raydist.data.datasets.dataset import Dataset
from raydist.errors import DataError


def broken(root):
    return int("bob")


def strict(root):
    raise DataError(f"{root}/bob: expected a number")


BROKEN, STRICT = Dataset(broken, protocol="plain"), Dataset(strict, protocol="plain")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_reader.py").write_text(READER)
    yield tmp_path
    sys.modules.pop("my_reader", None)


def test_whatever_a_reader_raises_is_one_line_with_its_place(folder):
    with pytest.raises(DataError) as caught:
        read_dataset("my_reader:BROKEN", folder)
    assert str(caught.value) == (
        f"data set my_reader:BROKEN: its reader failed on {folder}: ValueError: invalid literal for int() "
        "with base 10: 'bob' (my_reader.py, line 7)"
    )
    assert caught.value.exit_code == 3


def test_what_a_reader_says_itself_stays_as_it_is(folder):
    with pytest.raises(DataError) as caught:
        read_dataset("my_reader:STRICT", folder)
    assert str(caught.value) == f"{folder}/bob: expected a number"
