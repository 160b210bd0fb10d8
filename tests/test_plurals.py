import pytest

from raydist.plurals import counted


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "frame", "0 frames"),
        (1, "frame", "1 frame"),
        (1, "identity", "1 identity"),
        (12345, "identity", "12,345 identities"),
        (2, "gallery row", "2 gallery rows"),
        (3, "key", "3 keys"),
        (2, "box", "2 boxes"),
        (2, "batch", "2 batches"),
        (12, "epoch", "12 epochs"),
    ],
)
def test_one_is_singular_and_all_others_are_plural(number, noun, text):
    assert counted(number, noun) == text
