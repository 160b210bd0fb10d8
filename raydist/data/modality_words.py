"""What people and files call the two modalities."""

from __future__ import annotations

from raydist.types import Modality

WORDS = {
    **dict.fromkeys(("visible", "vis", "rgb", "color", "colour"), Modality.VISIBLE),
    **dict.fromkeys(("infrared", "ir", "nir", "lwir", "thermal", "tir"), Modality.INFRARED),
}
"""Words in small letters, the names that we use among them."""


def modality_hint(word: str) -> str:
    """What to write in the place of a word that means a modality; empty for others.

    >>> modality_hint("Thermal"), modality_hint("x-ray")
    ("; write 'infrared'", '')
    """
    modality = WORDS.get(word.strip().lower())
    return "" if modality is None else f"; write {modality.label!r}"
