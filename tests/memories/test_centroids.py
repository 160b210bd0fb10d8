import pytest
import torch
import torch.nn.functional as F

from raydist.memories.centroids import update_centroids, update_hardest, update_in_turn

UPDATES = [update_centroids, update_in_turn, update_hardest]


def norm(vector):
    return vector / vector.norm()


def loop_means(prototypes, features, labels, momentum):
    for c in set(labels.tolist()) - {-1}:
        mean = sum(norm(x) for x, y in zip(features, labels, strict=True) if y == c) / int(
            (labels == c).sum()
        )
        prototypes[c] = norm(momentum * prototypes[c] + (1 - momentum) * mean)


def loop_in_turn(prototypes, features, labels, momentum):
    for x, y in zip(features, labels, strict=True):
        if y != -1:
            prototypes[y] = norm(momentum * prototypes[y] + (1 - momentum) * norm(x))


def loop_hardest(prototypes, features, labels, momentum):
    for c in set(labels.tolist()) - {-1}:
        members = [norm(x) for x, y in zip(features, labels, strict=True) if y == c]
        hardest = min(members, key=lambda x: float(x @ prototypes[c]))
        prototypes[c] = norm(momentum * prototypes[c] + (1 - momentum) * hardest)


@pytest.mark.parametrize(
    ("update", "loop"),
    [(update_centroids, loop_means), (update_in_turn, loop_in_turn), (update_hardest, loop_hardest)],
)
@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.8, 1.0])
def test_updates_equal_the_loops(update, loop, momentum, prototypes, features, labels):
    expected = prototypes.clone()
    loop(expected, features, labels, momentum)
    untouched = prototypes[1].clone()
    assert update(prototypes, features, labels, momentum=momentum) is None
    torch.testing.assert_close(prototypes, expected)
    assert torch.equal(prototypes[1], untouched)
    torch.testing.assert_close(prototypes.norm(dim=1), torch.ones(5).double())


@pytest.mark.parametrize("update", UPDATES)
def test_one_sample_and_nothing_kept_is_the_sample(update, prototypes, features):
    update(prototypes, features[:3], torch.tensor([4, 0, 2]), momentum=0.0)
    torch.testing.assert_close(prototypes[[4, 0, 2]], F.normalize(features[:3]))


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("size", [0, 3])
def test_a_batch_of_noise_changes_nothing(update, size, prototypes, features):
    before = prototypes.clone()
    update(prototypes, features[:size], torch.full((size,), -1), momentum=0.2)
    assert torch.equal(prototypes, before)


@pytest.mark.parametrize("update", UPDATES)
def test_renamed_clusters_move_alike_to_the_byte(update, prototypes, features, labels):
    renamed = torch.tensor([3, 1, 4, 0, 2])
    other = torch.empty_like(prototypes)
    other[renamed] = prototypes
    update(prototypes, features, labels, momentum=0.3)
    update(other, features, torch.where(labels == -1, -1, renamed[labels]), momentum=0.3)
    assert torch.equal(other[renamed], prototypes)


@pytest.mark.parametrize("update", [update_centroids, update_hardest])
def test_the_order_of_the_batch_does_not_matter(update, prototypes, features, labels):
    other, place = prototypes.clone(), torch.randperm(12, generator=torch.Generator().manual_seed(0))
    update(prototypes, features, labels, momentum=0.3)
    update(other, features[place], labels[place], momentum=0.3)
    torch.testing.assert_close(other, prototypes)


def test_of_equally_hard_samples_the_first_acts(prototypes):
    prototypes[0] = torch.tensor([1.0, 0, 0, 0])
    tied = torch.tensor([[0.0, 1, 0, 0], [0, 0, 1, 0]]).double()
    update_hardest(prototypes, tied, torch.tensor([0, 0]), momentum=0.0)
    assert torch.equal(prototypes[0], tied[0])


def test_updates_leave_no_graph(prototypes, features, labels):
    for update in UPDATES:
        update(prototypes, features.clone().requires_grad_(), labels, momentum=0.5)
        assert not prototypes.requires_grad


def test_half_precision_batches_update_a_float_memory(prototypes, features, labels):
    memory = prototypes.float()
    for update in UPDATES:
        update(memory, features.to(torch.bfloat16), labels, momentum=0.5)
    assert memory.dtype == torch.float32
