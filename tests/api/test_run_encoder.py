"""The encoder of a run in a program of one's own: its features are those of `raydist embed`."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest

from raydist.api.run_encoder import load
from raydist.api.tables import read_tracklets
from raydist.data.feature_files import read_features
from raydist.data.frames.decoding import stored_pixels
from raydist.errors import CheckpointError, ConfigError, DataError
from raydist.types import Modality

COLUMNS = ("features", "tracklet_id", "modality", "camera", "identity", "split")


@pytest.fixture(scope="session")
def encoder(run_dir):
    return load(run_dir)


@pytest.fixture(scope="session")
def paths(tracklets):
    """The frames of all tracklets as files."""
    return [[tracklets.root / frame for frame in frames] for frames in tracklets.frames]


def pixels(path):
    """A stored picture, red first where it has colours."""
    stored = stored_pixels(path.read_bytes())
    return stored if stored.ndim == 2 else stored[..., ::-1]


def test_a_table_becomes_the_table_of_the_command_bit_for_bit(encoder, tracklets, features):
    table = encoder.embed(tracklets)
    for column in COLUMNS:
        assert np.array_equal(getattr(table, column), getattr(features, column)), column
    assert table.features.shape == (len(tracklets), encoder.width)


def test_clips_as_paths_and_as_pixels_have_the_features_of_the_command_bit_for_bit(
    encoder, paths, tracklets, features
):
    as_paths = encoder.embed(paths, modality=tracklets.modality)
    assert np.array_equal(as_paths, features.features)
    clips = [[pixels(path) for path in clip] for clip in paths]
    whole = [np.stack(clip) for clip in clips]
    whole = [clip if clip.ndim == 4 else clip[..., None] for clip in whole]
    words = [Modality(code).label for code in tracklets.modality.tolist()]
    assert np.array_equal(encoder.embed(whole, modality=words), features.features)
    assert np.array_equal(encoder.embed(clips, modality=words, camera=tracklets.camera), features.features)


def test_few_clips_have_the_features_that_they_have_among_many(encoder, paths, tracklets, features):
    rows = np.flatnonzero(tracklets.modality == Modality.INFRARED)[:2]
    few = encoder.embed([[str(path) for path in paths[row]] for row in rows], modality="infrared")
    assert few.dtype == np.float32
    assert np.allclose(few, features.features[rows], atol=1e-5)


def test_pixels_of_many_bits_are_brought_into_the_range_as_files_are(run_dir, thermal_set):
    table = read_tracklets(thermal_set(frames=4))
    encoder = load(run_dir, overrides=["data.range.ir3=[7400,8400]"])
    embedded = encoder.embed(table)
    clips = [[pixels(table.root / frame) for frame in frames] for frames in table.frames]
    assert clips[-1][0].dtype == np.uint16
    of_clips = encoder.embed(clips, modality=table.modality, camera=table.camera)
    assert np.array_equal(of_clips, embedded.features)


def test_lost_grey_levels_are_warned_of_and_a_last_one_is_refused(run_dir, thermal_set, caplog):
    table = read_tracklets(thermal_set())
    thermal = table.take(table.modality == Modality.INFRARED)
    clips = [[pixels(thermal.root / frame) for frame in frames] for frames in thermal.frames]
    blind = load(run_dir, overrides=["data.range.infrared=[0,100]"])
    for words in ((thermal,), (clips, "infrared")):
        given = {"modality": words[1]} if words[1:] else {}
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            load(run_dir).embed(words[0], **given)
        assert "grey levels in the full range" in caplog.text
        with pytest.raises(DataError, match=r"keep 1 grey level in their declared range"):
            blind.embed(words[0], **given)


PICTURES = np.zeros((3, 8, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("clips", "modality", "message"),
    [
        ([PICTURES], None, "modality: clips do not say it; give visible or infrared"),
        ([PICTURES], ["visible"] * 2, "modality: 2 values for 1 row; give one for all, or one for each"),
        (PICTURES, "visible", r"pixels \[3, 8, 4, 3\] are one clip: give a list of clips, such as \[clip\]"),
        ([], "visible", "there is no clip"),
        ("a.jpg", "visible", "give a table of tracklets or a list of clips"),
        (["a.jpg"], "visible", r"clip 0: 'a.jpg' \(str\); expected pixels \[T, H, W, 3\]"),
        ([PICTURES, []], "visible", "clip 1: it has no frame"),
        ([PICTURES[0]], "visible", r"clip 0: an array \[8, 4, 3\] of uint8; expected pixels"),
        ([PICTURES[:0]], "visible", r"clip 0: an array \[0, 8, 4, 3\]"),
        ([PICTURES.transpose(0, 3, 1, 2)], "visible", r"clip 0: an array \[3, 3, 8, 4\]"),
        ([[PICTURES[0], None]], "visible", "clip 0: frame 1 is None"),
        ([[PICTURES[0, 0, 0]]], "visible", r"clip 0: frame 0 is an array \[3\] of uint8"),
    ],
)
def test_what_is_no_clip_is_refused_with_what_is(encoder, clips, modality, message):
    with pytest.raises(ConfigError, match=message):
        encoder.embed(clips, modality=modality)


def test_other_wrong_input_is_refused_in_one_line(encoder, tracklets, paths, tmp_path):
    with pytest.raises(DataError, match="modality 'thermal': expected 'visible' or 'infrared'"):
        encoder.embed(paths[:1], modality="thermal")
    with pytest.raises(ConfigError, match="modality: a table of tracklets has its own; leave it out"):
        encoder.embed(tracklets, modality="visible")
    (tmp_path / "cut.jpg").write_bytes(paths[0][0].read_bytes()[:200])
    for name, why in (("gone.jpg", "No such file"), ("cut.jpg", "cut off|truncated|damaged")):
        with pytest.raises(DataError, match=f"frame .*{name}: .*({why})"):
            encoder.embed([[tmp_path / name]], modality="visible")
    fractions = np.random.default_rng(0).random(PICTURES.shape, np.float32)
    with pytest.raises(DataError, match=r"keep 0 grey levels in the full range.* data\.range\.visible=\[0"):
        encoder.embed([fractions], modality="visible")


@pytest.mark.parametrize("which", ["best", 2, "last"])
def test_a_checkpoint_is_that_of_the_command(raydist, run_dir, tracklets, tmp_path, which):
    gallery = tracklets.select(split="gallery")
    out = tmp_path / "f.parquet"
    result = raydist("embed", run_dir, "--checkpoint", which, "--split", "gallery", "--out", out, "--json")
    encoder = load(run_dir, which)
    assert encoder.epoch == result.json["epoch"]
    assert np.array_equal(read_features(out).features, encoder.embed(gallery).features)


def test_what_best_was_picked_on_is_said_once(raydist, run_dir, caplog, tmp_path):
    epoch = json.loads((run_dir / "summary.json").read_text())["best"]["epoch"]
    with caplog.at_level(logging.WARNING):
        encoder = load(f"{run_dir}@best")
    assert encoder.epoch == epoch
    assert caplog.text.count("picked on the test split") == 1
    assert "last is the checkpoint to trust" in caplog.text
    assert "(best, picked on the test split), width" in repr(encoder)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        load(run_dir)
        load(run_dir, epoch)
    assert "picked" not in caplog.text
    for command in (("embed", "--out", tmp_path / "f.parquet"), ("evaluate",)):
        name, *options = command
        result = raydist(name, f"{run_dir}@best", *options, "--json")
        assert result.err.count("picked on the test split") == 1
        assert result.json["picked_on"] == "test split"


def test_runs_and_checkpoints_that_are_not_there_are_refused(run_dir, tmp_path):
    for words, error, message in (
        ((run_dir, 70), ConfigError, "@70: no checkpoint of epoch 70; there are those of"),
        ((run_dir, "worst"), ConfigError, "@worst: expected last, best or the number of an epoch"),
        ((run_dir, -1), ConfigError, "@-1: expected last, best"),
        ((tmp_path,), ConfigError, "holds no run"),
    ):
        with pytest.raises(error, match=message):
            load(*words)
    (tmp_path / "config.yaml").write_bytes((run_dir / "config.yaml").read_bytes())
    with pytest.raises(CheckpointError, match="no whole checkpoint"):
        load(tmp_path)
    with pytest.raises(ConfigError, match=r"only data\.\* and evaluation.resize can be changed here"):
        load(run_dir, overrides=["train.lr=1"])
    with pytest.raises(ConfigError, match="device 'abacus'"):
        load(run_dir, device="abacus")
    assert load(run_dir, device="cpu").width == load(run_dir).width


def test_matches_are_the_largest_cosines(encoder, features):
    queries, gallery = (features.take(features.split == split) for split in ("query", "gallery"))
    matches = encoder.search(queries, gallery, top=4)
    cosines = queries.features.astype(float) @ gallery.features.astype(float).T
    best = np.sort(cosines, axis=1)[:, ::-1][:, :4]
    assert np.allclose(matches.similarity, best, atol=1e-9)
    assert np.allclose(np.take_along_axis(cosines, matches.row, axis=1), best, atol=1e-9)
    assert np.array_equal(matches.tracklet_id, gallery.tracklet_id[matches.row])
    narrow = type(gallery)(
        np.eye(2, dtype=np.float32), np.array(["a", "b"]), np.zeros(2, np.int8), np.array(["k", "k"])
    )
    with pytest.raises(DataError, match=r"features of width 2, but the encoder of .* gives width"):
        encoder.search(queries, narrow)
    others = replace(queries, encoder="0" * 64)
    with pytest.raises(DataError, match="the queries: features by other weights"):
        encoder.search(others, gallery)
