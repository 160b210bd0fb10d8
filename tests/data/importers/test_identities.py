import pytest

from raydist.data.importers.identities import are_renumbered, number_identities


@pytest.mark.parametrize(
    ("texts", "numbers", "renumbered"),
    [
        (["0012", "3"], {"0012": 12, "3": 3}, False),
        (["b", "a", "b"], {"a": 1, "b": 2}, True),
        (["7", "007"], {"007": 1, "7": 2}, True),
        (["9" * 30], {"9" * 30: 1}, True),
        (["²", "٣"], {"²": 1, "٣": 2}, True),
        ([], {}, False),
    ],
)
def test_numbers(texts, numbers, renumbered):
    assert number_identities(texts) == numbers
    assert are_renumbered(numbers) == renumbered
