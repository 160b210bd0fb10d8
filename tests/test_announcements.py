"""What is announced reaches the nearest listener, and no one where there is none."""

from raydist.announcements import announce, listening


def test_the_nearest_listener_hears_it_and_the_outer_one_again_afterwards():
    outer, inner = [], []
    announce("before")
    with listening(outer.append):
        with listening(inner.append):
            announce("drawing")
        announce("packing")
    announce("after")
    assert (outer, inner) == (["packing"], ["drawing"])


def test_a_listener_is_left_when_the_work_fails():
    said = []
    try:
        with listening(said.append):
            raise RuntimeError
    except RuntimeError:
        announce("later")
    assert said == []
