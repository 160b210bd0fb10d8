import shutil

import numpy as np
import pytest

from raydist.announcements import listening
from raydist.engine.inputs import data_fingerprint, log_warning, open_inputs
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.errors import ConfigError, DataError
from raydist.evaluation.retrieval import scores

SINGLE = ("data.frames=1", "data.sub_tracklets=1", "data.height=16", "data.width=8", "method.name=dcl")


@pytest.fixture
def single(smoke, image_set):
    """`single(name, *words)` gives the smoke recipe for a tiny set of single images."""
    return lambda name, *words: smoke(f"data.name={name}", f"data.root={image_set(name)}", *SINGLE, *words)


@pytest.mark.parametrize("name", ["sysu_mm01", "regdb", "llcm"])
def test_single_images_train_and_are_judged_by_their_own_protocol(single, tmp_path, name):
    config = single(
        name, "data.cache=packed", "train.limit_epochs=1", "train.iterations=2", "clustering.eps=0.9"
    )
    inputs = open_inputs(config, tmp_path / "cache")
    assert inputs.protocol == name
    assert set(inputs.tracklets.frames.num_frames) == {1}
    assert len(list((tmp_path / "cache" / "frames").glob("*/pixels.npy"))) == 2
    state = build_state(config, inputs)
    run_epoch(state)
    assert state.frames_seen > 0
    assert all(0 < values["map"] <= 100 for values in state.history[1].values())


@pytest.mark.parametrize("name", ["sysu_mm01", "regdb", "llcm"])
def test_packed_frames_are_those_that_are_decoded(single, tmp_path, name):
    packed, decoded = (
        open_inputs(single(name, f"data.cache={cache}"), tmp_path / "cache") for cache in ("packed", "off")
    )
    for one, other in (
        (packed.tracklets.frames, decoded.tracklets.frames),
        (packed.ranked_frames, decoded.ranked_frames),
    ):
        rows = np.arange(len(one))
        np.testing.assert_array_equal(
            one.read(rows, np.zeros((len(rows), 1), int)), other.read(rows, np.zeros((len(rows), 1), int))
        )


def test_the_trial_decides_what_is_trained_on(single, tmp_path):
    first, second = (open_inputs(single("regdb", f"data.trial={trial}"), tmp_path) for trial in (1, 2))
    assert set(first.truth.identity) == set(second.ranked.identity) == {2, 4, 6, 8, 10, 12}
    assert set(second.truth.identity) == set(first.ranked.identity)
    prints = [data_fingerprint(single("regdb", f"data.trial={trial}").data, tmp_path) for trial in (1, 2)]
    assert prints[0] != prints[1]
    with pytest.raises(ConfigError, match=r"data\.trial = 11"):
        single("regdb", "data.trial=11")


def test_held_out_identities_are_ranked_by_the_same_protocol(single, tmp_path):
    config = single("sysu_mm01", "data.validation_identities=0.5", "evaluation.split=validation")
    inputs = open_inputs(config, tmp_path)
    table = inputs.ranked
    assert set(table.identity) < {1, 2, 3, 4, 5, 12}
    constant = table.with_features(np.ones((len(table), 1), np.float32))
    assert scores(constant, inputs.protocol)["infrared_to_visible"]["skipped_queries"] == 0


def test_a_driver_warns_of_a_search_that_is_left_out(single, image_set, tmp_path, caplog):
    config = single("sysu_mm01")
    for camera in ("cam1", "cam2"):
        shutil.rmtree(image_set("sysu_mm01") / camera)
    assert open_inputs(config, tmp_path, on_warning=log_warning).obstacle is None
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("warning: search sysu_mm01_indoor is left out: from infrared to visible, protocol")


def test_data_that_its_protocol_cannot_rank_is_known_before_training(single, tmp_path):
    assert open_inputs(single("sysu_mm01", "evaluation.protocol=sysu_mm01_indoor"), tmp_path).obstacle is None
    obstacle = open_inputs(single("regdb", "evaluation.protocol=sysu_mm01"), tmp_path).obstacle
    assert obstacle.reason == "removed by the protocol"
    assert "sysu_mm01 leaves 0 of 18 queries" in obstacle.message


def test_the_fingerprint_of_a_manifest_has_the_folder_of_its_frames(smoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("data.name=manifest", "data.root=m.csv")
    prints = [
        data_fingerprint(smoke(*words, *more).data, tmp_path) for more in ([], ["data.frames_root=frames"])
    ]
    assert prints[0] == {"name": "manifest", "root": str(tmp_path / "m.csv")}
    assert prints[1] == prints[0] | {"frames_root": str(tmp_path / "frames")}


def test_percentages_of_a_range_are_numbers_once_the_data_are_open(smoke, thermal_set, tmp_path):
    words = ("data.name=manifest", f"data.root={thermal_set()}", "data.height=32", "data.width=16")
    config = smoke(*words, "data.range=[2%,98%]")
    inputs = open_inputs(config, tmp_path)
    assert set(inputs.data.range) == {"visible", "infrared"}
    low, high = inputs.data.range["infrared"]
    assert 7400 <= low < high <= 8400
    resolved = config.model_copy(update={"data": inputs.data})
    entries = set((tmp_path / "frames").iterdir())
    again = open_inputs(resolved, tmp_path)
    assert again.data == inputs.data
    assert set((tmp_path / "frames").iterdir()) == entries
    (infrared,) = {int(row) for row in np.flatnonzero(inputs.tracklets.modality == 1)[:1]}
    pixels = [
        opened.tracklets.frames.read(np.array([infrared]), np.array([[0]])) for opened in (inputs, again)
    ]
    assert (pixels[0] == pixels[1]).all()
    assert len(np.unique(pixels[0])) > 60


def test_a_driver_warns_of_lost_grey_levels_and_workers_do_not(smoke, thermal_set, tmp_path, caplog):
    config = smoke("data.name=manifest", f"data.root={thermal_set()}")
    open_inputs(config, tmp_path)
    assert caplog.text == ""
    open_inputs(config, tmp_path, on_warning=log_warning)
    assert caplog.text.count("warning: camera ir3") == 1
    blind = smoke("data.name=manifest", f"data.root={thermal_set()}", "data.range.infrared=[0,100]")
    with pytest.raises(DataError, match=r"keep 1 grey level in .* with data\.range\.ir3=\[74"):
        open_inputs(blind, tmp_path, on_warning=log_warning)


def test_what_cannot_be_read_is_left_out_everywhere(smoke, thermal_set, tmp_path):
    manifest = thermal_set(frames=4)
    short = manifest.read_text()
    for name in ("ir3/1-0", "cam1/6-1"):
        short = short.replace("|".join(f"{name}/{frame}.png" for frame in range(4)), f"{name}/0.png")
        (manifest.parent / name / "0.png").write_bytes(b"")
    manifest.write_text(short)
    words = ("data.name=manifest", f"data.root={manifest}", "data.height=32", "data.width=16")
    with pytest.raises(DataError, match=r"1 of 61 frames [^$]*ir3/1-0/0\.png \(empty\)"):
        open_inputs(smoke(*words), tmp_path)
    for cache in ("off", "packed", "packed"):
        inputs = open_inputs(smoke(*words, "data.unreadable=skip", f"data.cache={cache}"), tmp_path)
        assert len(inputs.tracklets) == len(inputs.names) == 15
        assert "ir3-1-0" not in inputs.names
        assert len(inputs.ranked) == len(inputs.ranked_frames) == 11
        assert "cam1-6-1" not in inputs.ranked.tracklet_id
        assert list(inputs.notes.values()) == [2, 2]


def test_drawing_and_packing_are_announced_once(smoke, tmp_path):
    config, said = smoke("data.cache=packed", "data.height=32", "data.width=16"), []
    with listening(said.append):
        inputs = open_inputs(config, tmp_path)
        open_inputs(config, tmp_path)
    assert [line.split(" into ")[0] for line in said[:1]] == ["drawing preset smoke"]
    assert str(tmp_path / "synthetic") in said[0]
    assert len(said) == 3
    assert said[1] == f"packing {inputs.tracklets.frames.num_frames.sum():,} frames (once)"


def test_all_splits_are_not_read_as_one(single, tmp_path):
    with pytest.raises(ConfigError, match=r"only raydist train, .*; name one here, data\.trial=1 to 10"):
        open_inputs(single("regdb", "data.trial=all"), tmp_path)


def all_pixels(store):
    return store.read(np.arange(len(store)), np.zeros((len(store), 1), int))


@pytest.mark.parametrize("cache", ["packed", "off"])
def test_training_and_ranked_frames_have_a_filter_each(single, tmp_path, cache):
    def opened(*words):
        return open_inputs(
            single("regdb", f"data.cache={cache}", "data.height=12", *words), tmp_path / "cache"
        )

    area, bicubic = opened(), opened("data.resize=bicubic")
    both = opened("data.resize=bicubic", "evaluation.resize=lanczos")
    lanczos = opened("data.resize=lanczos")
    np.testing.assert_array_equal(all_pixels(both.ranked_frames), all_pixels(lanczos.ranked_frames))
    # which row is which tracklet follows from the content of files alone
    np.testing.assert_array_equal(all_pixels(both.tracklets.frames), all_pixels(bicubic.tracklets.frames))
    for one, other in ((area, bicubic), (bicubic, lanczos), (area, lanczos)):
        assert (all_pixels(one.ranked_frames) != all_pixels(other.ranked_frames)).any()
        assert (all_pixels(one.tracklets.frames) != all_pixels(other.tracklets.frames)).any()


def test_filters_have_names(single):
    with pytest.raises(ConfigError, match=r"data\.resize = 'nearest'.*area, bilinear, bicubic, lanczos"):
        single("regdb", "data.resize=nearest")
    with pytest.raises(ConfigError, match=r"evaluation\.resize = 'lanczo'.*lanczos"):
        single("regdb", "evaluation.resize=lanczo")
