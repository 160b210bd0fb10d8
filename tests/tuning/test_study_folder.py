import json
import os
import stat
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raydist.errors import CheckpointError, ConfigError, RaydistError
from raydist.tuning.report import TrialReport
from raydist.tuning.space import Space
from raydist.tuning.study import make_study, with_overrides
from raydist.tuning.study_folder import StudyFolder

NUM_FUZZED = int(os.environ.get("RAYDIST_FUZZ", "30"))


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


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"digest": 3, "bases": {}}', b'{"digest": "x", "bases": 3}', b"\xff", b"[" * 9999],
)
def test_damaged_facts_are_named(folder, content):
    (folder.path / "study.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"study\.json is damaged"):
        folder.study()


def test_a_study_without_data_sets_is_damaged(folder):
    facts = json.loads((folder.path / "study.json").read_text())
    (folder.path / "study.json").write_text(json.dumps(facts | {"bases": {}}))
    with pytest.raises(CheckpointError, match="it names no data set"):
        folder.study()


@pytest.mark.parametrize(
    "line",
    [
        b"{", b"[]", b"{}", b'{"trial": "0", "sample": {}}', b'{"trial": 0, "sample": 3}', b'{"trial": 7}',
        b'{"trial": 0, "state": "lost", "reason": ""}', b'{"trial": 0, "epoch": {"epoch": 1}}', b"\xff",
    ],
)  # fmt: skip
def test_a_damaged_record_is_named_and_nothing_is_lost(folder, study, line):
    with folder.recording() as log:
        log.start(0, study.sample(0))
    path = folder.path / "trials.jsonl"
    content = path.read_bytes() + line + b"\n" + path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"trials\.jsonl is damaged \(line 2, .*remove that line"):
        folder.trials()
    with pytest.raises(CheckpointError, match="is damaged"), folder.recording():
        pass
    assert path.read_bytes() == content


@settings(
    max_examples=NUM_FUZZED,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_a_study_folder_holds_is_read_or_refused(folder, study, changed_json, data):
    if not folder.trials():
        with folder.recording() as log:
            log.start(0, study.sample(0))
            log.epoch(0, TrialReport(1, 4, 10, {"synthetic": {"map": 1.0}, "manifest": {"map": 2.0}}))
            log.end(0, "failed", "why")
    file = folder.path / data.draw(st.sampled_from(["study.json", "trials.jsonl", "space.yaml"]))
    whole = file.read_bytes()
    odd = whole
    if file.suffix == ".json":
        odd = json.dumps(changed_json(data, json.loads(whole))).encode()
    elif file.suffix == ".jsonl":
        rows = changed_json(data, [json.loads(line) for line in whole.splitlines()])
        odd = "".join(json.dumps(row) + "\n" for row in (rows if isinstance(rows, list) else [rows])).encode()
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(odd)))
        odd = odd[:place] + data.draw(st.binary(max_size=8)) + odd[place + data.draw(st.integers(0, 9)) :]
    file.write_bytes(odd)
    with suppress(RaydistError):
        again = StudyFolder.open(folder.path)
        again.study()
        for trial in again.trials():
            assert trial.steps >= 0 or trial.epochs
            trial.last("map")
    file.write_bytes(whole)
