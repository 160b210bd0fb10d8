import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raydist.cli.embed import write_blocks
from raydist.data.datasets.dataset import read_dataset
from raydist.data.feature_files import read_features
from raydist.engine import extraction, trained


@pytest.fixture(scope="module")
def embedded(raydist, run_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("embedded") / "new" / "all.parquet"
    return raydist("embed", run_dir, "--out", out, "--json"), out


def test_all_tracklets_are_there_in_the_order_of_the_table(embedded, smoke_root):
    result, out = embedded
    written, (table, _) = read_features(out), read_dataset("hitsz_vcm", smoke_root)
    for column in ("tracklet_id", "modality", "camera", "identity", "split"):
        assert np.array_equal(getattr(written, column), getattr(table, column))
    assert (result.json["rows"], result.json["width"]) == written.features.shape
    assert list(out.parent.iterdir()) == [out]


def test_scored_features_give_the_scores_of_the_run(raydist, embedded, run_dir):
    scored = raydist("score", embedded[1], "--protocol", "hitsz_vcm", "--json").json
    judged = raydist("evaluate", run_dir, "--json").json
    for direction, values in judged["retrieval"].items():
        assert scored["retrieval"][direction] == pytest.approx(values)


@pytest.mark.parametrize("split", ["train", "query", "gallery"])
def test_a_split_is_that_part_of_all(raydist, run_dir, embedded, tmp_path, split):
    assert raydist("embed", run_dir, "--split", split, "--out", tmp_path / "f.parquet").code == 0
    written, whole = read_features(tmp_path / "f.parquet"), read_features(embedded[1])
    assert np.array_equal(written.tracklet_id, whole.tracklet_id[whole.split == split])
    assert np.allclose(written.features, whole.features[whole.split == split], atol=1e-5)


def test_small_blocks_change_nothing(raydist, run_dir, embedded, tmp_path, monkeypatch, smoke_root):
    model = trained.Trained.load(run_dir, None, sections=())
    table, _ = read_dataset("hitsz_vcm", smoke_root)
    write_blocks(model.features(table, rows_at_once=7), tmp_path / "f.parquet")
    assert np.allclose(
        read_features(tmp_path / "f.parquet").features, read_features(embedded[1]).features, atol=1e-5
    )


@pytest.mark.parametrize(("workers", "at_once"), [(1, 256), (2, 8)])
def test_actors_give_the_same_features_in_the_same_order(
    raydist, run_dir, embedded, tmp_path, monkeypatch, workers, at_once
):
    """In one block, and in many."""
    monkeypatch.setattr(extraction, "CLIPS_AT_ONCE", at_once)
    out = tmp_path / "f.parquet"
    result = raydist("embed", run_dir, "--workers", workers, "--out", out, "--json")
    assert result.code == 0, result.err
    written, whole = read_features(out), read_features(embedded[1])
    for column in ("tracklet_id", "modality", "camera", "identity", "split"):
        assert np.array_equal(getattr(written, column), getattr(whole, column))
    assert np.allclose(written.features, whole.features, atol=1e-5)
    assert written.encoder == whole.encoder
    assert result.json["rows"] == len(whole)


def test_a_failure_in_a_later_block_leaves_the_old_file(people, tmp_path):
    out = tmp_path / "f.parquet"
    write_blocks(iter([people]), out)

    def broken():
        yield people.take(np.arange(3))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_blocks(broken(), out)
    assert len(read_features(out)) == len(people)
    assert list(tmp_path.iterdir()) == [out]


def test_ranked_frames_are_resized_as_the_evaluation_says(raydist, run_dir, embedded, smoke_root, tmp_path):
    out = tmp_path / "f.parquet"
    on = ("data.name=hitsz_vcm", f"data.root={smoke_root}")

    def features(*words):
        assert raydist("embed", run_dir, "--split", "query", "--out", out, *on, *words).code == 0
        return read_features(out).features

    whole = read_features(embedded[1])
    smaller = "data.height=24"
    area, lanczos = features(smaller), features(smaller, "evaluation.resize=lanczos")
    assert np.allclose(lanczos, features(smaller, "data.resize=lanczos"), atol=1e-6)
    assert np.abs(area - lanczos).max() > 1e-4
    assert np.allclose(features("evaluation.resize=area"), whole.features[whole.split == "query"], atol=1e-5)


def test_only_the_data_can_be_changed(raydist, run_dir, tmp_path):
    result = raydist("embed", run_dir, "evaluation.protocol=plain", "--out", tmp_path / "f.parquet")
    assert result.code == 2
    assert "only data.* and evaluation.resize can be changed" in result.err


def test_identities_that_are_text_are_written_too(raydist, run_dir, embedded, smoke_root, tmp_path):
    table = read_dataset("hitsz_vcm", smoke_root)[0].table
    texts = pa.array([None if one is None else f"p{one}" for one in table["identity"].to_pylist()])
    named = table.set_column(table.column_names.index("identity"), "identity", texts)
    pq.write_table(named, tmp_path / "own.parquet")
    data = ("data.name=manifest", f"data.root={tmp_path}/own.parquet", f"data.frames_root={smoke_root}")
    result = raydist("embed", run_dir, *data, "--out", tmp_path / "f.parquet")
    assert result.code == 0
    assert pq.read_table(tmp_path / "f.parquet")["identity_name"].to_pylist() == texts.to_pylist()
    written, whole = read_features(tmp_path / "f.parquet"), read_features(embedded[1])
    assert np.array_equal(written.features, whole.features)
    assert "identity_name" not in pq.read_table(embedded[1]).column_names


def test_times_of_a_manifest_come_along(raydist, run_dir, embedded, smoke_root, tmp_path):
    table = read_dataset("hitsz_vcm", smoke_root)[0].table
    seconds = [None if row % 3 == 0 else 100.0 + row for row in range(len(table))]
    pq.write_table(table.append_column("time", pa.array(seconds)), tmp_path / "own.parquet")
    data = ("data.name=manifest", f"data.root={tmp_path}/own.parquet", f"data.frames_root={smoke_root}")
    assert raydist("embed", run_dir, *data, "--out", tmp_path / "f.parquet").code == 0
    assert pq.read_table(tmp_path / "f.parquet")["time"].to_pylist() == seconds
    assert np.array_equal(read_features(tmp_path / "f.parquet").features, read_features(embedded[1]).features)
    assert "time" not in pq.read_table(embedded[1]).column_names


def test_cameras_whose_grey_levels_are_lost_are_warned_of(raydist, run_dir, thermal_set, tmp_path):
    words = (
        "embed",
        run_dir,
        "--out",
        tmp_path / "f.parquet",
        "data.name=manifest",
        f"data.root={thermal_set()}",
    )
    undeclared, declared = raydist(*words, "--json"), raydist(*words, "data.range.ir3=[7400,8400]")
    assert (undeclared.code, declared.code, undeclared.json["rows"]) == (0, 0, 28)
    assert "warning: camera ir3" in undeclared.err
    assert "warning" not in declared.err


@pytest.mark.parametrize("command", ["embed", "evaluate"])
def test_a_range_that_leaves_one_grey_level_is_bad_data(raydist, run_dir, thermal_set, tmp_path, command):
    out = ("--out", tmp_path / "f.parquet") if command == "embed" else ()
    data = ("data.name=manifest", f"data.root={thermal_set()}", "data.range.infrared=[0,100]")
    result = raydist(command, run_dir, *out, *data)
    assert result.code == 3
    assert "keep 1 grey level in their declared range" in result.err
    assert "with data.range.ir3=[74" in result.err
    assert not (tmp_path / "f.parquet").exists()


def test_a_checkpoint_is_named_in_either_way_and_said(raydist, run_dir, embedded, tmp_path):
    last = embedded[0].json["epoch"]
    ways = {
        "at": (f"{run_dir}@{last - 1}",),
        "apart": (run_dir, "--checkpoint", last - 1),
        "both": (f"{run_dir}@{last - 1}", "--checkpoint", last - 1),
    }
    written = {}
    for name, words in ways.items():
        result = raydist("embed", *words, "--out", tmp_path / f"{name}.parquet", "--json")
        assert (result.json["epoch"], result.json["checkpoint"]) == (last - 1, str(last - 1))
        assert f"after epoch {last - 1} of {last}\n" in result.err
        written[name] = read_features(tmp_path / f"{name}.parquet").features
    assert np.array_equal(written["at"], written["apart"])
    assert np.array_equal(written["at"], written["both"])
    whole = read_features(embedded[1]).features
    assert not np.allclose(written["at"], whole, atol=1e-3)
    assert embedded[0].json["checkpoint"] == "last"
    result = raydist("embed", run_dir, "--checkpoint", "last", "--out", tmp_path / "last.parquet")
    assert result.code == 0, result.err
    assert np.array_equal(read_features(tmp_path / "last.parquet").features, whole)


def test_two_checkpoints_are_bad_usage(raydist, run_dir, tmp_path):
    result = raydist("embed", f"{run_dir}@best", "--checkpoint", "last", "--out", tmp_path / "f.parquet")
    assert result.code == 2
    assert result.err.startswith(f"error: {run_dir}@best and --checkpoint last name two checkpoints")
    assert len(result.err.splitlines()) == 1
    assert not (tmp_path / "f.parquet").exists()


def test_runs_on_all_splits_are_refused_with_the_name_of_one(raydist, splits_dir, tmp_path):
    result = raydist("embed", splits_dir, "--out", tmp_path / "f.parquet")
    assert result.code == 2
    assert f"name one of them, such as {splits_dir / 'trial_01'}" in result.err
