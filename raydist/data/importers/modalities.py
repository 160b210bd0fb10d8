"""The modality of a camera as the user declares it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from raydist.errors import ConfigError
from raydist.registry import one_of
from raydist.types import Modality


def check_cameras(declared: Mapping[str, Modality], cameras: Collection[str]) -> None:
    """Refuse modalities of cameras that are not there.

    Raises:
        ConfigError: with the nearest camera and all there are.
    """
    for camera in declared:
        if camera not in cameras:
            raise ConfigError(f"no camera {camera!r}{one_of(camera, sorted(cameras))}")
