"""From videos without identities to clusters, by the commands of the guide."""

import csv

import pyarrow.parquet as pq
import pytest

from tests.guide.footage import NUM_PEOPLE, STEPS, write_footage

SMALL = " train.limit_epochs=1 train.iterations=3 ray.num_workers=1 ray.num_shards=1 tracking.mlflow_uri=null"


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    return write_footage(tmp_path_factory.mktemp("home") / "footage")


@pytest.fixture
def lines(data_blocks):
    """The four commands of the guide."""
    (block,) = (block for block in data_blocks if "--mot" in block.text and "raydist.train" in block.text)
    lines = block.text.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["raydist", "data"],
        ["python", "-m"],
        ["raydist", "embed"],
        ["raydist", "cluster"],
    ]
    return lines


@pytest.mark.ray
def test_from_cameras_to_clusters_in_four_commands(footage, lines, run_commands, monkeypatch, capfd):
    monkeypatch.chdir(footage.parent)
    run_commands(lines[0])
    run_commands("raydist data check --name manifest --root people/manifest.csv --json")
    with open("people/manifest.csv", newline="") as file:
        manifest = list(csv.DictReader(file))
    assert len(manifest) == 2 * NUM_PEOPLE
    assert {row["identity"] for row in manifest} == {""}
    assert all(len(row["frames"].split("|")) >= STEPS - 3 for row in manifest)
    run_commands(lines[1] + SMALL)
    run_commands("\n".join(lines[2:]))
    features, labels = pq.read_table("features.parquet"), pq.read_table("labels.parquet")
    ids = sorted(row["tracklet_id"] for row in manifest)
    assert sorted(features["tracklet_id"].to_pylist()) == sorted(labels["tracklet_id"].to_pylist()) == ids
    assert features["identity"].null_count == len(ids)
