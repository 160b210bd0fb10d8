import numpy as np

from raydist.clustering.spec import Clustering
from raydist.engine.local_features import LocalFeatures
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.dmdl.label_space import unified_labels
from raydist.types import NOISE, Modality


def test_pieces_of_a_person_are_one_class_and_a_class_may_be_nobodys():
    x = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 1, 0, 2]]
    rows = {Modality.VISIBLE: np.arange(4), Modality.INFRARED: np.arange(4, 7)}
    of = {Modality.VISIBLE: np.array([0, 1, 2, -1]), Modality.INFRARED: np.array([0, 1, 2])}
    clusters = ModalityClusters({m: Clustering(labels, None) for m, labels in of.items()}, rows)
    means = LocalFeatures(x[:, None], None)
    infrared = unified_labels(means, clusters, Modality.INFRARED)
    assert infrared[Modality.VISIBLE].tolist() == [1, 1, 0, NOISE, NOISE, NOISE, NOISE]
    assert infrared[Modality.INFRARED].tolist() == [NOISE] * 4 + [0, 1, 2]
    visible = unified_labels(means, clusters, Modality.VISIBLE)
    assert visible[Modality.VISIBLE].tolist() == [0, 1, 2, NOISE, NOISE, NOISE, NOISE]
    assert visible[Modality.INFRARED].tolist() == [NOISE] * 4 + [2, 0, 0]
