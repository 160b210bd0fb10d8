"""Settings of a drawn world: people, cameras, passes, and what makes people hard to match."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from raydist.errors import ConfigError

SHORTEST_TRACKLET = 12
"""Frames; HITSZ-VCM drops shorter tracklets."""

GENERATOR_VERSION = 1
"""Raised whenever the same settings and seed give other bytes, so that cached worlds are drawn anew."""

_RANGES: dict[str, tuple[float, float]] = {
    "num_train_identities": (0, 9999),
    "num_test_identities": (0, 9999),
    "num_auxiliary_identities": (0, 9999),
    "num_cameras": (2, 99),
    "extra_passes": (0, 1000),
    "imbalance": (0, 10),
    "pieces": (1, 100),
    "height": (32, 1024),
    "width": (16, 512),
    "gap": (0, 1),
    "pattern_survival": (0, 1),
    "id_spread": (0, 1.5),
    "wardrobe": (0, 10**6),
    "clothes_change": (0, 1),
    "unpaired": (0, 1),
    "occlusion": (0, 1),
    "pedestrians": (0, 1),
    "id_switch": (0, 1),
    "jitter": (0, 5),
    "noise_visible": (0, 1),
    "noise_infrared": (0, 1),
    "view_spread": (0, 1),
    "clutter": (0, 2),
    "far": (0, 1),
    "jpeg_quality": (1, 100),
}


@dataclass(frozen=True)
class WorldSettings:
    """Everything a drawn world depends on, beside the layout and the seed.

    Attributes:
        num_train_identities: persons of the training split.
        num_test_identities: other persons, of the test split.
        num_auxiliary_identities: further training persons, each seen by one camera (BUPTCampus layout only).
        num_cameras: cameras, shared by both modalities.
        sees: fewest and most cameras that see a person, drawn for each modality on its own;
            a test identity is always seen by two at least.
        extra_passes: at most so many passes of a (person, modality) beyond one for each of its cameras ...
        imbalance: ... their number k has probability proportional to 1 / (k + 1)^imbalance (Zipf).
        frames: fewest and most frames of a pass.
        pieces: tracklets that a pass is cut into, each of SHORTEST_TRACKLET frames at least.
        height: frame height in pixels.
        width: frame width in pixels.
        gap: 0: infrared albedo is the luminance of the visible albedo; 1: it is independent of it.
        pattern_survival: chance that a printed pattern is seen in infrared.
        id_spread: how far bodies, gaits, skin and hair differ between persons; 0: not at all.
        wardrobe: number of outfits that all persons share; 0: each person has outfits of their own.
        clothes_change: chance that a person wears another outfit in infrared (at night; not in paired
            passes).
        unpaired: share of the persons who are seen in one modality only (HITSZ-VCM layout only).
        occlusion: chance that something covers a part of a pass.
        pedestrians: chance that this something is a second walker.
        id_switch: chance that the tail of a pass's last tracklet shows another person (tracker error).
        jitter: noise of the detector's box; 1 is usual.
        noise_visible: standard deviation of the sensor noise, of full scale.
        noise_infrared: the same for the infrared sensor.
        view_spread: 1: people walk in any direction; 0: always towards the camera.
        clutter: strength of background texture and number of things standing about.
        far: chance that a pass is seen from afar, at half the resolution.
        jpeg_quality: of every frame file.

    Raises:
        ConfigError: a value is out of range, or values contradict each other.

    >>> WorldSettings(num_train_identities=4, num_test_identities=2, frames=(20, 30))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    raydist.errors.ConfigError: frames: a pass of 20 frames cannot be cut into pieces=2 ...
    """

    num_train_identities: int
    num_test_identities: int
    num_auxiliary_identities: int = 0
    num_cameras: int = 4
    sees: tuple[int, int] = (2, 3)
    extra_passes: int = 0
    imbalance: float = 1.5
    frames: tuple[int, int] = (24, 30)
    pieces: int = 2
    height: int = 64
    width: int = 32
    gap: float = 0.1
    pattern_survival: float = 0.9
    id_spread: float = 1.0
    wardrobe: int = 0
    clothes_change: float = 0.0
    unpaired: float = 0.0
    occlusion: float = 0.2
    pedestrians: float = 0.3
    id_switch: float = 0.0
    jitter: float = 1.0
    noise_visible: float = 0.012
    noise_infrared: float = 0.03
    view_spread: float = 1.0
    clutter: float = 1.0
    far: float = 0.2
    jpeg_quality: int = 92

    def __post_init__(self) -> None:
        for name in ("sees", "frames"):
            object.__setattr__(self, name, _checked_span(name, getattr(self, name)))
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name}: {value!r} is out of range; expected {low:g} to {high:g}")
        if not 1 <= self.num_identities <= 9999:
            raise ConfigError(
                f"{self.num_identities} identities in all: expected 1 to 9999, the layouts write four digits"
            )
        if self.sees[1] > self.num_cameras:
            raise ConfigError(
                f"sees: up to {self.sees[1]} cameras see a person, but num_cameras is {self.num_cameras}"
            )
        if self.frames[0] < self.pieces * SHORTEST_TRACKLET:
            raise ConfigError(
                f"frames: a pass of {self.frames[0]} frames cannot be cut into "
                f"pieces={self.pieces} tracklets of at least {SHORTEST_TRACKLET} frames"
            )

    @property
    def num_identities(self) -> int:
        """Persons in all splits."""
        return self.num_train_identities + self.num_test_identities + self.num_auxiliary_identities


def settings_hash(settings: WorldSettings, layout: str, seed: int) -> str:
    """A short name for the bytes that these arguments give, to key a cache by.

    Args:
        settings: the world.
        layout: ``hitsz_vcm`` or ``buptcampus``.
        seed: the seed of the draw.

    Returns:
        16 hexadecimal digits; other ones after any change of a setting, of the layout, seed or generator.

    >>> world = WorldSettings(num_train_identities=4, num_test_identities=2)
    >>> settings_hash(world, "hitsz_vcm", 0) == settings_hash(world, "hitsz_vcm", 1)
    False
    """
    text = json.dumps([GENERATOR_VERSION, asdict(settings), layout, seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _checked_span(name: str, span: tuple[int, int]) -> tuple[int, int]:
    """The pair as a tuple (configuration files give lists)."""
    if len(span) != 2 or not 1 <= span[0] <= span[1]:
        raise ConfigError(f"{name}: {span!r}; expected two numbers, the fewest and the most, from 1 up")
    return int(span[0]), int(span[1])
