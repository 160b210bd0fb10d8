import numpy as np
import pytest

from raydist.data.frames.ranges import Ranges
from raydist.engine.inputs import open_inputs
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.state import build_state
from raydist.engine.trained import Trained
from raydist.errors import ConfigError
from raydist.home import cache_folder
from raydist.tracking.tracker import NoTracker

ONE_STEP = (
    "data.height=32",
    "data.width=16",
    "train.limit_epochs=1",
    "train.iterations=1",
)


@pytest.fixture
def run(smoke, thermal_set, tmp_path, monkeypatch):
    """`run(*words)` trains on the thermal set, as the driver and a worker do, and gives the run's folder."""
    monkeypatch.setenv("RAYDIST_HOME", str(tmp_path / "home"))
    manifest = thermal_set(frames=4)

    def make(*words):
        config = smoke("data.name=manifest", f"data.root={manifest}", *ONE_STEP, *words)
        inputs = open_inputs(config, cache_folder())
        config = config.model_copy(update={"data": inputs.data})
        folder = RunFolder.create(tmp_path / "runs", None, "x")
        folder.write("config.yaml", config.dump())
        train_run(build_state(config, inputs), folder, NoTracker(), after_epoch=lambda report: None)
        return folder.path

    return make


def test_other_data_is_seen_in_the_range_that_was_measured_on_training_data(run, thermal_set):
    path = run("data.range.infrared=[5%,95%]")
    kept = RunFolder.open(path).config().data.range
    low, high = kept["infrared"]
    assert 7400 <= low < high <= 8400
    other = thermal_set("other", frames=2, cameras=("a", "b"))
    trained = Trained.load(path, [f"data.root={other}"], sections=("data",))
    table = trained.tracklets()
    assert set(table.camera) == {"a", "b"}
    assert trained.config.data.range == kept
    store = trained.frames(table)
    rows, first = np.arange(len(table)), np.zeros((len(table), 1), np.int64)
    pixels = store.read(rows, first)[table.modality == 1]
    assert len(np.unique(pixels)) > 100
    (features,) = trained.features(table)
    assert len(features) == len(table)


def test_the_command_line_may_name_cameras_of_the_data_or_of_the_run(run, thermal_set):
    path, other = run("data.range.ir3=[7400,8400]"), thermal_set("other", cameras=("a", "b"))
    words = [f"data.root={other}", "data.range.b=[7400,8000]"]
    ranges = Ranges.of(Trained.load(path, words, sections=("data",)).config.data.range)
    assert set(ranges.entries) == {"ir3", "b"}
    Trained.load(path, words, sections=("data",)).tracklets()
    for word, message in (
        ("data.range.c=[1,2]", "there are: a, b, infrared, ir3"),
        ("data.range.b=[1%,9%]", "give numbers"),
    ):
        trained = Trained.load(path, [f"data.root={other}", word], sections=("data",))
        with pytest.raises(ConfigError, match=message):
            trained.frames(trained.tracklets())


def test_damaged_frames_are_left_out_of_features(run, thermal_set, caplog):
    path, other = (
        run("data.unreadable=skip", "data.range.infrared=[7400,8400]"),
        thermal_set("other", frames=2),
    )
    text = other.read_text().replace("|ir3/5-1/1.png", "")
    other.write_text(text)
    (other.parent / "ir3/5-1/0.png").write_bytes(b"")
    (other.parent / "ir3/6-1/0.png").write_bytes(b"")
    trained = Trained.load(path, [f"data.root={other}"], sections=("data",))
    table = trained.tracklets()
    blocks = list(trained.features(table, rows_at_once=5))
    names = np.concatenate([block.tracklet_id for block in blocks])
    assert names.tolist() == [name for name in table.tracklet_id.tolist() if name != "ir3-5-1"]
    assert "frames left out because they cannot be read: 2; tracklets left out" in caplog.text
