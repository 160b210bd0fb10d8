"""Paint strokes on all frames of a pass at once: one geometry, and from it visible, infrared and mask.

Parts are painted from the farthest to the nearest. A part is an anti-aliased signed distance to a tapered
segment; its shading comes from the surface normal of a cylinder (a sphere for round parts), and its print
from body coordinates, which turn with the body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.dressing import Looks
from raydist.data.synthetic.projection import Strokes
from raydist.data.synthetic.walking import Part
from raydist.types import Floats, Modality

_ROUND = np.isin(np.arange(len(Part)), (Part.HEAD, Part.HAIR, Part.BUN, Part.BAG, Part.L_HAND, Part.R_HAND))
_PRINT_SHARPNESS = np.float32(7)


class Window(NamedTuple):
    """A rectangle of the picture: rows top to bottom, columns left to right, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int


class Light(NamedTuple):
    """Side of the sun (-1 to 1) and share of ambient light; the infrared lamp is at the camera."""

    side: float
    ambient: float


@dataclass(frozen=True)
class Canvas:
    """The frames under the brush, linear light.

    Attributes:
        layers: for each modality wanted, float32 [T, H, W, 3] (visible) or [T, H, W] (infrared).
        mask: float32 [T, H, W], how much of a pixel shows the walker.
        folds: float32 [H, W], unevenness of cloth, about 1.
    """

    layers: dict[Modality, Floats]
    mask: Floats
    folds: Floats

    def frames(self, start: int, stop: int) -> Canvas:
        """Some consecutive frames, as views on the same pixels."""
        layers = {modality: layer[start:stop] for modality, layer in self.layers.items()}
        return Canvas(layers, self.mask[start:stop], self.folds)

    def blend(self, window: Window, alpha: Floats, light: dict[Modality, Floats], *, is_walker: bool) -> None:
        """Lay a surface over a window.

        Args:
            window: where, h rows and w columns.
            alpha: [T, h, w] opacity.
            light: light of the surface for each of the canvas's modalities, broadcast to [T, h, w(, 3)].
            is_walker: whether the surface belongs to the walker, or hides them.
        """
        region = (slice(None), slice(window.top, window.bottom), slice(window.left, window.right))
        for modality, layer in self.layers.items():
            below = layer[region]
            below += (alpha if below.ndim == 3 else alpha[..., None]) * (light[modality] - below)
        below = self.mask[region]
        below += alpha * (np.float32(is_walker) - below)


def paint_figure(
    canvas: Canvas,
    strokes: Strokes,
    looks: Looks,
    yaw: NDArray[np.floating],
    light: Light,
    *,
    is_walker: bool = True,
) -> None:
    """Paint one figure.

    Args:
        canvas: T frames, painted in place.
        strokes: T frames in pixels.
        looks: materials of the parts.
        yaw: [T] radians, turns the prints.
        light: of the visible camera.
        is_walker: False for a person who walks in front of the person whom the tracklet is about.
    """
    frames = np.arange(len(yaw))
    for layer in range(strokes.num_absent, len(Part)):
        part = strokes.order[:, layer]
        start, end, radii = (
            strokes.start[frames, part],
            strokes.end[frames, part],
            strokes.radii[frames, part],
        )
        window = _window(start, end, radii, canvas.mask.shape[1:])
        if window is None:
            continue
        surface = _surface(start, end, radii, _ROUND[part], window)
        weight = _print_weight(looks.pattern[part], surface, yaw.astype(np.float32))
        folds = canvas.folds[window.top : window.bottom, window.left : window.right]
        lit = {}
        if Modality.VISIBLE in canvas.layers:
            colour = _mix(
                looks.visible[part][:, :, None, None], None if weight is None else weight[..., None]
            )
            lit[Modality.VISIBLE] = colour * (_sunlight(surface, light) * folds)[..., None]
        if Modality.INFRARED in canvas.layers:
            albedo = _mix(looks.infrared[part][:, :, None, None], weight)
            lit[Modality.INFRARED] = albedo * (_lamplight(surface) * folds)
        canvas.blend(window, surface.alpha, lit, is_walker=is_walker)


class _Surface(NamedTuple):
    """Geometry of one part on its window, each [T, h, w].

    `along` runs from 0 to 1 on the axis, `side` from -1 to 1 across it; the normal's parts point right, down
    and towards the camera.
    """

    alpha: Floats
    along: Floats
    side: Floats
    right: Floats
    down: Floats
    facing: Floats


def _window(start: Floats, end: Floats, radii: Floats, shape: tuple[int, ...]) -> Window | None:
    """The rectangle that holds the part in all frames, or None when it is outside the picture."""
    reach = radii.max(1)[:, None] + np.float32(1.5)
    left, top = np.floor((np.minimum(start, end) - reach).min(0)).astype(int)
    right, bottom = np.ceil((np.maximum(start, end) + reach).max(0)).astype(int)
    window = Window(max(0, top), min(shape[0], bottom), max(0, left), min(shape[1], right))
    return window if window.top < window.bottom and window.left < window.right else None


def _surface(
    start: Floats, end: Floats, radii: Floats, is_round: NDArray[np.bool_], window: Window
) -> _Surface:
    """Distance to a tapered segment, and the normal of the body around it."""

    def each(values: NDArray[Any]) -> NDArray[Any]:
        return values[:, None, None]

    axis = end - start
    squared = (axis * axis).sum(1) + np.float32(1e-3)
    x = (
        np.arange(window.left, window.right, dtype=np.float32)[None, None, :]
        + np.float32(0.5)
        - each(start[:, 0])
    )
    y = (
        np.arange(window.top, window.bottom, dtype=np.float32)[None, :, None]
        + np.float32(0.5)
        - each(start[:, 1])
    )
    along = np.clip((x * each(axis[:, 0]) + y * each(axis[:, 1])) / each(squared), 0, 1)
    off_x, off_y = x - along * each(axis[:, 0]), y - along * each(axis[:, 1])
    radius = each(radii[:, 0]) + each(radii[:, 1] - radii[:, 0]) * along
    alpha = np.clip(np.float32(0.5) + radius - np.sqrt(off_x * off_x + off_y * off_y), 0, 1)
    inverse = 1 / np.maximum(radius, np.float32(1e-3))
    # The unit vector across the axis, turned to the right so that `side` keeps its meaning when limbs swing.
    across = np.stack([axis[:, 1], -axis[:, 0]], 1) / np.sqrt(squared)[:, None]
    across *= np.where(across[:, :1] < 0, np.float32(-1), np.float32(1))
    side = np.clip((x * each(across[:, 0]) + y * each(across[:, 1])) * inverse, -1, 1)
    right = np.where(each(is_round), off_x * inverse, side * each(across[:, 0]))
    down = np.where(each(is_round), off_y * inverse, side * each(across[:, 1]))
    facing = np.sqrt(np.clip(1 - right * right - down * down, np.float32(0.04), 1))
    return _Surface(alpha, along, side, right, down, facing)


def _print_weight(pattern: Floats, surface: _Surface, yaw: Floats) -> Floats | None:
    """How much of the print shows, [T, h, w] in 0 to 1, or None for plain parts."""
    if not pattern[:, :2].any():
        return None
    along, around, along_frequency, around_frequency, bias, phase = pattern.T[:, :, None, None]
    theta = np.arcsin(surface.side) + yaw[:, None, None]
    turn = np.float32(2 * np.pi)
    strength = along * np.sin(turn * (along_frequency * surface.along + phase))
    strength += around * np.sin(2 * around_frequency * theta + turn * phase) + bias
    return 1 / (1 + np.exp(-_PRINT_SHARPNESS * strength))


def _mix(albedo: Floats, weight: Floats | None) -> Floats:
    """Ground albedo[:, 0] with the print albedo[:, 1] laid over it."""
    ground = albedo[:, 0]
    return ground if weight is None else ground + weight * (albedo[:, 1] - ground)


def _sunlight(surface: _Surface, light: Light) -> Floats:
    """Ambient light, and the sun from one side and a little from above."""
    ahead = np.sqrt(np.float32(1 - light.side**2))
    sun = np.clip(
        surface.right * np.float32(light.side) + surface.facing * ahead - np.float32(0.25) * surface.down,
        0,
        1.2,
    )
    return np.float32(light.ambient) + np.float32(1 - light.ambient) * sun


def _lamplight(surface: _Surface) -> Floats:
    """A lamp at the camera: bright where the surface faces it, dark at the rim, no cast shadow."""
    return np.float32(0.45) + np.float32(0.55) * surface.facing
