import os
import stat

import pytest

from raydist.errors import CheckpointError, ConfigError
from raydist.tuning.space import Space
from raydist.tuning.study import make_study, with_overrides
from raydist.tuning.study_folder import StudyFolder


def test_a_study_is_found_as_it_was_made(folder, study):
    assert StudyFolder.open(folder.path).study() == study
    assert folder.trials() == []


def test_only_the_owner_can_enter_it(folder):
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_name_is_given_once(folder, study, tmp_path):
    with pytest.raises(ConfigError, match="--resume"):
        StudyFolder.create(tmp_path, "study-1", study)


def test_without_a_name_it_is_numbered(study, tmp_path):
    names = [StudyFolder.create(tmp_path, None, study).path.name for _ in range(2)]
    assert names == ["tune-cba-synthetic-manifest-001", "tune-cba-synthetic-manifest-002"]


def test_a_study_that_goes_on_may_last_longer(folder, study):
    longer = with_overrides(study, ["tune.num_samples=40"])
    folder.check_same(longer)
    folder.write_facts(longer)
    assert StudyFolder.open(folder.path).study() == longer != study


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no study"):
        StudyFolder.open(tmp_path)


def test_a_folder_of_another_user_is_refused(folder, monkeypatch):
    other_user = os.getuid() + 1
    monkeypatch.setattr("raydist.tuning.study_folder.os.getuid", lambda: other_user)
    with pytest.raises(CheckpointError, match="belongs to another user"):
        StudyFolder.open(folder.path)


def test_a_changed_study_is_refused(folder, study, raw_space):
    folder.check_same(study)
    other = make_study(
        Space.parse(raw_space), ["data.name=synthetic,manifest", "data.root=unused,tracks.csv", "tune.seed=3"]
    )
    with pytest.raises(ConfigError, match=r"tune\.seed: 0 -> 3"):
        folder.check_same(other)
    space = folder.path / "space.yaml"
    space.write_text(space.read_text().replace("0.0001", "0.0002"))
    with pytest.raises(CheckpointError, match="was changed"):
        folder.study()


def test_one_process_records_at_a_time(folder):
    with folder.recording(), pytest.raises(ConfigError, match="in use by process"), folder.recording():
        pass
    with folder.recording():
        pass
