"""A run whose data or configuration change before it goes on, changed for real."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raydist.announcements import listening
from raydist.data.tracklets import TrackletTable
from raydist.engine.earlier import Earlier
from raydist.engine.inputs import open_inputs, read_tracklets
from raydist.engine.origin import ORIGIN
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config, with_values
from raydist.engine.state import build_state
from raydist.engine.tracklet_rows import TRACKLETS
from raydist.errors import CheckpointError, ConfigError, DataError
from raydist.home import cache_folder
from raydist.tracking.tracker import NoTracker

QUICK = ("train.iterations=1", "train.batch_identities=3", "train.batch_instances=2", "evaluation.every=1")
Rows = list[dict]


@dataclass(frozen=True)
class Stopped:
    """A run on a manifest that was stopped after its second epoch of three.

    Attributes:
        root: of the manifest.
        rows: of the manifest.
        config: of the run.
        folder: of the run that was stopped.
        quiet: what the run ends with that was not stopped.
    """

    root: Path
    rows: Rows
    config: Config
    folder: Path
    quiet: dict[str, object]

    def copy(self, to: Path) -> RunFolder:
        """A copy of the folder, to go on with."""
        return RunFolder(Path(shutil.copytree(self.folder, to / "run")))

    def at(self, root: Path, *words: tuple[str, object]) -> Config:
        """The configuration of the run with other data, or other values."""
        values = [("data.root", str(root / "manifest.parquet")), *words]
        return with_values(self.config, [(tuple(path.split(".")), value) for path, value in values])


def write(root: Path, rows: Rows, *, of: Path) -> Path:
    """A manifest of these rows with its frames, which are those of another one."""
    if not root.exists():
        shutil.copytree(of, root)
    pq.write_table(pa.Table.from_pylist(rows), root / "manifest.parquet")
    return root


def go_on(config: Config, folder: RunFolder, *, until: int | None = None) -> RunFolder:
    """Train to the end, or stop after an epoch."""

    def stop(report):
        if report.epoch == until:
            raise KeyboardInterrupt

    state = build_state(config, open_inputs(config, cache_folder()))
    train_run(state, folder, NoTracker(), after_epoch=stop)
    return folder


@pytest.fixture(scope="module")
def stopped(smoke, smoke_inputs, tmp_path_factory, outcome) -> Stopped:
    home = tmp_path_factory.mktemp("earlier")
    table: TrackletTable = read_tracklets(smoke().data, cache_folder())[1]
    columns = ("tracklet_id", "split", "modality", "camera", "frames", "identity")
    rows = table.table.select(columns).to_pylist()
    root = write(home / "data", rows, of=table.root)
    config = smoke(*QUICK, "data.name=manifest", f"data.root={root}/manifest.parquet")
    folders = [RunFolder.create(home, name, "x") for name in ("quiet", "stopped")]
    for folder in folders:
        folder.write("config.yaml", config.dump())
    quiet = outcome(go_on(config, folders[0]))
    with pytest.raises(KeyboardInterrupt):
        go_on(config, folders[1], until=2)
    return Stopped(root, rows, config, folders[1].path, quiet)


def first(rows: Rows, split: str = "train") -> int:
    return next(number for number, row in enumerate(rows) if row["split"] == split)


def removed(rows: Rows, root: Path) -> Rows:
    return [row for number, row in enumerate(rows) if number != first(rows)]


def doubled(rows: Rows, root: Path) -> Rows:
    return [*rows, rows[first(rows)] | {"tracklet_id": "again"}]


def reversed_rows(rows: Rows, root: Path) -> Rows:
    return rows[::-1]


def reversed_frames(rows: Rows, root: Path) -> Rows:
    chosen = rows[first(rows)]
    return [row | {"frames": row["frames"][::-1]} if row is chosen else row for row in rows]


def renamed(rows: Rows, root: Path) -> Rows:
    chosen = rows[first(rows)]
    return [row | {"tracklet_id": "other"} if row is chosen else row for row in rows]


def inverted(rows: Rows, root: Path) -> Rows:
    for path in rows[first(rows)]["frames"] + rows[first(rows, "query")]["frames"]:
        cv2.imwrite(str(root / path), 255 - cv2.imread(str(root / path)))
    return rows


def without_a_query(rows: Rows, root: Path) -> Rows:
    return [row for number, row in enumerate(rows) if number != first(rows, "query")]


def other_identity(rows: Rows, root: Path) -> Rows:
    chosen = rows[first(rows, "query")]
    return [row | {"identity": 9999} if row is chosen else row for row in rows]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (removed, r"1 training tracklet is gone: {train}$"),
        (doubled, r"1 training tracklet is new: again$"),
        (reversed_rows, r"the query or gallery tracklets stand in another order$"),
        (reversed_frames, r"1 training tracklet has other frames: {train}$"),
        (renamed, r"1 training tracklet has other ids: {train} is now other$"),
        (inverted, r"other frames: {train}\n1 query or gallery tracklet has other frames: {query}$"),
        (without_a_query, r"1 query or gallery tracklet is gone: {query}$"),
        (other_identity, r"1 query or gallery tracklet has other identities: {query} \d+ -> 9999$"),
    ],
)
@pytest.mark.parametrize("cache", ["auto", "off"])
def test_other_data_are_refused_with_what_has_changed(
    stopped, tmp_path, change: Callable[[Rows, Path], Rows], message: str, cache: str, outcome
):
    root = write(tmp_path / "data", stopped.rows, of=stopped.root)
    write(root, change(stopped.rows, root), of=root)
    config = stopped.at(root, ("data.cache", cache))
    folder = stopped.copy(tmp_path)
    earlier, inputs = Earlier.open(folder.path), open_inputs(config, cache_folder())
    earlier.require_config(config)
    names = {split: stopped.rows[first(stopped.rows, split)]["tracklet_id"] for split in ("train", "query")}
    with pytest.raises(DataError, match=message.format(**names)) as caught:
        earlier.require_data(config, inputs)
    assert str(caught.value).startswith(
        f"the checkpoint of epoch 2 of {folder.path} was made with other data; give the data as they were"
    )
    before = outcome(folder)
    with pytest.raises(DataError, match="was made with other data"):
        go_on(config, folder)  # the workers refuse it too, if the data change later
    assert outcome(folder) == before


def test_training_rows_in_another_order_give_the_same_bytes(stopped, tmp_path, outcome):
    """The order of the file has no influence on the training, so it may change."""
    training = [row for row in stopped.rows if row["split"] == "train"]
    rows = training[::-1] + [row for row in stopped.rows if row["split"] != "train"]
    root = write(tmp_path / "data", rows, of=stopped.root)
    folder, config = stopped.copy(tmp_path), stopped.at(root)
    Earlier.open(folder.path).require_data(config, open_inputs(config, cache_folder()))
    assert outcome(go_on(config, folder)) == stopped.quiet


def test_moved_data_more_threads_and_no_cache_give_the_same_bytes(stopped, tmp_path, outcome):
    root = write(tmp_path / "moved", stopped.rows, of=stopped.root)
    config = stopped.at(root, ("data.workers", 3), ("data.cache", "off"), ("memory.shard_mb", 9))
    folder = stopped.copy(tmp_path)
    earlier = Earlier.open(folder.path)
    earlier.require_config(config)
    earlier.require_data(config, open_inputs(config, cache_folder()))
    assert outcome(go_on(config, earlier.go_on(config))) == stopped.quiet
    assert folder.config() == stopped.at(root)  # where the data are now, and not what was for one command


def test_without_its_rows_the_numbers_of_tracklets_are_said(stopped, tmp_path):
    root = write(tmp_path / "data", removed(stopped.rows, stopped.root), of=stopped.root)
    folder, config = stopped.copy(tmp_path), stopped.at(root)
    inputs, num_rows = open_inputs(config, cache_folder()), sum(r["split"] == "train" for r in stopped.rows)
    for content in (
        b"\xff",
        b"split\n",
        (folder.path / TRACKLETS).read_bytes().replace(b"visible", b"x"),
        None,
    ):
        (folder.path / TRACKLETS).unlink()
        if content is not None:
            (folder.path / TRACKLETS).write_bytes(content)
        with pytest.raises(DataError, match=f"training tracklets: {num_rows} before, {num_rows - 1} today"):
            Earlier.open(folder.path).require_data(config, inputs)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"run.seed": 1}, "run.seed: 0 -> 1"),
        ({"train.lr": 0.5}, "train.lr: 0.002 -> 0.5"),
        ({"method": {"name": "dcl"}}, "method.name: 'cba' -> 'dcl'"),
        ({"train.epochs": 2}, "train.epochs: 3 -> 2"),
    ],
)
def test_another_configuration_is_refused_on_the_command_line_and_by_hand(stopped, tmp_path, values, line):
    folder = stopped.copy(tmp_path)
    raw = stopped.config.model_dump(mode="json")
    for path, value in values.items():
        section, _, key = path.partition(".")
        raw[section] = raw[section] | {key: value} if key else value
    config = Config.model_validate(raw)
    with pytest.raises(ConfigError, match=r"^a resumed run keeps its configuration") as caught:
        Earlier.open(folder.path).require_config(config)
    assert str(caught.value).endswith(f"differ:\n{line}")
    folder.write("config.yaml", config.dump())
    with pytest.raises(
        ConfigError, match=r"^the checkpoint of epoch 2 of .* another configuration"
    ) as caught:
        Earlier.open(folder.path).require_config(folder.config())
    assert str(caught.value).endswith(f"start a new run:\n{line}")
    if "train.epochs" not in values:
        with pytest.raises(ConfigError, match=r"^the checkpoint was made with another configuration"):
            go_on(folder.config(), folder)


def test_more_epochs_belong_to_the_last_stage(stopped, tmp_path, outcome):
    """As if the run had begun with the longer last stage, which had not begun when it was stopped."""
    config = stopped.at(stopped.root, ("train.epochs", 5))
    folder = stopped.copy(tmp_path)
    Earlier.open(folder.path).require_config(config)
    assert Earlier.open(folder.path).is_longer(config)
    longer = outcome(go_on(config, Earlier.open(folder.path).go_on(config)))
    assert folder.config().train.epochs == 5
    assert longer["state"]["stages"] == [1, 1, 3]

    state = build_state(config, open_inputs(config, cache_folder()))
    assert list(state.plan.epochs) != [1, 1, 3]
    state.plan = replace(state.plan, epochs=[1, 1, 3])
    whole = RunFolder.create(tmp_path, "whole", "x")
    train_run(state, whole, NoTracker(), after_epoch=lambda report: None)
    assert outcome(whole) == longer


def test_a_run_that_has_ended_goes_on_with_more_epochs(stopped, tmp_path):
    folder = go_on(stopped.config, stopped.copy(tmp_path))
    rows = folder.metrics.rows()
    config = stopped.at(stopped.root, ("train.epochs", 4))
    assert not Earlier.open(folder.path).is_longer(stopped.config)
    go_on(config, Earlier.open(folder.path).go_on(config), until=None)
    assert folder.summary().epochs == 4
    assert folder.metrics.rows()[:-1] == rows
    assert not Earlier.open(folder.path).is_longer(folder.config())


def test_one_that_is_stopped_while_it_goes_on_is_not_taken_for_ended(stopped, tmp_path):
    folder = go_on(stopped.config, stopped.copy(tmp_path))
    config = stopped.at(stopped.root, ("train.epochs", 5))
    Earlier.open(folder.path).go_on(config)
    assert folder.summary() is None
    with pytest.raises(KeyboardInterrupt):
        go_on(config, folder, until=4)
    assert folder.summary() is None
    assert go_on(folder.config(), folder).summary().epochs == 5


def as_of_0_4_0(folder: RunFolder) -> RunFolder:
    """The newest checkpoint as an earlier version wrote it."""
    epoch, files = folder.checkpoints.newest()
    facts = json.loads(files["state.json"])
    del files[ORIGIN], facts["stages"]
    folder.checkpoints.write(epoch, files | {"state.json": json.dumps(facts).encode()})
    (folder.path / TRACKLETS).unlink()
    return folder


def test_a_checkpoint_of_an_earlier_version_goes_on_with_a_note(stopped, tmp_path, outcome):
    folder, said = as_of_0_4_0(stopped.copy(tmp_path)), []
    earlier, inputs = Earlier.open(folder.path), open_inputs(stopped.config, cache_folder())
    earlier.require_config(stopped.config)
    with listening(said.append):
        earlier.require_data(stopped.config, inputs)
        assert len(said) == 1
        assert "is of an earlier version and does not say what it belongs to" in said[0]
        assert outcome(go_on(stopped.config, earlier.go_on(stopped.config))) == stopped.quiet
        Earlier.open(folder.path).require_data(stopped.config, inputs)
    assert len(said) == 1  # the checkpoints since then do say


@pytest.mark.parametrize(
    ("word", "line"),
    [(("train.epochs", 4), "train.epochs: 3 -> 4"), (("data.mismatch", "error"), "data.mismatch: ")],
)
def test_such_a_run_keeps_its_length_and_its_data(stopped, tmp_path, word, line):
    folder = as_of_0_4_0(stopped.copy(tmp_path))
    with pytest.raises(ConfigError, match=f"differ:\n{line}"):
        Earlier.open(folder.path).require_config(stopped.at(stopped.root, word))
    Earlier.open(folder.path).require_config(stopped.at(stopped.root, ("data.workers", 7)))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"config": 3, "data": {}}', b"\xff"])
def test_a_damaged_origin_is_an_error_of_the_project(stopped, tmp_path, content):
    folder = stopped.copy(tmp_path)
    epoch, files = folder.checkpoints.newest()
    folder.checkpoints.write(epoch, files | {ORIGIN: content})
    with pytest.raises(CheckpointError, match=rf"{ORIGIN} of the checkpoint is damaged"):
        Earlier.open(folder.path)


def test_a_run_without_a_checkpoint_may_become_longer_and_have_other_data(stopped, tmp_path):
    folder = stopped.copy(tmp_path)
    shutil.rmtree(folder.path / "checkpoints")
    root = write(tmp_path / "data", removed(stopped.rows, stopped.root), of=stopped.root)
    config = stopped.at(root, ("train.epochs", 4))
    earlier = Earlier.open(folder.path)
    earlier.require_config(config)
    earlier.require_data(config, open_inputs(config, cache_folder()))
    assert earlier.go_on(config).config() == config
