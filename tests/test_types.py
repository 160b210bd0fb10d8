import numpy as np
import pytest

from raydist.errors import DataError, FeatureError
from raydist.types import FeatureTable, Modality, check_features, tracklet_means


def table(**changes):
    columns = {
        "features": np.eye(3, dtype=np.float32),
        "tracklet_id": np.array(["a", "b", "c"]),
        "modality": np.array([0, 1, 0], np.int8),
        "camera": np.array(["1", "1", "2"]),
    }
    return FeatureTable(**{**columns, **changes})


def test_take_keeps_all_columns_together():
    part = table(identity=np.array([7, 8, 9])).take(np.array([2, 0]))
    assert part.tracklet_id.tolist() == ["c", "a"]
    assert part.identity.tolist() == [9, 7]


def test_an_id_may_not_occur_twice():
    with pytest.raises(DataError, match="'a' occurs 2 times"):
        table(tracklet_id=np.array(["a", "b", "a"]))


def test_columns_are_of_one_length():
    with pytest.raises(DataError, match="column camera"):
        table(camera=np.array(["1"]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.5])
def test_a_bad_feature_is_named(bad):
    features = np.eye(3, dtype=np.float32)
    features[1, 1] = bad
    with pytest.raises(FeatureError, match=r"1 of 3 features .* b"):
        table(features=features)


@pytest.mark.parametrize("features", [np.eye(2), np.ones(3, np.float32)])
def test_features_are_a_float32_matrix(features):
    with pytest.raises(FeatureError, match="float32"):
        check_features(features)


def test_modality_by_name():
    assert Modality.parse("Visible") is Modality.VISIBLE
    with pytest.raises(DataError, match="'rgb'"):
        Modality.parse("rgb")


def test_the_mean_is_of_unit_length():
    parts = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
    expected = [np.mean(p, axis=0) / np.linalg.norm(np.mean(p, axis=0)) for p in parts]
    assert np.allclose(tracklet_means(parts), expected, atol=1e-6)
