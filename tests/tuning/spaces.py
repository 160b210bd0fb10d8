"""A search space that several tests read."""

EVERY_KIND = {
    "recipes": {"synthetic": "smoke"},
    "method.refinement.eta": {"uniform": [1, 2]},
    "train.lr": {"loguniform": [1e-4, 1e-2]},
    "clustering.min_samples": {"randint": [2, 4]},
    "method.intra.momentum": {"quniform": [0.1, 0.9, 0.1]},
    "clustering.distance": {"choice": ["jaccard", "camera-aware"]},
}
"""With a distribution of every kind."""
