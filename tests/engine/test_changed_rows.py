"""What is said of changed tracklets, against random edits of which all is known."""

from hypothesis import given
from hypothesis import strategies as st

from raydist.engine.changed_rows import changed_rows
from raydist.engine.tracklet_rows import TrackletRow


def row(name: str, *, split="train", digest=None, **values) -> TrackletRow:
    fields = {"modality": "visible", "camera": "0", "identity": "", "pair": "", "frames": "4"}
    return TrackletRow(split=split, tracklet_id=name, digest=digest or f"of {name}", **fields | values)


ROWS = [row(name) for name in "abcdef"]


def test_equal_rows_give_no_line():
    assert changed_rows(ROWS, list(ROWS)) == []


def test_rows_that_are_gone_and_new_are_named_up_to_three():
    assert changed_rows(ROWS, ROWS[1:]) == ["1 training tracklet is gone: a"]
    assert changed_rows(ROWS[:2], ROWS) == ["4 training tracklets are new: c, d, e and 1 more"]


def test_a_doubled_row_is_new():
    assert changed_rows(ROWS, [*ROWS, row("a2", digest="of a")]) == ["1 training tracklet is new: a2"]
    assert changed_rows([*ROWS, row("a2", digest="of a")], ROWS) == ["1 training tracklet is gone: a2"]


def test_other_frames_under_the_same_id():
    after = [row("a", digest="inverted"), *ROWS[1:]]
    assert changed_rows(ROWS, after) == ["1 training tracklet has other frames: a"]


def test_where_ids_are_numbers_one_removed_row_is_named_and_the_shift_of_the_others():
    """Row c is taken away; d, e and f take the ids before them."""
    after = [*ROWS[:2], *(row(name, digest=f"of {was}") for name, was in zip("cde", "def", strict=True))]
    assert changed_rows(ROWS, after) == [
        "1 training tracklet is gone: c",
        "3 training tracklets have other ids: d is now c, e is now d, f is now e",
    ]


def test_other_cameras_identities_and_pairs():
    after = [row("a", camera="1"), row("b", pair="7"), row("c", identity="3"), *ROWS[3:]]
    assert changed_rows(ROWS, after) == [
        "1 training tracklet has other cameras: a 0 -> 1",
        "1 training tracklet has other identities: c none -> 3",
        "1 training tracklet has other pairs: b none -> 7",
    ]


def test_another_order_of_the_same_rows():
    ranked = [row(name, split="query") for name in "xy"]
    assert changed_rows([*ROWS, *ranked], [*ROWS, *ranked[::-1]]) == [
        "the query or gallery tracklets stand in another order"
    ]


def test_training_and_ranking_have_lines_of_their_own():
    before = [*ROWS, row("x", split="query"), row("y", split="gallery")]
    after = [*ROWS[1:], row("x", split="gallery"), row("y", split="gallery")]
    assert changed_rows(before, after) == [
        "1 training tracklet is gone: a",
        "1 query or gallery tracklet has other splits: x query -> gallery",
    ]


@given(
    st.lists(st.sampled_from(["stay", "remove", "change", "rename"]), min_size=1, max_size=12),
    st.integers(0, 3),
)
def test_random_edits_are_counted(edits, num_new):
    before = [row(f"t{n}") for n in range(len(edits))]
    after = [row(f"n{n}") for n in range(num_new)]
    for edit, one in zip(edits, before, strict=True):
        if edit == "change":
            after.append(one._replace(digest=f"other {one.digest}"))
        elif edit == "rename":
            after.append(one._replace(tracklet_id=f"r{one.tracklet_id}"))
        elif edit == "stay":
            after.append(one)
    counts = {
        "gone": edits.count("remove"),
        "new": num_new,
        "other frames": edits.count("change"),
        "other ids": edits.count("rename"),
    }
    lines = changed_rows(before, after)
    assert [int(line.split()[0]) for line in lines] == [number for number in counts.values() if number]
    assert all(what in line for what, line in zip([w for w, n in counts.items() if n], lines, strict=True))
