import json

import numpy as np
import pytest
from typer.testing import CliRunner

from raydist.benchmarks.features import draw_features
from raydist.cli.app import app
from raydist.clustering.spec import ClusterSpec, cluster_features
from raydist.distributed.driver.benchmark import store_rates, time_shards

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.mark.parametrize("distance", ["jaccard", "camera-aware", "modality-aware"])
def test_shards_are_timed_and_agree_with_one_process(distance):
    table, spec = draw_features(500, 32, seed=0).table, ClusterSpec(distance)
    found = time_shards(table, spec, num_shards=2)
    assert found.handing_over > 0
    assert found.clustering > 0
    assert found.labels.max() > 5
    expected = cluster_features(table.features, spec, modality=table.modality, camera=table.camera)
    assert np.array_equal(found.labels, expected.labels)


def test_the_store_has_rates_both_ways():
    assert all(rate > 0 for rate in store_rates(num_bytes=4_000_000, repeats=2))


def test_shards_beside_one_process_on_the_command_line():
    words = [
        "bench",
        "cluster",
        "--n",
        "400",
        "--dim",
        "32",
        "--threads",
        "2",
        "--shards",
        "2",
        "--no-dense",
        "--json",
    ]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["sharded"]["labels_equal"] is True
    assert found["sharded"]["shards"] == 2
    assert found["sharded"]["wall"] > 0
    assert found["sharded"]["wall_of_one_process"] == pytest.approx(found["total"]["wall"])
    assert "2 shards: " in result.stderr
