"""Views of a clip that several methods ask for."""

from __future__ import annotations

from typing import Literal

from raydist.data.transforms.augment import TONES_INFRARED, TONES_VISIBLE
from raydist.data.transforms.published import (
    ADAPTIVE_GREY,
    BASE,
    EXCHANGE,
    JITTERED_ADAPTIVE_GREY,
    JITTERED_EXCHANGE,
)
from raydist.methods.steps import ClipView
from raydist.types import Modality

TONES = {Modality.VISIBLE: TONES_VISIBLE, Modality.INFRARED: TONES_INFRARED}
"""The augmentation that changes tones of grey and colour, for each modality."""

PLAIN_AND_TONES = (ClipView(), ClipView(augment=TONES))
"""Two views, each with frames drawn from the whole tracklet: the basic one and one in other tones."""

Jittered = Literal["none", "visible", "both"]
"""Whose colours are jittered: of no clip, of the second visible view, or of the infrared view too."""


def channel_views(jittered: Jittered) -> tuple[ClipView, ClipView]:
    """The views of the image methods since ADCA (Yang et al., ACM MM 2022).

    Visible clips have two: as they are, and with one channel in the place of all three, which no longer shows
    colour. Infrared clips have one, the channels of which are exchanged or weighed.

    Args:
        jittered: whose colours are jittered before.

    >>> first, second = channel_views("none")
    >>> first.shows, second.shows.label
    (None, 'visible')
    """
    visible = EXCHANGE if jittered == "none" else JITTERED_EXCHANGE
    infrared = JITTERED_ADAPTIVE_GREY if jittered == "both" else ADAPTIVE_GREY
    return (
        ClipView(augment={Modality.VISIBLE: BASE, Modality.INFRARED: infrared}),
        ClipView(augment={Modality.VISIBLE: visible, Modality.INFRARED: infrared}, shows=Modality.VISIBLE),
    )
