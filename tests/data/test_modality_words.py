import pytest

from raydist.data.modality_words import modality_hint


@pytest.mark.parametrize(
    ("word", "modality"),
    [
        ("Thermal", "infrared"),
        ("IR", "infrared"),
        (" nir ", "infrared"),
        ("RGB", "visible"),
        ("colour", "visible"),
        ("color", "visible"),
    ],
)
def test_common_words_are_explained(word, modality):
    assert modality_hint(word) == f"; write {modality!r}"


@pytest.mark.parametrize("word", ["", "depth", "infra"])
def test_other_words_are_not(word):
    assert modality_hint(word) == ""
