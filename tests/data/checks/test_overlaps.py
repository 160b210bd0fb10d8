import numpy as np
import pytest

from raydist.data.checks.overlaps import (
    FROM_START,
    LISTED,
    NO_IDENTITIES,
    NO_NUMBERS,
    SINGLE_IMAGES,
    overlaps_in_time,
)


def frames(first, last, folder="hall/1", step=1):
    return [f"{folder}/{number:06d}.jpg" for number in range(first, last + 1, step)]


def row(identity, first, last, *, camera="hall", modality="visible", folder="hall/1", step=1):
    return "train", modality, camera, identity, frames(first, last, folder, step)


def test_the_last_frame_counts(table_of):
    overlaps = overlaps_in_time(
        table_of(
            row(1, 10, 20), row(1, 20, 30, folder="hall/2"), row(2, 15, 25, folder="hall/3"), row(2, 26, 26)
        )
    )
    assert overlaps.pairs == [("t0", "t1")]
    assert (overlaps.num_tracklets, overlaps.num_views, overlaps.unknown) == (1, 1, {})


def test_other_cameras_modalities_and_recordings_do_not_count(table_of):
    overlaps = overlaps_in_time(
        table_of(
            row(1, 10, 20),
            row(1, 10, 20, camera="yard", folder="yard/1"),
            row(1, 10, 20, modality="infrared"),
            row(1, 11, 20, folder="hall_later/1"),
            row(None, 11, 20),
        )
    )
    assert (overlaps.num_tracklets, overlaps.num_views) == (0, 3)


def test_the_one_that_ended_last_is_named(table_of):
    overlaps = overlaps_in_time(table_of(row(1, 5, 90), row(1, 6, 10), row(1, 50, 60), row(1, 95, 99)))
    assert overlaps.pairs == [("t0", "t1"), ("t0", "t2")]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row(None, 1, 5), row(None, 3, 9)], NO_IDENTITIES),
        ([row(1, 1, 5), row(1, 1, 5), row(1, 4, 9)], FROM_START),
        (
            [row(person, person, person, folder=f"Visible/{n}") for person in (2, 3) for n in "abc"],
            SINGLE_IMAGES,
        ),
        ([row(1, 1, 5), ("train", "visible", "hall", 1, ["hall/2/9.jpg", "hall/2/7.jpg"])], NO_NUMBERS),
        ([row(1, 1, 5), ("train", "visible", "hall", 1, ["hall/2/7.jpg", "hall/2/7.jpg"])], NO_NUMBERS),
        ([row(1, 1, 5), ("train", "visible", "hall", 1, ["hall/2/face.jpg"])], NO_NUMBERS),
        ([row(1, 2, 5), ("train", "visible", "hall", 1, ["hall/2/face.jpg", "hall/2/8.jpg"])], NO_NUMBERS),
    ],
)
def test_why_it_cannot_be_known(table_of, rows, reason):
    overlaps = overlaps_in_time(table_of(*rows, row(1, 3, 8, camera="yard"), row(1, 4, 5, camera="yard")))
    assert overlaps.unknown == {reason: ["hall (visible)"]}
    assert (overlaps.num_views, overlaps.pairs) == (1, [(f"t{len(rows)}", f"t{len(rows) + 1}")])


def test_numbers_that_begin_anew_for_each_person_say_enough(table_of):
    people = [row(person, 1, 5, folder=f"{person}/x") for person in range(8)]
    later = [row(person, 4 + 2 * person, 9 + 2 * person, folder=f"{person}/x") for person in range(2)]
    overlaps = overlaps_in_time(table_of(*people, *later))
    assert (overlaps.pairs, overlaps.unknown) == ([("t0", "t8")], {})


def test_tracklets_of_which_none_has_another_need_no_times(table_of):
    overlaps = overlaps_in_time(table_of(*(("train", "visible", "hall", n, [f"{n}/face"]) for n in range(4))))
    assert (overlaps.num_tracklets, overlaps.num_views, overlaps.unknown) == (0, 1, {})


def test_no_tracklets(table_of):
    assert overlaps_in_time(table_of()).num_tracklets == 0


@pytest.mark.parametrize("seed", range(20))
def test_the_same_as_a_comparison_of_all_pairs(table_of, seed):
    rng = np.random.default_rng(seed)
    rows, spans = [], []
    for _ in range(120):
        identity, camera, start = int(rng.integers(4)), f"c{rng.integers(2)}", int(rng.integers(100))
        end, folder = start + int(rng.integers(15)), f"{rng.integers(2)}/x"
        rows.append(row(identity, start, end, camera=camera, folder=folder))
        spans.append(((identity, camera, folder), start, end))
    late = {
        b
        for b, (key, start, _) in enumerate(spans)
        for a, (other, other_start, other_end) in enumerate(spans)
        if key == other and (other_start, a) < (start, b) and start <= other_end
    }
    overlaps = overlaps_in_time(table_of(*rows))
    assert overlaps.num_tracklets == len(late) > LISTED
    assert len(overlaps.pairs) == LISTED
    for first, second in overlaps.pairs:
        (key, _, end), (other, start, _) = spans[int(first[1:])], spans[int(second[1:])]
        assert key == other
        assert start <= end
        assert int(second[1:]) in late
