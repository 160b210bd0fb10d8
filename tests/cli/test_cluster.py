from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raydist.benchmarks.features import draw_features
from raydist.clustering import spec
from raydist.clustering.choices import CLUSTERINGS, declared_parameters
from raydist.data.feature_files import read_labels, write_features
from raydist.neighbours.jaccard.registry import DISTANCES
from raydist.types import UNKNOWN_IDENTITY, Modality

SMALL = ("--k1", 8, "--k2", 3, "--min-samples", 2)


def test_the_offered_names_and_options_are_those_of_the_library(raydist, monkeypatch):
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 300)  # whoever has imported it before
    words = raydist("cluster", "--help").out.replace(":", " ").split()
    assert {*DISTANCES, *CLUSTERINGS} <= set(words)
    assert {f"--{name.replace('_', '-')}" for name in declared_parameters()} <= set(words)


@pytest.mark.parametrize("algorithm", ["dbscan", "hdbscan"])
@pytest.mark.parametrize("name", ["jaccard", "camera-aware", "modality-aware"])
def test_people_that_lie_apart_are_found(raydist, features, people, tmp_path, name, algorithm):
    words = (
        "--distance",
        name,
        "--algorithm",
        algorithm,
        *SMALL,
        "--out",
        tmp_path / "labels.parquet",
        "--json",
    )
    result = raydist("cluster", features, *words)
    assert result.code == 0
    ids, labels = read_labels(tmp_path / "labels.parquet")
    assert np.array_equal(ids, people.tracklet_id)
    assert result.json["all"] == {
        "tracklets": 120,
        "clusters": len(set(labels) - {-1}),
        "noise": 0.0,
        "ari": 1.0,
    }
    assert result.json["mixed_share"] == 1.0
    assert list(result.json["stages"]) == ["search", "encode", "expand", "edges", "cluster"]
    assert all(
        cost["cpu"] > 0 and cost["wall"] > 0 and cost["peak_mb"] >= 0
        for cost in result.json["stages"].values()
    )
    assert result.json["pairs"] > 0
    assert "seconds: search" not in result.err


def test_the_order_of_the_labels_is_that_of_the_features(raydist, people, tmp_path):
    mixed = np.random.default_rng(0).permutation(len(people))
    labels_of = {}
    for name, table in (("straight", people), ("mixed", people.take(mixed))):
        write_features(table, tmp_path / f"{name}.parquet")
        assert (
            raydist(
                "cluster", tmp_path / f"{name}.parquet", *SMALL, "--out", tmp_path / f"{name}_labels.parquet"
            ).code
            == 0
        )
        ids, labels = read_labels(tmp_path / f"{name}_labels.parquet")
        assert np.array_equal(ids, table.tracklet_id)
        labels_of[name] = labels
    same = labels_of["straight"][:, None] == labels_of["straight"]
    assert np.array_equal(same[np.ix_(mixed, mixed)], labels_of["mixed"][:, None] == labels_of["mixed"])


def test_numbers_of_every_distance_reach_it(raydist, tmp_path):
    """Against the library, on features that overlap: with other numbers there are other labels."""
    table, path = draw_features(400, 32, seed=0).table, tmp_path / "f.parquet"
    write_features(table, path)
    of = {"modality": table.modality, "camera": table.camera}
    words = {
        "camera-aware": {"k1_intra": 2, "k1_inter": 3, "k2_intra": 1, "k2_inter": 1, "eps": 0.35},
        "modality-aware": {"k1": 6, "k2": 2, "gate": 0.5, "eps": 0.3},
        "jaccard": {"k1": 5, "k2": 1, "eps": 0.3, "min_samples": 3},
    }
    for metric, numbers in words.items():
        options = [word for name, value in numbers.items() for word in (f"--{name.replace('_', '-')}", value)]
        out = tmp_path / "labels.parquet"
        assert raydist("cluster", path, "--distance", metric, *options, "--out", out).code == 0
        expected = spec.cluster_features(table.features, spec.ClusterSpec(metric, **numbers), **of).labels
        usual = spec.cluster_features(table.features, spec.ClusterSpec(metric), **of).labels
        assert np.array_equal(read_labels(out)[1], expected)
        assert not np.array_equal(expected, usual)


def test_the_number_of_shards_never_changes_the_labels(raydist, features, tmp_path):
    labels_of = []
    for shards, threads in ((1, 1), (2, 2), (5, 1)):
        result = raydist(
            "cluster",
            features,
            *SMALL,
            "--shards",
            shards,
            "--threads",
            threads,
            "--out",
            tmp_path / "labels.parquet",
        )
        assert f"rows in {shards} slab{'s' if shards > 1 else ''} (--shards)" in result.err
        labels_of.append(read_labels(tmp_path / "labels.parquet")[1])
    assert np.array_equal(labels_of[0], labels_of[1])
    assert np.array_equal(labels_of[0], labels_of[2])


def test_an_approximate_search_tells_its_recall(raydist, features, tmp_path):
    exact, everywhere = tmp_path / "exact.parquet", tmp_path / "everywhere.parquet"
    assert raydist("cluster", features, *SMALL, "--out", exact, "--json").json["uncertified"] == 0
    result = raydist(
        "cluster", features, *SMALL, "--search", "ivf", "--probes", 100, "--out", everywhere, "--json"
    )
    assert result.json["search"] == "ivf"
    assert result.json["recall"] == 1.0
    assert "ivf search: 100.0% of the neighbours" in result.err
    assert np.array_equal(read_labels(exact)[1], read_labels(everywhere)[1])


def test_the_memory_budget_is_kept_or_refused(raydist, tmp_path):
    table, path, out = (
        draw_features(3000, 64, seed=0).table,
        tmp_path / "f.parquet",
        tmp_path / "labels.parquet",
    )
    write_features(table, path)
    assert raydist("cluster", path, "--memory-budget", 200, "--out", out).code == 0
    out.unlink()
    refused = raydist("cluster", path, "--memory-budget", 1, "--out", out)
    assert refused.code == 2
    assert not out.exists()
    assert raydist("cluster", path, "--search", "ivf", "--memory-budget", 200, "--out", out).code == 2


def test_costs_are_printed_where_they_are_asked_for(raydist, features, tmp_path):
    words = ("cluster", features, *SMALL, "--out", tmp_path / "labels.parquet")
    short, long = raydist(*words).err, raydist(*words, "--verbose").err
    assert "CPU s" not in short
    assert "searched twice" not in short
    assert "seconds: search" in long
    assert "CPU s" in long
    assert "pairs within the radius; 0 lists were searched twice" in long


@pytest.mark.parametrize(
    ("words", "warnings"),
    [
        (["--k1", 8, "--k2", 8], []),
        (["--k1", 8, "--k2", 9], ["k2 = 9 with k1 = 8: only the 8 ranked neighbours can be averaged"]),
        (["--k1", 8, "--k2", 4, "--distance", "modality-aware"], []),
        (
            ["--k1", 8, "--k2", 5, "--distance", "modality-aware"],
            ["k2 = 5 with k1 = 8: only the 4 ranked neighbours of each modality can be averaged"],
        ),
        (["--k2-intra", 50, "--distance", "camera-aware"], []),
        (["--k1-intra", 3], ["--k1-intra has no effect with jaccard and dbscan"]),
        (["--probes", 3], ["--probes has no effect with --search exact"]),
        (["--probes", 3, "--search", "ivf"], []),
        (
            ["--k1", 30, "--distance=camera-aware", "--algorithm", "hdbscan", "--min-cluster-size", 2],
            ["--k1 has no effect with camera-aware and hdbscan"],
        ),
    ],
)
def test_values_without_effect_are_warned_of(raydist, features, tmp_path, words, warnings):
    result = raydist("cluster", features, "--min-samples", 2, "--out", tmp_path / "labels.parquet", *words)
    assert result.code == 0
    lines = [line for line in result.err.splitlines() if line.startswith("warning: ")]
    assert lines == [f"warning: {line}" for line in warnings]


def test_a_cut_value_gives_the_labels_of_the_largest_that_fits(raydist, tmp_path):
    table, path, out = draw_features(400, 32, seed=0).table, tmp_path / "f.parquet", tmp_path / "l.parquet"
    write_features(table, path)
    for distance, most in (("jaccard", 6), ("modality-aware", 3)):
        labels_of = []
        for k2 in (most, most + 4):
            words = ("--distance", distance, "--k1", 6, "--eps", 0.3, "--k2", k2, "--out", out)
            assert raydist("cluster", path, *words).code == 0
            labels_of.append(read_labels(out)[1])
        assert np.array_equal(*labels_of)
        assert labels_of[0].max() > 0


def test_the_help_fits_80_columns_and_shows_ranges_as_they_are(raydist, monkeypatch):
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    text = raydist("cluster", "--help").out
    assert "…" not in text
    assert "--min-cluster-size" in text
    assert "0<=x<=1" not in text
    words = " ".join(text.replace("│", " ").split())
    options = words.split("Distance and clustering")[0]
    assert options.index("--memory-budget") < options.index("--json") < options.index("--help")
    assert "More than 0 and at most 1." in words
    assert "More than 0 and less than 1." in words


def test_identities_are_never_needed(raydist, people, tmp_path):
    write_features(replace(people, identity=None, split=None), tmp_path / "f.parquet")
    result = raydist(
        "cluster", tmp_path / "f.parquet", *SMALL, "--out", tmp_path / "labels.parquet", "--json"
    )
    assert result.json["all"]["clusters"] == 20
    assert "ari" not in result.json["all"]


def test_one_modality_alone_suits_the_plain_distance_only(raydist, people, tmp_path):
    write_features(people.take(people.modality == Modality.INFRARED), tmp_path / "f.parquet")
    words = (
        "cluster",
        tmp_path / "f.parquet",
        "--k1",
        4,
        "--k2",
        2,
        "--min-samples",
        2,
        "--out",
        tmp_path / "labels.parquet",
    )
    assert raydist(*words).code == 0
    refused = raydist(*words, "--distance", "modality-aware")
    assert refused.code == 3
    assert "0 visible, 60 infrared" in refused.err


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_rows(raydist, people, tmp_path, rows):
    write_features(people.take(np.arange(rows)), tmp_path / "f.parquet")
    result = raydist("cluster", tmp_path / "f.parquet", "--out", tmp_path / "labels.parquet")
    assert result.code == (0 if rows else 3)
    assert (tmp_path / "labels.parquet").exists() == bool(rows)


@pytest.mark.parametrize(
    "words",
    [
        ["--eps", 0],
        ["--eps", 1.5],
        ["--eps", "nan"],
        ["--k1", 0],
        ["--shards", 0],
        ["--threads", 0],
        ["--algorithm", "dbscn"],
        ["--gate", 0.5],
        ["--gate", 2, "--distance", "modality-aware"],
        ["--k1", 1, "--distance", "modality-aware"],
    ],
)
def test_numbers_out_of_range_are_bad_usage(raydist, features, tmp_path, words):
    assert raydist("cluster", features, "--out", tmp_path / "labels.parquet", *words).code == 2


@pytest.mark.parametrize("option", ["--distance", "--algorithm"])
def test_an_unknown_name_is_answered_with_the_option(raydist, features, tmp_path, option):
    result = raydist("cluster", features, "--out", tmp_path / "labels.parquet", option, "jaccart")
    assert f"{option} = 'jaccart'" in result.err
    assert "clustering." not in result.err


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_features_that_are_no_directions_are_bad_data(raydist, features, tmp_path, value):
    table = pq.read_table(features)
    rows = table["feature"].to_pylist()
    rows[7] = [value] * len(rows[7])
    column = pa.array(rows, pa.list_(pa.float32(), len(rows[0])))
    pq.write_table(table.set_column(table.column_names.index("feature"), "feature", column), features)
    result = raydist("cluster", features, "--out", tmp_path / "labels.parquet")
    assert result.code == 3
    assert "in row 7, the first is of 't007'" in result.err


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float64(), 32), pa.list_(pa.float16(), 32), pa.list_(pa.float32())]
)
def test_features_of_another_type_are_clustered_alike(raydist, features, tmp_path, kind):
    table = pq.read_table(features)
    out = [tmp_path / "plain.parquet", tmp_path / "cast.parquet"]
    assert raydist("cluster", features, "--out", out[0]).code == 0
    column = pa.array(table["feature"].to_pylist(), kind)
    pq.write_table(table.set_column(table.column_names.index("feature"), "feature", column), features)
    assert raydist("cluster", features, "--out", out[1]).code == 0
    assert pq.read_table(out[0]).equals(pq.read_table(out[1]))


def test_features_as_text_are_bad_data(raydist, features, tmp_path):
    table = pq.read_table(features)
    column = pa.array([str(row) for row in table["feature"].to_pylist()])
    pq.write_table(table.set_column(table.column_names.index("feature"), "feature", column), features)
    result = raydist("cluster", features, "--out", tmp_path / "labels.parquet")
    assert result.code == 3
    assert "cannot be read as lists of numbers" in result.err


@pytest.mark.parametrize("name", ["tracklet_id", "modality", "camera", "feature"])
def test_a_column_that_is_not_there_is_named(raydist, features, tmp_path, name):
    pq.write_table(pq.read_table(features).drop_columns([name]), features)
    result = raydist("cluster", features, "--out", tmp_path / "labels.parquet")
    assert result.code == 3
    assert f"column {name}: missing" in result.err


def test_ids_that_occur_twice_are_bad_data(raydist, features, tmp_path):
    table = pq.read_table(features)
    ids = table["tracklet_id"].to_pylist()
    pq.write_table(table.set_column(0, "tracklet_id", pa.array([ids[1], *ids[1:]])), features)
    result = raydist("cluster", features, "--out", tmp_path / "labels.parquet")
    assert result.code == 3
    assert "'t001' is not unique, it stands in rows 0, 1" in result.err


def test_an_ari_that_is_missing_is_explained(raydist, people, tmp_path):
    file, words = tmp_path / "f.parquet", (*SMALL, "--out", tmp_path / "labels.parquet")
    write_features(people, file)
    assert "ARI is missing" not in raydist("cluster", file, *words).err
    write_features(replace(people, identity=None), file)
    sentence = "ARI is missing (-) where no identity is known: the features name none of"
    assert f"{sentence} these tracklets" in raydist("cluster", file, *words).err
    visible_only = np.where(people.modality == Modality.VISIBLE, people.identity, UNKNOWN_IDENTITY)
    write_features(replace(people, identity=visible_only), file)
    assert f"{sentence} the infrared tracklets" in raydist("cluster", file, *words).err


@pytest.mark.parametrize("name", ["jaccard", "camera-aware", "modality-aware"])
def test_more_neighbours_than_tracklets(raydist, people, tmp_path, name):
    write_features(people.take(np.arange(9)), tmp_path / "f.parquet")
    out = tmp_path / "labels.parquet"
    assert raydist("cluster", tmp_path / "f.parquet", "--distance", name, "--k1", 500, "--out", out).code == 0
    assert len(read_labels(out)[1]) == 9


def test_a_file_that_is_no_parquet_is_bad_data(raydist, tmp_path):
    (tmp_path / "f.parquet").write_bytes(b"PAR1")
    assert raydist("cluster", tmp_path / "f.parquet", "--out", tmp_path / "labels.parquet").code == 3


@pytest.mark.ray
@pytest.mark.parametrize("distance", ["jaccard", "modality-aware"])
def test_workers_change_no_label(raydist, features, tmp_path, distance):
    words = ("--distance", distance, *SMALL, "--json")
    alone = raydist("cluster", features, *words, "--out", tmp_path / "alone.parquet")
    shared = raydist("cluster", features, *words, "--workers", 2, "--out", tmp_path / "shared.parquet")
    assert alone.code == shared.code == 0
    for one, two in zip(
        *(read_labels(tmp_path / f"{name}.parquet") for name in ("alone", "shared")), strict=True
    ):
        assert np.array_equal(one, two)
    assert (alone.json["workers"], shared.json["workers"]) == (0, 2)
    assert alone.json["pairs"] == shared.json["pairs"]
    assert list(shared.json["stages"]) == ["on the actors"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--shards", 2), "--shards cuts the rows in this process"),
        (("--search", "ivf"), "the actors search exactly"),
        (("--memory-budget", 100), "the actors search exactly"),
    ],
)
def test_what_workers_do_not_know_is_refused(raydist, features, tmp_path, words, message):
    result = raydist("cluster", features, "--workers", 2, *words, "--out", tmp_path / "labels.parquet")
    assert result.code == 2
    assert message in result.err
    assert not (tmp_path / "labels.parquet").exists()
