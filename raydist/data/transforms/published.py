"""The views of images in the published code of ADCA, PGM, BMIL, DMDL, SDCL and HIL.

All of them resize, pad and crop, mirror, normalise, erase, and then copy or mix channels; colours are
jittered after mirroring, or before anything else (SDCL, HIL). ADCA and PGM are DCL's family.
"""

from __future__ import annotations

from dataclasses import replace

from raydist.data.transforms.augment import ClipAugment

BASE = ClipAugment(
    shift=10.5 / 288,
    flip=0.5,
    erase=0.5,
    normalised=True,
    even_aspect=True,
    erase_tries=100,
)
"""Pad 10 pixels at 288 x 144 and crop, so that each of 21 places down and right is as likely; flip; erase."""

EXCHANGE = replace(BASE, exchange=1.0)
"""One channel in the place of all three (Ye et al., Channel Augmented Joint Learning, ICCV 2021)."""

JITTERED_EXCHANGE = replace(EXCHANGE, jitter=0.5)
"""The second view of visible images in PGM and BMIL."""

ADAPTIVE_GREY = replace(BASE, exchange=0.75, luma=0.125)
"""The view of infrared images (ChannelAdapGray of the same paper).

R, G, B or, every other time, luma, each as likely.
"""

JITTERED_ADAPTIVE_GREY = replace(ADAPTIVE_GREY, jitter=0.5)
"""The view of infrared images in the first stage of PGM and BMIL on SYSU-MM01."""

FIRST_JITTERED = replace(BASE, jitter=0.5, jitter_first=True)
"""SDCL's and HIL's first view of visible images."""

FIRST_JITTERED_EXCHANGE = replace(FIRST_JITTERED, exchange=1.0)
"""SDCL's and HIL's second view of visible images."""

FIRST_JITTERED_ADAPTIVE_GREY = replace(FIRST_JITTERED, exchange=0.75, luma=0.125)
"""SDCL's and HIL's view of infrared images."""

NOISY = replace(BASE, erase_area=(0.02, 0.5), erase_noise=True, even_aspect=False, erase_tries=10)
"""DMDL's first view of visible images; a box of noise, by the rule of timm's RandomErasing."""

NOISY_JITTERED_EXCHANGE = replace(NOISY, jitter=0.5, exchange=1.0)
"""DMDL's second view of visible images, without their colours."""

NOISY_ADAPTIVE_GREY = replace(NOISY, exchange=0.75, luma=0.125)
"""DMDL's first view of infrared images."""

NOISY_COLOUR_MAPS = replace(NOISY, pseudo_colour=1.0)
"""DMDL's second view of infrared images, with colours that they never had."""
