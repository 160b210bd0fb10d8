"""Views of a clip that several methods ask for."""

from __future__ import annotations

from raydist.data.transforms.augment import TONES_INFRARED, TONES_VISIBLE
from raydist.methods.steps import ClipView
from raydist.types import Modality

TONES = {Modality.VISIBLE: TONES_VISIBLE, Modality.INFRARED: TONES_INFRARED}
"""The augmentation that changes tones of grey and colour, for each modality."""

PLAIN_AND_TONES = (ClipView(), ClipView(augment=TONES))
"""Two views, each with frames drawn from the whole tracklet: the basic one and one in other tones."""
