from pathlib import Path

import pytest

from raydist.data.importers.target import Target
from raydist.errors import ConfigError


@pytest.mark.parametrize("name", ["people", "people.txt", "csv", ".csv"])
def test_the_suffix_says_the_format(name):
    with pytest.raises(ConfigError, match=r"ends with \.csv or \.parquet"):
        Target(Path(name))


def test_a_folder_is_no_manifest(tmp_path):
    (tmp_path / "people.csv").mkdir()
    with pytest.raises(ConfigError, match="a folder has this name"):
        Target(tmp_path / "people.csv")


@pytest.mark.parametrize("share", [0, 1, -1, float("nan")])
def test_the_share_lies_between(share):
    with pytest.raises(ConfigError, match="share between 0 and 1"):
        Target(Path("people.csv"), share)


def test_crops_lie_beside_the_manifest():
    assert Target(Path("a/people.v2.csv")).crops == Path("a/people.v2_crops")
