import pytest

from raydist.engine.run_folder import RunFolder
from raydist.engine.split_folders import holds_splits
from raydist.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("data: {trial: all}\n", True),
        ("data: {trial: 3}\n", False),
        ("data: {}\n", False),
        ("run: {seed: 1}\n", False),
        ("data: [all]\n", False),
    ],
)
def test_the_configuration_says_what_a_folder_holds(text, holds, tmp_path):
    (tmp_path / "config.yaml").write_text(text)
    assert holds_splits(tmp_path) == holds


def test_a_folder_without_a_configuration_holds_nothing(tmp_path):
    assert not holds_splits(tmp_path)
    assert not holds_splits(tmp_path / "absent")


def test_runs_on_all_splits_are_not_opened_as_one_run(tmp_path):
    (tmp_path / "config.yaml").write_text("data: {trial: all}\n")
    with pytest.raises(ConfigError, match=r"a run on each split .* such as .*trial_01"):
        RunFolder.open(tmp_path)
