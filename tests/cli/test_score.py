from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raydist.data.datasets.dataset import read_dataset
from raydist.data.feature_files import write_features
from raydist.evaluation import ranking
from raydist.evaluation.protocols import find_protocol
from raydist.evaluation.registry import PROTOCOLS
from raydist.evaluation.retrieval import evaluate
from raydist.types import FeatureTable, Modality

DIRECTIONS = {"infrared_to_visible", "visible_to_infrared"}


def test_the_measures_are_those_of_the_library(raydist, features, people):
    result = raydist("score", features, "--protocol", "hitsz_vcm", "--json")
    assert result.code == 0
    expected = evaluate(people, "hitsz_vcm")
    assert set(result.json["retrieval"]) == DIRECTIONS
    for direction, values in result.json["retrieval"].items():
        assert values | expected[direction].to_dict() == values
        assert values["chance_map"] == expected[direction].chance_map


@pytest.mark.parametrize("protocol", ["sysu_mm01", "sysu_mm01_indoor", "regdb", "llcm"])
def test_single_images_are_scored_by_their_protocols(raydist, image_set, tmp_path, protocol):
    name = protocol.removesuffix("_indoor")
    rows, _ = read_dataset(name, image_set(name))
    people, person = np.unique(rows.identity, return_inverse=True)
    one_hot = np.eye(len(people), dtype=np.float32)[person]
    columns = (rows.tracklet_id, rows.modality, rows.camera, rows.identity, rows.split)
    write_features(FeatureTable(one_hot, *columns), tmp_path / "f.parquet")
    result = raydist("score", tmp_path / "f.parquet", "--protocol", protocol, "--json")
    assert result.code == 0
    assert {
        result.json["retrieval"][direction][m] for direction in DIRECTIONS for m in ("rank1", "map", "minp")
    } == {100.0}
    others = {"sysu_mm01": ["sysu_mm01_indoor"], "sysu_mm01_indoor": ["sysu_mm01"]}.get(protocol, [])
    assert list(result.json["searches"]) == others
    for one in (protocol, *others):
        assert f"protocol {one}: {find_protocol(one).rule[:20]}" in result.err
        assert f"{tmp_path / 'f.parquet'}, protocol {one}, percent" in result.err
    for scores in result.json["searches"].values():
        assert {scores[direction]["map"] for direction in DIRECTIONS} == {100.0}


@pytest.mark.ray
def test_workers_change_no_score(raydist, features, monkeypatch):
    """On a cluster of the command's own, in many blocks."""
    monkeypatch.setattr(ranking, "SIMILARITIES_AT_ONCE", 500)
    words = ("score", features, "--protocol", "hitsz_vcm", "--json")
    alone, shared = raydist(*words), raydist(*words, "--workers", 2)
    assert alone.code == shared.code == 0
    assert shared.out == alone.out
    assert shared.err.removeprefix("starting Ray on this machine\n") == alone.err


@pytest.mark.parametrize("workers", [-1, "two"])
@pytest.mark.parametrize("command", ["score", "evaluate"])
def test_workers_that_are_no_number_from_0_are_bad_usage(raydist, features, command, workers):
    words = ("--protocol", "plain") if command == "score" else ()
    result = raydist(command, features, *words, "--workers", workers)
    assert result.code == 2
    assert "Invalid value for '--workers'" in result.err


@pytest.mark.ray
def test_more_workers_than_there_are_cpus_are_refused_in_one_line(raydist, features):
    result = raydist("score", features, "--protocol", "plain", "--workers", 65_536)
    assert result.code == 2
    assert result.err.splitlines()[-1].startswith(
        "error: --workers 65536 needs 65,536 CPUs; the cluster has "
    )


def test_json_leaves_one_line_on_stdout_and_tables_go_elsewhere(raydist, features):
    with_json, without = (
        raydist("score", features, "--protocol", "plain", *more) for more in (["--json"], [])
    )
    assert len(with_json.out.splitlines()) == 1
    assert "infrared -> visible" in with_json.err
    assert "infrared -> visible" in without.out
    assert "random order" in without.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.take(t.modality == Modality.INFRARED), "gallery"),
        (
            lambda t: replace(t, split=np.where(t.modality == Modality.INFRARED, "query", "train")),
            "no row has split 'gallery'",
        ),
        (lambda t: replace(t, modality=np.zeros_like(t.modality)), "needs both modalities"),
        (lambda t: replace(t, identity=np.arange(len(t))), "people who are in both"),
        (lambda t: replace(t, identity=None), "none of the query and gallery tracklets has an identity"),
        (lambda t: replace(t, split=None), "no split"),
    ],
)
def test_features_that_cannot_be_ranked_are_bad_data(raydist, people, tmp_path, change, message):
    write_features(change(people), tmp_path / "bad.parquet")
    result = raydist("score", tmp_path / "bad.parquet", "--protocol", "plain")
    assert result.code == 3
    assert f"error: {tmp_path / 'bad.parquet'}: " in result.err
    assert message in result.err


@pytest.mark.parametrize("command", ["cluster", "score"])
def test_bad_features_are_bad_data_and_their_file_and_rows_are_named(raydist, people, tmp_path, command):
    file = tmp_path / "bad.parquet"
    write_features(people, file)
    stored = pq.read_table(file)
    vectors = people.features.copy()
    vectors[7], vectors[9] = np.nan, 2.0
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    pq.write_table(stored.set_column(stored.column_names.index("feature"), "feature", column), file)
    words = ["--protocol", "plain"] if command == "score" else ["--out", tmp_path / "labels.parquet"]
    result = raydist(command, file, *words)
    assert result.code == 3
    for line in (str(file), "NaN, infinite or huge in row 7", "another length than 1 in row 9"):
        assert line in result.err
    assert not (tmp_path / "labels.parquet").exists()


def test_queries_without_a_match_are_told(raydist, people, tmp_path):
    identity = np.where((people.identity == 0) & (people.modality == Modality.VISIBLE), 999, people.identity)
    write_features(replace(people, identity=identity), tmp_path / "f.parquet")
    result = raydist("score", tmp_path / "f.parquet", "--protocol", "plain")
    assert "infrared to visible: 3 queries have no match" in result.err


def test_a_file_that_is_no_parquet_is_bad_data(raydist, tmp_path):
    (tmp_path / "f.parquet").write_text("tracklet_id,label\n")
    result = raydist("score", tmp_path / "f.parquet", "--protocol", "plain")
    assert result.code == 3
    assert "Parquet" in result.err


def test_an_unknown_protocol_is_answered_with_the_nearest(raydist, features):
    result = raydist("score", features, "--protocol", "hitsz")
    assert result.code == 2
    assert result.err.startswith("error: --protocol = 'hitsz': did you mean 'hitsz_vcm'")


def test_without_a_protocol_all_are_listed_with_a_line_each(raydist, features):
    result = raydist("score", features)
    assert result.code == 2
    first, *lines = result.err.splitlines()
    assert first == "error: which protocol? give one of"
    assert [line.split()[:2] for line in lines] == [["--protocol", name] for name in PROTOCOLS]
    assert all(len(line) < 110 and len(line.split()) > 3 for line in lines)
