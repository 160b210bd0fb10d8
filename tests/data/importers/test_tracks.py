import numpy as np
import pytest

from raydist.data.datasets.notes import ReadNotes
from raydist.data.importers.boxes import Boxes
from raydist.data.importers.tracks import TrackRules, cut_frames, select_boxes, split_tracks
from raydist.errors import ConfigError

SIZE = (100, 200)


def boxes_of(rows):
    """Boxes of rows: frame, track, left, top, right, bottom, confidence, class."""
    table = np.array(rows, float).reshape(-1, 8)
    whole = table.astype(np.int64)
    lines = np.arange(1, len(table) + 1)
    return Boxes(whole[:, 0], whole[:, 1], table[:, 2:6], table[:, 6], whole[:, 7], lines)


def test_boxes_are_clipped_and_rounded():
    boxes = boxes_of([[1, 1, -5.4, -3, 20.6, 150, 1, -1], [2, 1, 190.2, 10.4, 230, 90, 1, -1]])
    chosen = select_boxes(boxes, TrackRules(), SIZE, ReadNotes(), "cam")
    assert chosen.corners.tolist() == [[0, 0, 21, 100], [190, 10, 200, 90]]


def test_each_box_is_left_out_for_one_reason():
    boxes = boxes_of(
        [
            [1, 1, 0, 0, 50, 50, 1, 1],  # taken
            [2, 1, 0, 0, 50, 50, 1, 2],  # another class
            [3, 1, 0, 0, 50, 50, 0, 1],  # ignored
            [4, 1, 0, 0, 50, 50, 0.4, -1],  # unsure
            [5, 1, 0, 0, 50, 50, -1, -1],  # no confidence is known: taken
            [6, 1, 50, 0, 50, 50, 1, 1],  # no area
            [7, 1, 300, 0, 350, 50, 1, 1],  # outside
            [8, 1, 0, 80, 50, 150, 1, 1],  # 20 high once clipped
        ]
    )
    notes = ReadNotes()
    rules = TrackRules(min_height=30, min_confidence=0.5)
    assert select_boxes(boxes, rules, SIZE, notes, "cam").frame.tolist() == [1, 5]
    assert notes.counts == {
        "box of another class": 1,
        "box marked as ignored": 1,
        "box below the confidence": 1,
        "box without area": 1,
        "box outside the picture": 1,
        "box below the height": 1,
    }
    assert notes.examples["box of another class"] == ["cam, line 2 (class 2)"]
    assert select_boxes(
        boxes, TrackRules(classes=frozenset({2})), SIZE, ReadNotes(), "cam"
    ).frame.tolist() == [2, 4, 5]


def test_a_class_that_is_chosen_where_no_class_is_given_is_said():
    plain, chosen = TrackRules(), TrackRules(classes=frozenset({3}))
    without, some = [1, 1, 0, 0, 9, 9, 1, -1], [2, 1, 0, 0, 9, 9, 1, 3]
    for rows, rules, counts in (
        ([without], chosen, {"track file in which no class is given, so --class has no effect": 1}),
        ([without], plain, {}),
        ([without, some], chosen, {}),
    ):
        notes = ReadNotes()
        assert len(select_boxes(boxes_of(rows), rules, SIZE, notes, "cam.txt")) == len(rows)
        assert notes.counts == counts
        assert notes.left_out() == {}


def test_huge_boxes_are_clipped():
    boxes = boxes_of([[1, 1, -1e15, 0, 1e15, 1e15, 1, 1]])
    assert select_boxes(boxes, TrackRules(), SIZE, ReadNotes(), "cam").corners.tolist() == [[0, 0, 200, 100]]


def frames_of(pieces, boxes):
    return [(piece.track, piece.part, boxes.frame[piece.rows].tolist()) for piece in pieces]


def test_tracks_are_cut_at_gaps_and_lengths():
    frames = {1: [1, 2, 3, 7, 8], 4: [5], 9: [1, 2, 3, 4, 5]}
    boxes = boxes_of(
        [[frame, track, 0, 0, 9, 9, 1, 1] for track, numbers in frames.items() for frame in numbers]
    )
    notes = ReadNotes()
    pieces = split_tracks(boxes, TrackRules(min_length=2, max_length=3, max_gap=2), notes, "cam")
    assert frames_of(pieces, boxes) == [
        (1, 1, [1, 2, 3]),
        (1, 2, [7, 8]),
        (9, 1, [1, 2, 3]),
        (9, 2, [4, 5]),
    ]
    assert notes.examples == {"tracklet below the length": ["cam, track 4: 1 frame"]}
    whole = split_tracks(boxes, TrackRules(max_gap=3, every=2), ReadNotes(), "cam")
    assert frames_of(whole, boxes) == [(1, None, [1, 3, 8]), (4, None, [5]), (9, None, [1, 3, 5])]


def test_no_boxes_no_tracklets():
    assert split_tracks(boxes_of([]), TrackRules(), ReadNotes(), "cam") == []


@pytest.mark.parametrize("length", range(1, 30))
@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (3, 7), (7, 7)])
def test_parts_are_even_and_nothing_is_lost(length, shortest, longest):
    rules = TrackRules(min_length=shortest, max_length=longest)
    parts = cut_frames(np.arange(length), rules, ReadNotes(), "t")
    if length < shortest:
        assert parts == []
        return
    assert np.concatenate(parts).tolist() == list(range(length))
    lengths = [len(part) for part in parts]
    assert max(lengths) <= longest
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(
    "rules",
    [{"every": 0}, {"min_height": 0}, {"max_length": 0}, {"max_gap": -1}, {"min_length": 5, "max_length": 4}],
)
def test_rules_that_cannot_be(rules):
    with pytest.raises(ConfigError):
        TrackRules(**rules)


def test_a_confidence_that_is_no_number_is_refused():
    with pytest.raises(ConfigError, match="min_confidence nan: expected a finite number"):
        TrackRules(min_confidence=float("nan"))
