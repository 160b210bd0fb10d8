import numpy as np
import pytest
import torch

from raydist.methods.common.labels import ClusterArrays, clips_and_labels, joint_labels, partners
from raydist.methods.method import Targets
from raydist.methods.steps import Batch
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


@pytest.mark.parametrize("shows", [(), (None, Modality.VISIBLE, Modality.INFRARED)])
def test_each_clip_of_a_view_that_its_modality_has_comes_with_its_label(shows):
    features = torch.arange(3.0)[:, None, None] + torch.tensor([0.1, 0.2])[None, :, None]
    batch = Batch(features, torch.tensor([4, 1]), shows=shows)
    for modality, views in ((Modality.VISIBLE, [0, 1]), (Modality.INFRARED, [0, 2])):
        clips, labels = clips_and_labels(batch, modality, np.array([9, 7, 9, 9, NOISE]))
        views = views if shows else [0, 1, 2]
        expected = [view + own for view in views for own in (0.1, 0.2)]
        torch.testing.assert_close(clips[:, 0], torch.tensor(expected))
        assert labels.tolist() == [NOISE, 7] * len(views)
