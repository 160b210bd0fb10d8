"""The modality of a camera as the user declares it, or as the words in a path say it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from raydist.errors import ConfigError
from raydist.registry import one_of
from raydist.types import Modality

WORDS = {
    **dict.fromkeys(("visible", "vis", "rgb", "color", "colour"), Modality.VISIBLE),
    **dict.fromkeys(("infrared", "ir", "nir", "lwir", "thermal", "tir"), Modality.INFRARED),
}
"""What a path may call a modality; capitals or not."""


def check_cameras(declared: Mapping[str, Modality], cameras: Collection[str]) -> None:
    """Refuse modalities of cameras that are not there.

    Raises:
        ConfigError: with the nearest camera and all there are.
    """
    for camera in declared:
        if camera not in cameras:
            raise ConfigError(f"no camera {camera!r}{one_of(camera, sorted(cameras))}")
