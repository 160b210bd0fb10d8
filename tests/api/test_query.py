"""A query among some rows of a gallery."""

import numpy as np
import pytest

from raydist.api.query import Asked, error_rates
from raydist.errors import DataError


def test_matches_in_some_rows_are_a_sort_of_these(features):
    rows = np.arange(5, len(features), 3)
    asked = Asked.of_row(features, 8)
    matches = asked.matches_in(rows, top=10, least=None)
    others = rows[rows != 8]
    similarity = features.features[others].astype(np.float64) @ features.features[8].astype(np.float64)
    order = np.lexsort((others, -similarity))[:10]
    assert [match.tracklet_id for match in matches] == features.tracklet_id[others[order]].tolist()
    assert [match.similarity for match in matches] == pytest.approx(similarity[order], abs=1e-5)
    assert [match.same_person for match in matches] == [
        features.identity[row] == features.identity[8] for row in others[order]
    ]
    for number, match in enumerate(matches, start=1):  # as it is shown, be it rounded up or down
        assert len(asked.matches_in(rows, top=10, least=match.similarity)) == number


def test_the_query_alone_is_nothing_to_search_in(features):
    with pytest.raises(DataError, match="nothing to search in"):
        Asked.of_row(features, 8).matches_in(np.array([8]), top=1, least=None)


def test_rates_of_a_similarity_are_shares_of_pairs(features):
    assert error_rates(features, 2.0).missed == 1
    assert error_rates(features, -2.0).false_matches == 1
    assert error_rates(features.take(features.modality == 0), None) is None
