from dataclasses import dataclass

import numpy as np
import pytest

from raydist.errors import ConfigError
from raydist.neighbours.jaccard.camera_aware import CameraAwareJaccard
from raydist.neighbours.jaccard.distance import Distance, join_lists
from raydist.neighbours.jaccard.graph import jaccard_graph
from raydist.neighbours.jaccard.modality_aware import ModalityAwareJaccard
from raydist.neighbours.jaccard.plain import PlainJaccard


@dataclass(frozen=True)
class HalvedLists(CameraAwareJaccard):
    """Two lists, and half sets."""

    @property
    def half(self) -> int:
        return 3


def features(num_rows: int = 40) -> np.ndarray:
    x = np.random.default_rng(0).standard_normal((num_rows, 8))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def test_half_sets_of_two_lists_are_refused():
    camera = np.arange(40) % 2
    with pytest.raises(
        ConfigError, match="the camera-aware distance has half sets of 3 and two ranked lists"
    ):
        jaccard_graph(features(), HalvedLists(), camera)
    assert len(jaccard_graph(features(), CameraAwareJaccard(), camera).edges)


@pytest.mark.parametrize("spec", [PlainJaccard(), PlainJaccard(k1=90), ModalityAwareJaccard()])
def test_half_sets_of_one_list_are_not(spec: Distance):
    """Also where there are fewer rows than places in the list."""
    assert spec.half > 0
    assert len(jaccard_graph(features(), spec, np.arange(40) % 2).edges)


def test_the_lists_of_no_rows_are_joined():
    nothing = np.empty((0, 29), np.int64), np.empty((0, 29), np.float32)
    across = np.empty((0, 0), np.int64), np.empty((0, 0), np.float32)
    assert len(join_lists(PlainJaccard(), [np.arange(0)], [(nothing, across)]).ids) == 0
