import pytest
import torch
import torch.nn.functional as F

from raydist.errors import ClusteringError, ConfigError
from raydist.memories.hybrid import halves, hybrid_memory, update_hybrid


@pytest.fixture
def memory(prototypes):
    """Ten rows of five clusters; the two rows of a cluster differ."""
    return torch.cat([prototypes, F.normalize(prototypes + 0.5 * prototypes.roll(1, dims=0))])


def loop(memory, features, labels, momentum):
    """Cluster after cluster, as the definition says; the hardest sample is chosen by the old mean row."""
    moved, half = memory.clone(), len(memory) // 2
    for c in set(labels.tolist()) - {-1}:
        members = [x / x.norm() for x, y in zip(features, labels, strict=True) if y == c]
        hardest = min(members, key=lambda x: float(x @ memory[c]))
        for row, target in ((c, sum(members) / len(members)), (half + c, hardest)):
            new = momentum * memory[row] + (1 - momentum) * target
            moved[row] = new / new.norm()
    return moved


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.8, 1.0])
def test_the_update_equals_the_loops(memory, features, labels, momentum):
    expected = loop(memory, features, labels, momentum)
    untouched = memory[[1, 6]].clone()
    assert update_hybrid(memory, features, labels, momentum=momentum) is None
    torch.testing.assert_close(memory, expected)
    assert torch.equal(memory[[1, 6]], untouched)


def test_one_sample_and_nothing_kept_is_the_sample_in_both_rows(memory, features):
    update_hybrid(memory, features[:3], torch.tensor([4, 0, 2]), momentum=0.0)
    torch.testing.assert_close(memory[[4, 0, 2]], F.normalize(features[:3]))
    torch.testing.assert_close(memory[[9, 5, 7]], F.normalize(features[:3]))


def test_the_hardest_is_far_from_the_mean_row_not_from_the_hard_one():
    memory = torch.eye(3).double()[[0, 1]]
    near_mean, near_hard = torch.tensor([[0.9, 0.1, 0], [0.1, 0.9, 0]]).double()
    update_hybrid(memory, torch.stack([near_mean, near_hard]), torch.tensor([0, 0]), momentum=0.0)
    torch.testing.assert_close(memory[1], F.normalize(near_hard, dim=0))


def test_it_starts_with_the_mean_of_each_cluster_twice(prototypes):
    mean, hard = halves(torch.from_numpy(hybrid_memory(prototypes.numpy())))
    assert torch.equal(mean, prototypes)
    assert torch.equal(mean, hard)


def test_the_halves_are_views(memory):
    mean, hard = halves(memory)
    mean[0], hard[0] = 7, 8
    assert memory[0, 0] == 7
    assert memory[5, 0] == 8


@pytest.mark.parametrize("size", [0, 3])
def test_a_batch_of_noise_changes_nothing(memory, features, size):
    before = memory.clone()
    update_hybrid(memory, features[:size], torch.full((size,), -1), momentum=0.2)
    assert torch.equal(memory, before)


def test_the_order_of_the_batch_and_the_names_of_clusters_do_not_matter(memory, features, labels):
    place, renamed = (
        torch.randperm(12, generator=torch.Generator().manual_seed(0)),
        torch.tensor([3, 1, 4, 0, 2]),
    )
    other = torch.empty_like(memory)
    other[torch.cat([renamed, renamed + 5])] = memory
    update_hybrid(memory, features, labels, momentum=0.3)
    update_hybrid(other, features[place], torch.where(labels == -1, -1, renamed[labels])[place], momentum=0.3)
    torch.testing.assert_close(other[torch.cat([renamed, renamed + 5])], memory)


def test_half_precision_batches_update_a_float_memory_without_a_graph(memory, features, labels):
    memory = memory.float()
    update_hybrid(memory, features.to(torch.bfloat16).requires_grad_(), labels, momentum=0.5)
    assert memory.dtype == torch.float32
    assert not memory.requires_grad


def test_bad_input_is_refused(memory, features, labels):
    with pytest.raises(ClusteringError, match="hybrid memory of 9 rows: it has two rows a cluster"):
        update_hybrid(memory[:9], features, labels, momentum=0.5)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        update_hybrid(memory, features, labels, momentum=1.5)
