import pytest
import torch

from raydist.memories.centroids import update_centroids, update_in_turn
from raydist.memories.rules import update_prototypes


@pytest.mark.parametrize(("rule", "update"), [("mean", update_centroids), ("in-turn", update_in_turn)])
def test_each_rule_is_its_update(rule, update, prototypes, features, labels):
    expected = prototypes.clone()
    update(expected, features, labels, momentum=0.2)
    update_prototypes(prototypes, features, labels, momentum=0.2, rule=rule)
    assert torch.equal(prototypes, expected)


def test_in_turn_the_last_sample_weighs_most():
    samples = torch.eye(4)[:3]
    memory = torch.eye(4)[3:].clone()
    update_prototypes(memory, samples, torch.zeros(3, dtype=torch.long), momentum=0.1, rule="in-turn")
    assert memory[0].argsort(descending=True).tolist() == [2, 1, 0, 3]
    assert float(memory[0, 2]) > 0.99
