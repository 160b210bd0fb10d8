"""Checkpoints of a run by their names, on the folders of a run without its data."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raydist.engine.chosen_epoch import ChosenEpoch, names_run, read_checkpoint, split_run
from raydist.engine.run_folder import RunFolder
from raydist.errors import CheckpointError, ConfigError, DataError


def scores(value):
    return {direction: {"map": value} for direction in ("infrared_to_visible", "visible_to_infrared")}


@pytest.fixture
def run(tmp_path):
    """A run of five epochs of which 2 (the best), 4 and 5 are kept."""
    folder = RunFolder.create(tmp_path, "mine", "x")
    folder.write("config.yaml", "encoder: {}\n")
    history = {epoch: scores(10.0 if epoch == 2 else 5.0) for epoch in range(6)}
    for epoch in (2, 4, 5):
        seen = {n: value for n, value in history.items() if n <= epoch}
        folder.checkpoints.write(
            epoch, {"state.json": json.dumps({"history": seen, "epoch": epoch}).encode()}
        )
    folder.write("summary.json", {"epochs": 5, "best": {"epoch": 2}})
    return folder.path


@pytest.mark.parametrize(
    ("which", "epoch", "line"),
    [
        ("last", 5, "epoch 5 of 5 (last)"),
        ("best", 2, "epoch 2 of 5 (best)"),
        ("4", 4, "epoch 4 of 5"),
        ("5", 5, "epoch 5 of 5"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_a_name_is_an_epoch_in_both_spellings(run, which, epoch, line, apart):
    path, word = split_run(run, which) if apart else split_run(f"{run}@{which}")
    chosen, files = read_checkpoint(path, word)
    assert (chosen.run, chosen.epoch, chosen.line()) == (run, epoch, line)
    assert json.loads(files["state.json"])["epoch"] == epoch


def test_without_a_name_it_is_the_newest_whole_one(run):
    assert split_run(run) == (run, "last")
    (run / "checkpoints" / "epoch_0005" / "state.json").write_bytes(b"cut")
    chosen, files = read_checkpoint(run, "last")
    assert json.loads(files["state.json"])["epoch"] == 4
    assert chosen.line() == "epoch 4 of 5 (last)"
    with pytest.raises(CheckpointError, match=r"state\.json is not what was written"):
        read_checkpoint(run, "5")


def test_the_best_of_an_unfinished_run_is_that_of_its_history(run):
    (run / "summary.json").unlink()
    assert (
        read_checkpoint(run, "best")[0].line() == "epoch 2 (best, picked on the test split), unfinished run"
    )
    assert read_checkpoint(run, "last")[0].line() == "epoch 5 (last), unfinished run"


@pytest.mark.parametrize("summary", ['{"epochs": 9}', "[]", "{", '{"epochs": "5"}'])
def test_a_summary_of_more_epochs_or_a_damaged_one_is_no_end(run, summary):
    (run / "summary.json").write_text(summary)
    assert read_checkpoint(run, "4")[0] == ChosenEpoch(run, "4", 4, None)


def test_epochs_that_are_not_kept_are_a_wrong_setting_with_those_that_are(run):
    with pytest.raises(ConfigError, match=r"mine@3: no checkpoint of epoch 3; there are those of 2, 4, 5$"):
        read_checkpoint(run, "3")


def test_a_best_that_is_not_known_is_bad_data(run):
    (run / "summary.json").unlink()
    for epoch in (2, 4, 5):
        RunFolder(run).checkpoints.write(epoch, {"state.json": b'{"history": {}}'})
    with pytest.raises(DataError, match="mine@best: no epoch of the run was evaluated; give last or an"):
        read_checkpoint(run, "best")


@pytest.mark.parametrize("first", ["last", "best", "4", "5"])
@pytest.mark.parametrize("second", ["last", "best", "4", "05"])
def test_two_names_must_agree(run, first, second):
    if first == second.lstrip("0"):
        assert split_run(f"{run}@{first}", second) == (run, first)
        return
    with pytest.raises(ConfigError, match=f"mine@{first} and --checkpoint {second} name two checkpoints"):
        split_run(f"{run}@{first}", second)


@pytest.mark.parametrize("word", ["worst", "", "-1", "1.5", "LAST", "\u0663", "1" * 5000])
def test_other_words_are_refused(run, word):
    with pytest.raises(ConfigError, match="expected last, best or the number of an epoch"):
        split_run(f"{run}@{word}")
    with pytest.raises(ConfigError, match=r"--checkpoint .*: expected last, best or the number of an epoch"):
        split_run(run, word)


def test_a_folder_may_have_an_at_in_its_name(run):
    other = run.rename(run.parent / "mine@2")
    assert split_run(other) == (other, "last")
    assert split_run(f"{other}@best") == (other, "best")
    assert names_run(str(other))


@given(st.text(max_size=30), st.none() | st.text(max_size=12))
def test_whatever_is_written_gives_a_name_or_one_error(text, checkpoint):
    try:
        path, which = split_run(text, checkpoint)
    except ConfigError:
        return
    assert which in ("last", "best") or which == str(int(which))
    assert path in (Path(text), Path(text.rpartition("@")[0]))
