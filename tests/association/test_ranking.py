import numpy as np
import pytest

from raydist.association.ranking import ranking_association
from raydist.errors import ConfigError, FeatureError
from raydist.types import NOISE


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def nearest(x, table, k):
    """The k most similar rows, one comparison after the other; of equal ones the first."""
    ranked = sorted(range(len(table)), key=lambda j: (-float(np.dot(np.float64(x), np.float64(table[j]))), j))
    return ranked[:k]


def oracle(features, others, labels, num_neighbours, num_voters):
    """SDCL's association as its definition says it, row after row."""
    chosen = []
    for row in range(len(features[0])):
        deep = nearest(features[0][row], others[0], num_neighbours)
        shallow = nearest(features[-1][row], others[-1], num_neighbours)
        best, label = -1, None
        for one in deep:
            agreeing = sum(labels[other] == labels[one] for other in shallow)
            if agreeing > best:
                best, label = agreeing, labels[one]
        chosen.append(label)
    smooth = []
    for row in range(len(chosen)):
        likeness = [
            (sum(float(np.dot(np.float64(x[row]), np.float64(x[j]))) for x in features), j == row, -j)
            for j in range(len(chosen))
        ]
        voters = sorted(range(len(chosen)), key=lambda j: likeness[j], reverse=True)[:num_voters]
        votes = [chosen[j] for j in voters]
        smooth.append(min(set(votes), key=lambda label: (-votes.count(label), label)))
    return smooth


def world(seed, branches):
    """12 people with 4 rows in one modality and 3 in the other, a third of these without a cluster."""
    rng = np.random.default_rng(seed)
    people, others = np.repeat(np.arange(12), 4), np.repeat(np.arange(12), 3)
    looks = [rng.standard_normal((12, 8)) for _ in range(branches)]
    tables = [
        [unit(look[who] + 0.7 * rng.standard_normal((len(who), 8))) for look in looks]
        for who in (people, others)
    ]
    labels = np.where(rng.random(len(others)) < 1 / 3, NOISE, others)
    return *tables, labels


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.parametrize(("num_neighbours", "num_voters"), [(1, 1), (5, 5), (10, 5), (100, 100)])
def test_labels_are_those_of_the_loop(branches, num_neighbours, num_voters):
    for seed in range(4):
        features, others, labels = world(seed, branches)
        found = ranking_association(
            features, others, labels, num_neighbours=num_neighbours, num_voters=num_voters
        )
        assert found.tolist() == oracle(features, others, labels, num_neighbours, num_voters)


def test_both_branches_must_find_the_label():
    """Nearest by the deep branch is a stranger that the shallow branch does not know."""
    deep, shallow = unit(np.array([[1, 0, 0]])), unit(np.array([[0, 1, 0]]))
    others_deep = unit(np.array([[1, 0, 0], [0.9, 0.2, 0], [0, 0, 1]]))
    others_shallow = unit(np.array([[0, 0, 1], [0, 1, 0], [0, 0.9, 0.1]]))
    labels = np.array([5, 3, 3])
    found = ranking_association(
        [deep, shallow], [others_deep, others_shallow], labels, num_neighbours=2, num_voters=1
    )
    assert found.tolist() == [3]


def test_noise_may_win_and_the_smallest_label_does_among_equals():
    x = unit(np.array([[1, 0.0], [1, 0.1], [1, 0.2]]))
    found = ranking_association([x], [x], np.array([2, NOISE, 1]), num_neighbours=1, num_voters=3)
    assert found.tolist() == [NOISE] * 3


def test_bad_input_is_refused():
    x, labels = unit(np.eye(3)), np.arange(3)
    with pytest.raises(ConfigError, match="0 neighbours, 5 voters"):
        ranking_association([x], [x], labels, num_neighbours=0, num_voters=5)
    with pytest.raises(FeatureError, match=r"1 branches for 1, \[3\] rows for 2 labels"):
        ranking_association([x], [x], labels[:2], num_neighbours=1, num_voters=1)
    with pytest.raises(FeatureError, match=r"2 branches for 1"):
        ranking_association([x, x], [x], labels, num_neighbours=1, num_voters=1)
