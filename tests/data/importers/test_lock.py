"""Imports that would write the same files at once: tracks as JPEG and PNG, crops, and processes that die."""

import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from raydist.data.importers.crops import CropsImport, import_crops
from raydist.data.importers.cutting import CropFormat
from raydist.data.importers.lock import locked
from raydist.data.importers.mot import MotImport, import_mot
from raydist.data.importers.target import Target
from raydist.errors import ConfigError, DataError

ROWS = [[frame, track, 1 + 9 * track, 2, 8, 30] for track in (1, 2, 3) for frame in (1, 2, 3)]
REFUSAL = r"people\.\w+, with its crops, is in use by process \d+ on .* since .*: wait for its end, or end it"


@pytest.fixture
def request_(tmp_path, write_folder, write_tracks):
    write_folder(tmp_path / "in" / "hall", range(1, 4))
    write_tracks(tmp_path / "in" / "hall.txt", ROWS)
    return MotImport(tmp_path / "in", crop_format=CropFormat("jpg"))


@pytest.fixture
def target(tmp_path):
    return Target(tmp_path / "out" / "people.csv", overwrite=True)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("second", ["png", "jpg", "crops", "parquet"])
def test_a_second_import_is_refused_while_one_runs(request_, target, tmp_path, silent, second):
    """The first one ends as if it were alone."""
    other = replace(target, path=target.path.with_suffix(".parquet")) if second == "parquet" else target
    crops = CropsImport(request_.path, "{camera}/{tracklet}", copy=True)
    tracks = replace(request_, crop_format=CropFormat("jpg" if second == "jpg" else "png"))
    import_other, asked = (import_crops, crops) if second == "crops" else (import_mot, tracks)
    refused = []

    def begin_another(name, done, total):
        with pytest.raises(ConfigError, match=REFUSAL) as error:
            import_other(asked, other, silent)
        refused.append(error)

    import_mot(request_, target, begin_another)
    assert len(refused) > 3
    alone = Target(tmp_path / "alone" / "people.csv")
    import_mot(request_, alone, silent)
    assert files(target.root) == files(alone.root)


def test_one_after_the_other_they_replace_each_other(request_, target, silent):
    import_mot(request_, target, silent)
    import_mot(replace(request_, crop_format=CropFormat("png")), target, silent)
    names = files(target.root)
    assert {name.rpartition(".")[2] for name in names} == {"csv", "json", "png"}
    assert len(names) == len(ROWS) + 2


def test_other_manifests_of_the_folder_are_free(request_, target, silent):
    other = replace(target, path=target.root / "others.csv")

    def begin_another(name, done, total):
        import_mot(request_, other, silent)

    import_mot(request_, target, begin_another)
    assert target.path.read_text().replace("people_crops", "others_crops") == other.path.read_text()


def test_an_import_that_fails_leaves_no_lock_and_no_folder(tmp_path, silent):
    target = Target(tmp_path / "new" / "deep" / "people.csv")
    with pytest.raises(DataError, match="no such"):
        import_crops(CropsImport(tmp_path / "nowhere", "{camera}/{tracklet}"), target, silent)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_is_killed_holds_nothing(request_, target, silent):
    code = (
        "import sys, time; from pathlib import Path; from raydist.data.importers.lock import locked\n"
        "from raydist.data.importers.target import Target\n"
        "with locked(Target(Path(sys.argv[1]))):\n    print('locked', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, target.path], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(ConfigError, match=REFUSAL):
            import_mot(request_, target, silent)
        holder.send_signal(signal.SIGKILL)
    import_mot(request_, target, silent)
    assert not [path for path in target.root.iterdir() if path.name.startswith(".")]


def test_the_lock_is_no_hidden_file_of_the_tree(request_, silent):
    target = Target(request_.path / "people.csv")
    with locked(target):
        assert [path.name for path in target.root.glob(".*")] == [".people_crops.lock"]
    result = import_crops(CropsImport(request_.path, "{camera}/{tracklet}"), target, silent)
    assert result.notes.counts == {"not a picture": 1}
