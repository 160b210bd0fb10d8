import numpy as np

from raydist.data.checks.lengths import tracklet_lengths


def of_lengths(table_of, visible, infrared):
    rows = [
        ("train", modality, "a", None, [f"{frame}.jpg" for frame in range(length)])
        for modality, lengths in (("visible", visible), ("infrared", infrared))
        for length in lengths
    ]
    return tracklet_lengths(table_of(*rows))


def test_ranges_that_double(table_of):
    lengths = of_lengths(table_of, [2, 3, 4, 7], [1, 16, 1])
    assert lengths.ranges == [(1, 1), (2, 3), (4, 7), (8, 15), (16, 31)]
    assert lengths.tracklets == {"visible": [0, 2, 2, 0, 0], "infrared": [2, 0, 0, 0, 1]}
    assert lengths.num_single == {"visible": 0, "infrared": 2}
    assert lengths.quartiles["infrared"] == [1, 1, 1, 8.5, 16]


def test_every_tracklet_is_in_the_range_of_its_length(table_of):
    numbers = np.random.default_rng(0).integers(3, 70, 60)
    lengths = of_lengths(table_of, numbers[:40], numbers[40:])
    for name, part in (("visible", numbers[:40]), ("infrared", numbers[40:])):
        counts = [sum(first <= number <= last for number in part) for first, last in lengths.ranges]
        assert lengths.tracklets[name] == counts
        assert sum(counts) == len(part)


def test_one_modality_and_none(table_of):
    lengths = of_lengths(table_of, [5], [])
    assert lengths.ranges == [(4, 7)]
    assert lengths.tracklets == {"visible": [1], "infrared": [0]}
    assert lengths.quartiles == {"visible": [5] * 5, "infrared": []}
    assert of_lengths(table_of, [], []).ranges == []
