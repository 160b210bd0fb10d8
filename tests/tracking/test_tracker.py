from raydist.tracking.tracker import flatten, nested


def test_paths_become_the_tree_that_they_came_from():
    tree = {"last": {"v_to_i": {"map": 1.0, "rank1": 2.0}, "i_to_v": {"map": 3.0}}, "seconds": 4.0}
    assert nested(dict(flatten(tree))) == tree
