"""`raydist data check` on all splits of a data set."""

import shutil

import pytest

from raydist.data.datasets.dataset import ReadOptions, read_dataset


@pytest.fixture
def ten_splits(image_set):
    """A tiny RegDB of which the odd splits are its first, and the even ones its second."""
    root = image_set("regdb")
    for trial in range(3, 11):
        for part in ("train", "test"):
            for camera in ("visible", "thermal"):
                lists = [root / "idx" / f"{part}_{camera}_{number}.txt" for number in (2 - trial % 2, trial)]
                shutil.copy(*lists)
    return root


@pytest.fixture
def check(raydist, ten_splits):
    """`check(word, ...)` checks it."""
    return lambda *words: raydist("data", "check", "--name", "regdb", "--root", ten_splits, *words)


def cut(root, trial, lines, more=""):
    file = root / "idx" / f"train_thermal_{trial}.txt"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:lines]) + more)


@pytest.mark.parametrize("words", [["--trial", "all"], ["data.trial=all"]])
def test_every_split_has_a_row_and_its_facts(check, ten_splits, words):
    checked = check(*words, "--json")
    assert checked.code == 0, checked.err
    assert checked.json["warnings"] == []
    assert checked.json["refused"]["train"] is None
    assert [facts["trial"] for facts in checked.json["trials"]] == list(range(1, 11))
    for facts in checked.json["trials"]:
        table, _ = read_dataset("regdb", ten_splits, ReadOptions(trial=facts["trial"]))
        assert (facts["splits"], facts["refusal"]) == (table.summary(), None)
        assert facts["checks"]["same_pictures"]["num_ranked"] == 0
    assert checked.err.count("18 of 6") == 40
    assert checked.err.count("frames a tracklet") == 1
    assert "warning" not in checked.err
    assert "train: yes" in checked.err or "train, " in checked.err


def test_a_split_without_its_list_is_refused_as_train_refuses_it(check, ten_splits, raydist, tmp_path):
    (ten_splits / "idx" / "test_visible_9.txt").unlink()
    checked = check("data.trial=all", "--json")
    trained = raydist(
        "train",
        "smoke",
        "data.name=regdb",
        f"data.root={ten_splits}",
        "data.trial=all",
        f"run.dir={tmp_path}/r",
    )
    assert checked.code == trained.code == 3
    message = checked.json["error"]["message"]
    assert message.startswith("data.trial = 9: cannot read")
    assert message.splitlines()[0] in trained.err
    assert [facts["refusal"] is None for facts in checked.json["trials"]] == [n != 9 for n in range(1, 11)]
    assert checked.json["refused"]["train"] == message
    assert not (tmp_path / "r").exists()


def test_what_one_split_alone_has_is_refused_with_its_number(check, ten_splits):
    (ten_splits / "idx" / "train_visible_1.txt").unlink()
    cut(ten_splits, 4, 1)
    (ten_splits / "Thermal" / "1" / "male_front_t_00021_1.bmp").unlink()
    checked = check("--trial", "all")
    assert checked.code == 3
    assert "split 2 of regdb" in checked.out
    error = checked.err[checked.err.index("error: ") :]
    assert error.startswith("error: data.trial = 1: cannot read")
    later = [line for line in error.splitlines()[1:] if not line.startswith(" ")]
    assert [line.partition(": ")[0] for line in later] == [
        "data.trial = 2, 3, 5, 6, 7, 8, 9, 10",
        "data.trial = 4",
    ]
    assert all(line.endswith(f"frames of {ten_splits} cannot be read") for line in later)
    assert "train, score, " in checked.err
    assert ": no, see the error below" in checked.err


def test_a_split_that_is_cut_off_is_warned_of(check, ten_splits):
    cut(ten_splits, 7, 4, "Thermal/9/male_front_t_00021_9.bmp 0\n")
    checked = check("--trial", "all", "--json")
    assert checked.code == 0
    size, apart = checked.json["warnings"]
    assert size.startswith("split 7 trains on 4 infrared tracklets of 2 identities (split 1 on 18 of 6), but")
    assert apart.startswith("split 7: 4 of 6 training identities have tracklets of one modality only")
    for line in (f"warning: {size}", f"warning: {apart}", "split 7: dropped for mismatch: 1 ("):
        assert f"\n{line}" in checked.err
    assert "warning: 4 of 6 training identities" in check("--trial", "7").err


def test_a_folder_that_is_not_there_is_said_once(raydist, tmp_path):
    checked = raydist("data", "check", "--name", "regdb", "--root", tmp_path / "none", "--trial", "all")
    assert checked.code == 3
    assert checked.err.count("does not exist") == 1
    assert checked.out == ""


def test_a_set_with_one_split_has_no_others(raydist, image_set):
    checked = raydist("data", "check", "--name", "llcm", "--root", image_set("llcm"), "--trial", "all")
    assert checked.code == 2
    assert "data.trial = all: data set llcm has one split; leave it out" in checked.err
