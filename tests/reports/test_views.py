from dataclasses import replace

import numpy as np

from raydist.reports.views import Views, knows_identities, with_map, with_rankings
from raydist.types import NOISE, UNKNOWN_IDENTITY


def test_sections_are_those_that_have_something_to_show(table):
    assert Views("x").sections == {}
    views = with_map(Views("x"), table, table.identity)
    assert list(views.sections) == ["association", "map"]
    views = with_rankings(views, table, None, "plain")
    assert list(views.sections) == [
        "association", "map", "similarities", "infrared_to_visible", "visible_to_infrared",
    ]  # fmt: skip
    assert views.num_queries == {"infrared_to_visible": 24, "visible_to_infrared": 24}
    assert views.scored
    assert not with_rankings(views, replace(table, identity=None), None, None).scored


def test_noise_alone_has_no_association(table):
    for labels in (None, np.full(len(table), NOISE)):
        views = with_map(Views("x"), table, labels)
        assert (views.association, views.matrix) == (None, None)
        assert views.map is not None


def test_an_identity_is_enough():
    assert not knows_identities(None)
    assert not knows_identities(np.array([UNKNOWN_IDENTITY]))
    assert knows_identities(np.array([UNKNOWN_IDENTITY, 3]))
