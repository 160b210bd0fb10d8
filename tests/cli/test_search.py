"""`raydist search`: a tracklet of a file, or frames through the encoder of a run, against a gallery."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from raydist.data.datasets.dataset import read_dataset
from raydist.data.feature_files import read_features, write_features
from raydist.types import FeatureTable, unit_rows


@pytest.fixture(scope="module")
def features(raydist, run_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("search") / "features.parquet"
    assert raydist("embed", run_dir, "--out", out).code == 0
    return out


def expected(table, row, rows):
    """Names and cosines of rows, the most similar first, by a sort of all."""
    similarity = table.features[rows].astype(np.float64) @ table.features[row].astype(np.float64)
    order = np.lexsort((rows, -similarity))
    return table.tracklet_id[rows][order].tolist(), similarity[order]


def test_a_tracklet_of_the_file_meets_the_other_modality(raydist, features):
    table = read_features(features)
    row = 3
    rows = np.flatnonzero(table.modality != table.modality[row])
    names, similarity = expected(table, row, rows)
    result = raydist("search", features, "--query", table.tracklet_id[row], "--top", 7, "--json")
    matches = result.json["matches"]
    assert [match["tracklet_id"] for match in matches] == names[:7]
    assert [match["similarity"] for match in matches] == pytest.approx(similarity[:7], abs=1e-5)
    person = dict(zip(table.tracklet_id.tolist(), table.identity.tolist(), strict=True))
    assert [match["same_person"] for match in matches] == [
        person[name] == table.identity[row] for name in names[:7]
    ]
    assert 0 <= result.json["threshold"]["false_matches"] <= 1
    assert "most similar to" in result.err


def test_filters_and_the_query_itself_are_left_out(raydist, features):
    table = read_features(features)
    camera = table.camera[0]
    words = ["--in-modality", "any", "--in-camera", camera, "--in-split", table.split[0], "--top", 100]
    matches = raydist("search", features, "--query", table.tracklet_id[0], *words, "--json").json["matches"]
    rows = np.flatnonzero((table.camera == camera) & (table.split == table.split[0]))
    assert {match["tracklet_id"] for match in matches} == set(table.tracklet_id[rows[rows != 0]].tolist())


def test_a_large_file_gets_an_index_and_the_same_matches(raydist, tmp_path):
    rng, row = np.random.default_rng(0), np.arange(2200)
    table = FeatureTable(
        unit_rows(rng.normal(size=(len(row), 512)).astype(np.float32)),
        row.astype(str),
        (row % 2).astype(np.int8),
        np.array(["a", "b", "c"])[row % 3],
    )
    write_features(table, tmp_path / "f.parquet")
    words = ["search", tmp_path / "f.parquet", "--query", "8", "--in-camera", "b", "--json"]
    first, second = raydist(*words), raydist(*words)
    assert "f.parquet.index: kept for later searches" in first.err
    assert "index" not in second.err
    rows = row[(row % 2 == 1) & (row % 3 == 1)]
    names, similarity = expected(table, 8, rows)
    for result in (first, second):
        assert [match["tracklet_id"] for match in result.json["matches"]] == names[:20]
        assert [match["similarity"] for match in result.json["matches"]] == pytest.approx(
            similarity[:20], abs=1e-6
        )
    assert first.json == second.json


def test_a_search_in_a_file_needs_no_torch():
    code = "import sys, raydist.cli.search, raydist.cli.search_query; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_matches_of_a_time_alone(raydist, features, tmp_path):
    table = read_features(features)
    time = np.where(np.arange(len(table)) % 4 == 3, np.nan, 1772353800.0 + np.arange(len(table)))
    write_features(replace(table, time=time), tmp_path / "f.parquet")
    words = ["search", tmp_path / "f.parquet", "--query", table.tracklet_id[0], "--in-modality", "any"]
    period = ["--after", "2026-03-01T08:30:05Z", "--before", 1772353809]
    shown = raydist(*words, *period, "--json")
    seconds = {match["tracklet_id"]: match["time"] for match in shown.json["matches"]}
    assert seconds == {table.tracklet_id[row]: time[row] for row in (5, 6, 8)}
    assert shown.json["query"].endswith(", 2026-03-01 08:30:00Z)")
    text = raydist(*words, "--top", 100).out
    assert "2026-03-01 08:30:08Z" in text
    assert len(raydist(*words, "--top", 100, "--json").json["matches"]) == len(table) - 1


def test_without_times_there_is_no_column_and_no_filter(raydist, features):
    query = read_features(features).tracklet_id[0]
    shown = raydist("search", features, "--query", query)
    assert "time" not in shown.out.split("similarity")[0].split("camera")[-1]
    assert raydist("search", features, "--query", query, "--json").json["matches"][0]["time"] is None
    refused = raydist("search", features, "--query", query, "--after", 0)
    assert (refused.code, "do not say when their tracklets begin" in refused.err) == (2, True)


@pytest.mark.parametrize("threshold", ["nan", "2", "-7", "inf"])
def test_a_threshold_is_a_similarity(raydist, features, threshold):
    query = read_features(features).tracklet_id[0]
    refused = raydist("search", features, "--query", query, "--threshold", threshold)
    assert (refused.code, "expected a similarity from -1 to 1" in refused.err) == (2, True)


def test_a_threshold_cuts_the_list_and_says_how_often_it_is_wrong(raydist, features):
    table = read_features(features)
    result = raydist("search", features, "--query", table.tracklet_id[0], "--threshold", "1", "--json")
    assert result.json["matches"] == []
    assert result.json["threshold"] == {"similarity": 1.0, "false_matches": 0.0, "missed": 1.0}
    assert "no tracklet is as similar" in result.err


def test_without_identities_nothing_is_said_of_errors(raydist, features, tmp_path):
    table = read_features(features)
    unknown = type(table)(table.features, table.tracklet_id, table.modality, table.camera)
    write_features(unknown, tmp_path / "f.parquet")
    result = raydist("search", tmp_path / "f.parquet", "--query", table.tracklet_id[0], "--json")
    assert result.json["threshold"] is None
    assert {match["same_person"] for match in result.json["matches"]} == {None}
    assert "not known" in result.err


@pytest.mark.parametrize("as_folder", [True, False])
def test_frames_of_ones_own_find_their_own_tracklet(raydist, run_dir, features, smoke_root, as_folder):
    table, _ = read_dataset("hitsz_vcm", smoke_root)
    row = int(np.flatnonzero(table.split == "gallery")[0])
    paths = [table.root / path for path in table.table["frames"][row].as_py()]
    given = [paths[0].parent] if as_folder else paths
    words = ["--modality", "visible", "--in-modality", "any", "--gallery", features, "--json"]
    first = raydist("search", run_dir, "--frames", *given, *words).json["matches"][0]
    assert first["tracklet_id"] == table.tracklet_id[row]
    assert first["similarity"] == pytest.approx(1, abs=1e-5)
    own = raydist("search", run_dir, "--frames", *given, *words[:4], "--json").json["matches"][0]
    assert own["tracklet_id"] == table.tracklet_id[row]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give --query TRACKLET_ID with features"),
        (["--query", "test/0001"], "no tracklet 'test/0001': did you mean"),
        (["--query", "QUERY", "--in-camera", "D77"], "no camera 'D77'"),
        (
            ["--query", "QUERY", "--modality", "visible"],
            "--modality: --query looks for a tracklet of the file",
        ),
        (["--query", "QUERY", "--after", "noon"], "--after: 'noon': expected seconds, or a date and time"),
        (
            ["--query", "QUERY", "--after", "20260301"],
            "--after: '20260301': for a day write 2026-03-01, for seconds 20260301.0",
        ),
        (["--query", "QUERY", "--before", ""], "--before: '': expected seconds, or a date and time"),
        (["--frames", "a.jpg"], "--modality visible or --modality infrared: frames do not say it"),
    ],
)
def test_what_cannot_be_is_one_line(raydist, features, words, message):
    query = read_features(features).tracklet_id[0]
    result = raydist("search", features, *[query if word == "QUERY" else word for word in words])
    assert result.code == 2
    assert message in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_a_run_is_no_file_of_features(raydist, run_dir):
    result = raydist("search", run_dir, "--query", "test/0001")
    assert result.code == 2
    assert "is a folder, and --query looks in a file of features" in result.err


@pytest.mark.parametrize("kind", ["of another width", "of other weights"])
def test_a_gallery_of_another_encoder_is_refused(
    raydist, run_dir, people, features, smoke_root, tmp_path, kind
):
    others = people if kind == "of another width" else replace(read_features(features), encoder="0" * 64)
    write_features(others, tmp_path / "f.parquet")
    frame = next(smoke_root.rglob("*.jpg"))
    words = ["--modality", "visible", "--gallery", tmp_path / "f.parquet"]
    result = raydist("search", run_dir, "--frames", frame, *words)
    assert result.code == 3
    assert "embed again: raydist embed" in result.err
