import pytest
import torch

from raydist.errors import ConfigError
from raydist.memories.rows import group_means, move_rows


def test_means_equal_the_loops(features, labels):
    groups, means = group_means(features, labels)
    assert groups.tolist() == sorted(set(labels.tolist()) - {-1})
    for group, mean in zip(groups.tolist(), means, strict=True):
        members = [features[i] for i in range(12) if labels[i] == group]
        torch.testing.assert_close(mean, sum(members) / len(members))


@pytest.mark.parametrize("labels", [[], [-1, -1]])
def test_no_group(labels):
    groups, means = group_means(torch.zeros(len(labels), 4), torch.tensor(labels, dtype=torch.int64))
    assert groups.shape == (0,)
    assert means.shape == (0, 4)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, float("nan")])
def test_shares_outside_zero_to_one_are_refused(momentum, prototypes):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        move_rows(prototypes, torch.tensor([0]), prototypes[:1], momentum=momentum)
