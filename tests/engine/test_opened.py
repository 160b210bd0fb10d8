import os
import shutil

import numpy as np
import pytest

from raydist.announcements import listening
from raydist.engine import opened
from raydist.engine.inputs import open_inputs
from raydist.engine.opened import open_indexed
from raydist.errors import DataError

FOLDERS = "data.verify=folders"


@pytest.fixture
def config(smoke, thermal_set):
    """The smoke recipe on a small manifest, with words of one's own."""
    root = thermal_set()
    return lambda *words: smoke("data.name=manifest", f"data.root={root}", *words)


@pytest.fixture
def reads(monkeypatch):
    """A list with an entry for each time that the manifest was read."""
    reads = []
    read = opened.read_tracklets
    monkeypatch.setattr(opened, "read_tracklets", lambda *given: reads.append(given) or read(*given))
    return reads


def open_noting(config, cache):
    """What is opened, its name, warnings and announcements."""
    warnings, announced = [], []
    with listening(announced.append):
        inputs, name = open_indexed(config, cache, on_warning=warnings.append)
    return inputs, name, warnings, announced


def test_a_manifest_whose_folders_have_not_changed_is_not_read_again(config, reads, tmp_path):
    first, name, warnings, _ = open_noting(config(FOLDERS), tmp_path)
    again, same, again_warned, announced = open_noting(config(FOLDERS), tmp_path)
    assert len(reads) == 1
    assert (same, again_warned) == (name, warnings)
    assert len(warnings) == 1  # the camera whose grey levels are lost
    assert announced[-1].endswith(
        "have not changed: the manifest is taken as it was opened before (data.verify)"
    )
    rows = np.arange(len(first.tracklets))
    frames = np.zeros((len(rows), 1), int)
    assert np.array_equal(
        first.tracklets.frames.read(rows, frames), again.tracklets.frames.read(rows, frames)
    )
    assert np.array_equal(first.truth.identity, again.truth.identity)


@pytest.mark.parametrize("verify", ["auto", "files"])
def test_all_files_of_a_small_manifest_are_looked_at(config, reads, tmp_path, verify):
    for _ in range(2):
        open_noting(config(f"data.verify={verify}"), tmp_path)
    assert len(reads) == 2
    assert not (tmp_path / "opened").exists()


def test_a_large_manifest_goes_by_its_folders(config, reads, tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "_MOST_FRAMES", 10)
    for _ in range(2):
        open_noting(config(), tmp_path)
    assert len(reads) == 1
    open_noting(config("data.verify=files"), tmp_path)
    assert len(reads) == 2


def test_a_manifest_that_was_edited_is_read_again(config, reads, tmp_path):
    file = open_noting(config(FOLDERS), tmp_path)[0].ranked.root / "manifest.csv"
    file.write_text(file.read_text().replace("train", "train ", 1))
    open_noting(config(FOLDERS), tmp_path)
    assert len(reads) == 2


@pytest.mark.parametrize("moment", ["read_tracklets", "inputs_of"])
def test_a_manifest_that_is_edited_while_it_is_opened_is_read_again(
    config, reads, tmp_path, monkeypatch, moment
):
    file = open_inputs(config(), tmp_path).ranked.root / "manifest.csv"
    work = getattr(opened, moment)

    def edited(*given, **options):
        done = work(*given, **options)
        file.write_text(file.read_text() + "\n")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(opened, moment, edited)
        open_noting(config(FOLDERS), tmp_path)
    before = len(reads)
    open_noting(config(FOLDERS), tmp_path)
    assert len(reads) == before + 1


def test_an_edit_is_seen_though_size_and_time_are_as_before(config, reads, tmp_path):
    file = open_noting(config(FOLDERS), tmp_path)[0].ranked.root / "manifest.csv"
    stamps = file.stat()
    file.write_text(file.read_text().replace("train", "Train", 1))
    os.utime(file, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (stamps.st_size, stamps.st_mtime_ns)
    open_noting(config(FOLDERS), tmp_path)
    assert len(reads) == 2


@pytest.mark.parametrize("file", ["opened.json", "folders.npy", "files.arrow"])
@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 1000])
def test_damaged_stamps_are_taken_anew(config, reads, tmp_path, file, content):
    open_noting(config(FOLDERS), tmp_path)
    (damaged,) = (tmp_path / "opened").glob(f"*/{file}")
    damaged.write_bytes(content)
    open_noting(config(FOLDERS), tmp_path)
    assert len(reads) == 2
    open_noting(config(FOLDERS), tmp_path)
    assert len(reads) == 2


def test_a_name_that_leads_elsewhere_is_not_followed(config, reads, tmp_path):
    name = open_noting(config(FOLDERS), tmp_path)[1]
    (file,) = (tmp_path / "opened").glob("*/opened.json")
    file.write_text(file.read_text().replace(name, str(tmp_path / "inputs" / name)))
    open_noting(config(FOLDERS), tmp_path)
    assert len(reads) == 2


def test_a_frame_that_was_removed_is_missed(config, reads, tmp_path):
    root = open_noting(config(FOLDERS), tmp_path)[0].ranked.root
    next(root.rglob("*.png")).unlink()
    with pytest.raises(DataError, match="cannot be read"):
        open_noting(config(FOLDERS), tmp_path)
    assert len(reads) == 2


@pytest.mark.parametrize("word", ["data.height=24", "evaluation.protocol=sysu_mm01", "run.seed=5"])
def test_another_configuration_is_opened_with_all_checks(config, reads, tmp_path, word):
    open_noting(config(FOLDERS), tmp_path)
    open_noting(config(FOLDERS, word), tmp_path)
    assert len(reads) == 2


@pytest.mark.parametrize("gone", ["frames", "inputs", "opened"])
def test_what_is_gone_from_the_cache_is_made_anew(config, reads, tmp_path, gone):
    name = open_noting(config(FOLDERS), tmp_path)[1]
    shutil.rmtree(tmp_path / gone)
    assert open_noting(config(FOLDERS), tmp_path)[1] == name
    assert len(reads) == 2
    assert open_noting(config(FOLDERS), tmp_path)[1] == name
    assert len(reads) == 2


def test_other_data_sets_are_always_read(smoke, reads, tmp_path):
    for _ in range(2):
        inputs = open_noting(smoke(FOLDERS), tmp_path)[0]
    assert len(reads) == 2
    assert len(inputs.tracklets) == len(open_inputs(smoke(), tmp_path).tracklets)
