"""What a gallery is made of: files, a run, and what is shown of it."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raydist.data.feature_files import read_features, write_features
from raydist.errors import ConfigError, DataError
from raydist.gallery.catalogue import Wanted
from raydist.gallery.opening import NOT_WANTED, Opened


@pytest.fixture(scope="module")
def features(raydist, run_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("gallery") / "features.parquet"
    assert raydist("embed", run_dir, "--out", out).code == 0
    return out


def test_features_alone_have_neither_frames_nor_an_encoder(features):
    gallery = Opened(str(features)).gallery()
    assert gallery.frames is gallery.encoder is None
    assert "--run" in gallery.no_frames
    assert gallery.catalogue.labels is None
    assert gallery.catalogue.name == features.name


def test_a_run_brings_frames_labels_and_its_encoder(features, run_dir):
    gallery = Opened(str(features), run=str(run_dir)).gallery()
    table = gallery.catalogue.table
    assert (gallery.no_frames, gallery.no_upload) == ("", "")
    assert min(gallery.frames.number(row) for row in range(len(table))) > 0
    assert gallery.frames.jpeg(3, 0).startswith(b"\xff\xd8")
    with pytest.raises(IndexError):
        gallery.frames.jpeg(3, gallery.frames.number(3))
    covered = [gallery.catalogue.entry(row).cluster is not None for row in range(len(table))]
    assert covered == (table.split == "train").tolist()


def test_a_run_alone_shows_its_queries_and_gallery(features, run_dir):
    gallery = Opened(str(run_dir)).gallery()
    known, table = read_features(features), gallery.catalogue.table
    rows = np.flatnonzero(known.split != "train")
    assert table.tracklet_id.tolist() == known.tracklet_id[rows].tolist()
    np.testing.assert_allclose(table.features, known.features[rows], atol=1e-6)
    assert gallery.catalogue.labels is None
    assert gallery.frames.number(0) > 0


def test_frames_that_are_not_wanted_are_not_there(features, run_dir):
    gallery = Opened(str(features), run=str(run_dir), images=False).gallery()
    assert (gallery.frames, gallery.no_frames) == (None, NOT_WANTED)
    assert gallery.encoder is not None


def test_tracklets_that_the_run_does_not_know_have_no_frames(features, run_dir, tmp_path):
    table = read_features(features)
    names = table.tracklet_id.astype("U40")
    names[0] = "<b>"
    write_features(replace(table, tracklet_id=names), tmp_path / "f.parquet")
    gallery = Opened(str(tmp_path / "f.parquet"), run=str(run_dir)).gallery()
    assert (gallery.frames.number(0), gallery.frames.number(1) > 0) == (0, True)


def test_labels_of_a_file_are_taken_by_name(features, tmp_path):
    table = read_features(features)
    labels = pa.table(
        {"tracklet_id": table.tracklet_id[::-2].tolist(), "label": [7] * len(table.tracklet_id[::-2])}
    )
    pq.write_table(labels, tmp_path / "labels.parquet")
    gallery = Opened(str(features), labels=tmp_path / "labels.parquet").gallery()
    assert sorted(table.tracklet_id[gallery.catalogue.rows(Wanted(cluster=7))]) == sorted(
        table.tracklet_id[::-2]
    )


def test_what_does_not_belong_together_is_refused(features, run_dir, tmp_path):
    with pytest.raises(ConfigError, match="--run"):
        Opened(str(features), images=True).gallery()
    with pytest.raises(ConfigError, match="leave it out"):
        Opened(str(run_dir), run=str(run_dir)).gallery()
    table = read_features(features)
    narrow = replace(table, features=np.eye(3, dtype=np.float32)[np.zeros(len(table), int)])
    write_features(narrow, tmp_path / "narrow.parquet")
    with pytest.raises(DataError, match="width 3"):
        Opened(str(tmp_path / "narrow.parquet"), run=str(run_dir)).gallery()
    write_features(replace(table, encoder="0" * 64), tmp_path / "foreign.parquet")
    with pytest.raises(DataError, match="by other weights than those of the encoder of"):
        Opened(str(tmp_path / "foreign.parquet"), run=str(run_dir)).gallery()
    write_features(table.take(np.arange(0)), tmp_path / "empty.parquet")
    with pytest.raises(DataError, match="no features"):
        Opened(str(tmp_path / "empty.parquet")).gallery()
    others = replace(table, tracklet_id=np.array([f"x{n}" for n in range(len(table))]))
    write_features(others, tmp_path / "others.parquet")
    with pytest.raises(DataError, match="none of the tracklets"):
        Opened(str(tmp_path / "others.parquet"), run=str(run_dir)).gallery()
    pq.write_table(pa.table({"tracklet_id": ["y"], "label": [1]}), tmp_path / "l.parquet")
    with pytest.raises(DataError, match="none of them"):
        Opened(str(features), labels=tmp_path / "l.parquet").gallery()
