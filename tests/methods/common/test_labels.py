import numpy as np

from raydist.methods.common.labels import ClusterArrays, joint_labels, partners
from raydist.methods.method import Targets
from raydist.types import NOISE, Modality


def test_clusters_are_numbered_together():
    labels = {
        Modality.VISIBLE: np.array([NOISE, 0, 1, NOISE]),
        Modality.INFRARED: np.array([1, NOISE, NOISE, 0]),
    }
    assert joint_labels(labels).tolist() == [3, 0, 1, 2]


def test_noise_has_no_partner():
    assert partners(np.array([-1, 0]), np.array([3])).tolist() == [-1, 3]


def test_the_arrays_of_targets_are_read_by_modality():
    arrays = ClusterArrays(visible=np.array([0, NOISE]), infrared=np.array([NOISE, 0]))
    own = ClusterArrays.of(Targets(np.array([0, 1]), arrays.pack())).own
    assert own[Modality.VISIBLE] is arrays.visible
    assert own[Modality.INFRARED] is arrays.infrared
