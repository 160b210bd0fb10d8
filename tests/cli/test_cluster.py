from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from raydist.cli.cluster import AlgorithmName, DistanceName
from raydist.clustering import spec
from raydist.data.feature_files import read_labels, write_features
from raydist.neighbours import distance
from raydist.types import Modality

SMALL = ("--k1", 8, "--k2", 3, "--min-samples", 2)


def test_the_offered_names_are_those_of_the_library():
    assert get_args(DistanceName) == get_args(distance.DistanceName)
    assert get_args(AlgorithmName) == get_args(spec.AlgorithmName)


@pytest.mark.parametrize("algorithm", ["dbscan", "hdbscan"])
@pytest.mark.parametrize("name", ["jaccard", "camera-aware", "modality-aware"])
def test_people_that_lie_apart_are_found(raydist, features, people, tmp_path, name, algorithm):
    words = ("--distance", name, "--algorithm", algorithm, *SMALL, "--out", tmp_path / "labels.parquet", "--json")
    result = raydist("cluster", features, *words)
    assert result.code == 0
    ids, labels = read_labels(tmp_path / "labels.parquet")
    assert np.array_equal(ids, people.tracklet_id)
    assert result.json["all"] == {"tracklets": 120, "clusters": len(set(labels) - {-1}), "noise": 0.0, "ari": 1.0}
    assert result.json["mixed_share"] == 1.0


def test_the_number_of_shards_never_changes_the_labels(raydist, features, tmp_path):
    found = []
    for shards in (1, 2, 5):
        result = raydist("cluster", features, *SMALL, "--shards", shards, "--out", tmp_path / "labels.parquet")
        assert f"num_slabs = {shards}" in result.err
        found.append(read_labels(tmp_path / "labels.parquet")[1])
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_identities_are_never_needed(raydist, people, tmp_path):
    write_features(replace(people, identity=None, split=None), tmp_path / "f.parquet")
    result = raydist("cluster", tmp_path / "f.parquet", *SMALL, "--out", tmp_path / "labels.parquet", "--json")
    assert result.json["all"]["clusters"] == 20
    assert "ari" not in result.json["all"]


def test_one_modality_alone_suits_the_plain_distance_only(raydist, people, tmp_path):
    write_features(people.take(people.modality == Modality.INFRARED), tmp_path / "f.parquet")
    words = ("cluster", tmp_path / "f.parquet", "--k1", 4, "--k2", 2, "--min-samples", 2, "--out", tmp_path / "labels.parquet")
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


@pytest.mark.parametrize("words", [["--eps", 0], ["--eps", 1.5], ["--k1", 0], ["--shards", 0], ["--algorithm", "dbscn"]])
def test_numbers_out_of_range_are_bad_usage(raydist, features, tmp_path, words):
    assert raydist("cluster", features, "--out", tmp_path / "labels.parquet", *words).code == 2


def test_a_file_that_is_no_parquet_is_bad_data(raydist, tmp_path):
    (tmp_path / "f.parquet").write_bytes(b"PAR1")
    assert raydist("cluster", tmp_path / "f.parquet", "--out", tmp_path / "labels.parquet").code == 3
