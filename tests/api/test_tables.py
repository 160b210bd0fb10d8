"""Clusters, distances and scores of tables and arrays: those of the commands."""

import inspect
from dataclasses import asdict

import numpy as np
import pytest

from raydist.api.tables import cluster, evaluate, jaccard, read_tracklets
from raydist.clustering.spec import ClusterSpec, cluster_edges
from raydist.data.datasets.dataset import ReadOptions, read_dataset
from raydist.data.feature_files import read_labels
from raydist.errors import ConfigError, DataError, FeatureError

SMALL = {"k1": 8, "k2": 3}


@pytest.mark.parametrize(
    ("distance", "algorithm", "parameters"),
    [
        ("jaccard", "dbscan", SMALL),
        ("camera-aware", "dbscan", {"k1_intra": 2, "k1_inter": 6, "eps": 0.7}),
        ("modality-aware", "hdbscan", SMALL),
    ],
)
def test_labels_are_those_of_the_command_for_tables_and_arrays(
    raydist, features, features_file, tmp_path, distance, algorithm, parameters
):
    options = [word for name, value in parameters.items() for word in (f"--{name.replace('_', '-')}", value)]
    options += ["--distance", distance, "--algorithm", algorithm, "--out", tmp_path / "labels.parquet"]
    assert raydist("cluster", features_file, *options).code == 0
    names, labels = read_labels(tmp_path / "labels.parquet")
    assert names.tolist() == features.tracklet_id.tolist()
    given = {"distance": distance, "algorithm": algorithm, **parameters}
    assert np.array_equal(cluster(features, **given), labels)
    columns = {"modality": features.modality, "camera": features.camera}
    assert np.array_equal(cluster(features.features, **given, **columns, threads=1), labels)


def test_distances_are_those_that_clusters_are_made_of(features):
    spec = ClusterSpec(**SMALL)
    edges = jaccard(features, eps_max=spec.radius, **SMALL)
    assert np.array_equal(cluster_edges(edges, len(features), spec).labels, cluster(features, **SMALL))
    every = jaccard(features.features, **SMALL)
    assert len(every) > len(edges)
    near = every.cut(spec.radius)
    for column in ("i", "j", "distance"):
        assert np.array_equal(getattr(near, column), getattr(edges, column))


def test_scores_are_those_of_the_command_for_tables_and_arrays(raydist, features, features_file):
    scored = raydist("score", features_file, "--protocol", "hitsz_vcm", "--json").json["retrieval"]
    of_table = evaluate(features, "hitsz_vcm")
    columns = {name: getattr(features, name) for name in ("modality", "camera", "identity", "split")}
    assert evaluate(features.features, "hitsz_vcm", **columns) == of_table
    for direction, values in scored.items():
        known = asdict(of_table[direction])
        assert {name: known[name] for name in values if name in known} == {
            name: value for name, value in values.items() if name != "skipped_queries"
        }


def test_tracklets_are_those_of_the_reader(smoke_root, tracklets):
    assert tracklets.table.equals(read_dataset("hitsz_vcm", smoke_root)[0].table)
    assert read_tracklets(str(smoke_root), "synthetic").table.equals(tracklets.table)


def test_the_options_of_readers_have_their_defaults():
    options = {
        name: one.default
        for name, one in inspect.signature(read_tracklets).parameters.items()
        if name not in ("root", "name")
    }
    assert options == asdict(ReadOptions())


X = np.eye(4, dtype=np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cluster(X, k3=1), ConfigError, "unknown parameter k3"),
        (lambda: cluster(X, eps=2.0), ConfigError, "eps = 2.0: give"),
        (lambda: cluster(X, distance="jacard"), ConfigError, "did you mean 'jaccard'"),
        (
            lambda: cluster(X, distance="camera-aware"),
            ConfigError,
            "needs the camera of each row: give camera",
        ),
        (
            lambda: cluster(X, distance="modality-aware", modality="visible"),
            DataError,
            "needs both modalities",
        ),
        (lambda: cluster(X[:0]), DataError, "there are no features to cluster"),
        (lambda: cluster(2 * X), FeatureError, "another length than 1"),
        (lambda: cluster(X.astype(np.float64)), FeatureError, "expected float32"),
        (lambda: cluster(X, threads=0), ConfigError, "threads = 0: give at least 1"),
        (lambda: cluster(X, camera=["a", "b"]), ConfigError, "camera: 2 values for 4 rows"),
        (lambda: jaccard(X, eps=0.5), ConfigError, "eps: the jaccard distance has no such parameter"),
        (lambda: jaccard(X, eps_max=0.0), ConfigError, "eps_max = 0.0"),
        (lambda: evaluate(X, "hitsz"), ConfigError, "did you mean 'hitsz_vcm'"),
        (lambda: evaluate(X), DataError, "split"),
        (lambda: evaluate(X, identity=[1]), ConfigError, "identity: 1 value for 4 rows"),
        (lambda: read_tracklets("nowhere.csv"), DataError, "data set manifest: nowhere.csv does not exist"),
        (lambda: read_tracklets(".", "hitzs_vcm"), ConfigError, "did you mean 'hitsz_vcm'"),
    ],
)
def test_wrong_input_is_refused_with_what_is_right(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_table_has_columns_of_its_own(features):
    with pytest.raises(ConfigError, match="camera: a table of features has its own; leave it out"):
        cluster(features, camera="door")
