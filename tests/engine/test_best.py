from raydist.engine.best import BestEpoch, best_epoch, mean_map
from raydist.evaluation.directions import DIRECTIONS


def scores(mean):
    low, high = ({"map": mean + shift} for shift in (-1, 1))
    return dict(zip(DIRECTIONS, (low, high), strict=True))


def test_best_is_the_trained_epoch_of_the_highest_mean():
    history = {epoch: scores(mean) for epoch, mean in {0: 99, 2: 5, 4: 7, 6: 7}.items()}
    assert mean_map(history[4]) == 7
    assert best_epoch(history, {}) == BestEpoch(4, "map", 7)
    assert best_epoch({0: history[0]}, {}) is None


def test_scores_come_before_criteria():
    assert best_epoch({1: scores(5)}, {2: {"silhouette": 1.0}}) == BestEpoch(1, "map", 5)


def test_without_scores_the_first_criterion_that_was_measured_decides():
    criteria = {1: {"balance": 1.0}, 2: {"balance": 0.5, "stability": 0.1}, 3: {"stability": 0.4}}
    assert best_epoch({}, criteria) == BestEpoch(3, "stability", 0.4)
    assert best_epoch({0: scores(5)}, {1: {"silhouette": 0.2}, 2: {"silhouette": 0.2}}).epoch == 1
    assert best_epoch({}, {}) is None
    assert best_epoch({}, {1: {}}) is None
