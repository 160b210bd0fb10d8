"""Film one pass: the scene, the walker, what comes in between, and the two sensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raydist.data.synthetic.bodies import Person
from raydist.data.synthetic.cameras import Camera, cloudy
from raydist.data.synthetic.degradation import (
    Boxes,
    cover_with_thing,
    draw_boxes,
    draw_span,
    through_lens,
)
from raydist.data.synthetic.dressing import dress
from raydist.data.synthetic.passes import Pass
from raydist.data.synthetic.projection import place, project
from raydist.data.synthetic.rasteriser import Canvas, Light, paint_figure
from raydist.data.synthetic.sensors import Bytes, expose_infrared, expose_visible
from raydist.data.synthetic.walking import gait_phase, walk
from raydist.data.synthetic.world import World
from raydist.types import Floats, Modality

Array = NDArray[np.floating]
_SPEED = 0.68
"""Walking speed in body heights per second (1.3 m/s), times the share of the frame that a body fills."""


@dataclass(frozen=True)
class Footage:
    """The T frames of a pass.

    Attributes:
        frames: per filmed modality uint8 [T, H, W, 3] (visible, RGB) or [T, H, W] (infrared).
        mask: float32 [T, H, W], how much of a pixel shows the walker.
    """

    frames: dict[Modality, Bytes]
    mask: Floats


def film(recording: Pass, world: World) -> Footage:
    """Film a pass.

    Args:
        recording: which person passes which camera.
        world: persons and cameras.

    Returns:
        The footage, a function of the pass, the settings and the seed alone.
    """
    camera, settings, seed = world.cameras[recording.camera], world.settings, world.seed
    yaw = _draw_yaw(recording.stream(seed, "path"), camera, recording.num_frames, settings.view_spread)
    pan = np.sin(yaw) * _SPEED / camera.frame_rate * settings.height
    boxes = draw_boxes(
        recording.stream(seed, "boxes"),
        recording.num_frames,
        settings.height,
        settings.width,
        settings.jitter,
    )
    canvas = _look_at_scene(recording, world, pan)
    _cast_shadow(canvas, camera, boxes)
    stop = recording.num_frames if recording.switch is None else recording.switch.frame
    _paint_walker(recording, world, canvas, boxes, yaw, identity=recording.identity, start=0, stop=stop)
    if recording.switch is not None:
        identity = recording.switch.identity
        _paint_walker(
            recording, world, canvas, boxes, yaw, identity=identity, start=stop, stop=recording.num_frames
        )
    _occlude(recording, world, canvas, boxes, pan)
    return Footage(_sense(recording, world, canvas, yaw), canvas.mask)


def _draw_yaw(rng: np.random.Generator, camera: Camera, num_frames: int, view_spread: float) -> Array:
    """Up or down the camera's path, [T] radians, with a little wandering."""
    along = camera.direction + np.pi * rng.integers(2) + rng.normal(0, 0.35)
    wandering = np.cumsum(rng.normal(0, 0.02, num_frames))
    return view_spread * ((along + np.pi) % (2 * np.pi) - np.pi) + wandering


def _look_at_scene(recording: Pass, world: World, pan: Array) -> Canvas:
    """Frames of the empty scene, from a window that follows the walker and turns back at the ends."""
    settings, camera = world.settings, world.cameras[recording.camera]
    height, width = settings.height, settings.width
    rng = recording.stream(world.seed, "scene")
    room = camera.infrared.shape[1] - width
    left = np.abs((rng.uniform(0, room) + np.cumsum(pan) + room) % (2 * room) - room).astype(int)
    top = int(
        np.clip(camera.horizon - height * rng.uniform(0.10, 0.45), 0, camera.infrared.shape[0] - height)
    )
    lamp_reach, folds = rng.uniform(0.35, 0.8), 1 + 0.045 * cloudy(rng, (height, width), (24, 48, 96))

    def windows(scene: Floats) -> Floats:
        return np.stack([scene[top : top + height, x : x + width] for x in left])

    empty = {Modality.VISIBLE: camera.visible, Modality.INFRARED: camera.infrared * np.float32(lamp_reach)}
    return Canvas(
        layers={modality: windows(empty[modality]) for modality in recording.modalities},
        mask=np.zeros((recording.num_frames, height, width), np.float32),
        folds=folds,
    )


def _cast_shadow(canvas: Canvas, camera: Camera, boxes: Boxes) -> None:
    """Darken the ground at the feet in sunlight; the infrared lamp stands at the camera and casts none."""
    if Modality.VISIBLE not in canvas.layers:
        return
    height, width = canvas.mask.shape[1:]
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    across = (x - boxes.centre[:, None] - 0.1 * camera.light_side * height) / (0.20 * height)
    down = (y - boxes.ground[:, None]) / (0.035 * height)
    shadow = np.exp(-(across[:, None, :] ** 2) - down[:, :, None] ** 2)
    canvas.layers[Modality.VISIBLE][:] *= (1 - 0.5 * (1 - camera.ambient) * shadow[..., None]).astype(
        np.float32
    )


def _paint_walker(
    recording: Pass,
    world: World,
    canvas: Canvas,
    boxes: Boxes,
    yaw: Array,
    *,
    identity: int,
    start: int,
    stop: int,
) -> None:
    """Paint one person on the frames from `start` to `stop`."""
    camera, person = world.cameras[recording.camera], world.persons[identity]
    rng = recording.stream(world.seed, "gait" if identity == recording.identity else "gait of another")
    phase = gait_phase(person.gait, recording.num_frames, camera.frame_rate, rng)[start:stop]
    _paint_person(
        canvas.frames(start, stop),
        person,
        camera,
        session=recording.modalities[0],
        phase=phase,
        yaw=yaw[start:stop],
        boxes=boxes.frames(start, stop),
    )


def _paint_person(
    canvas: Canvas,
    person: Person,
    camera: Camera,
    *,
    session: Modality,
    phase: Array,
    yaw: Array,
    boxes: Boxes,
    is_walker: bool = True,
) -> None:
    """Paint a person on all frames, dressed for a session; paired recordings are made by day.

    A detector's box hides most of a difference in height, not all.
    """
    outfit = person.outfits[session]
    strokes = project(walk(person, outfit, phase), yaw, camera.pitch, person.body.height)
    strokes = place(strokes, boxes.scale / person.body.height**0.35, boxes.centre, boxes.ground)
    light = Light(camera.light_side, camera.ambient)
    paint_figure(canvas, strokes, dress(person, outfit), yaw, light, is_walker=is_walker)


def _occlude(recording: Pass, world: World, canvas: Canvas, boxes: Boxes, pan: Array) -> None:
    """Perhaps put a thing or a second walker in front of a part of the pass."""
    settings = world.settings
    rng = recording.stream(world.seed, "occlusion")
    if rng.random() >= settings.occlusion:
        return
    start, stop = draw_span(rng, recording.num_frames)
    if rng.random() < settings.pedestrians and settings.num_identities > 1:
        _paint_passer_by(recording, world, canvas.frames(start, stop), boxes.frames(start, stop), rng)
    else:
        cover_with_thing(canvas.frames(start, stop), rng, pan[start:stop])


def _paint_passer_by(
    recording: Pass, world: World, canvas: Canvas, boxes: Boxes, rng: np.random.Generator
) -> None:
    """A person else crosses the picture, nearer to the camera."""
    camera, width = world.cameras[recording.camera], canvas.mask.shape[2]
    step = 1 + int(rng.integers(world.settings.num_identities - 1))
    person = world.persons[(recording.identity - 1 + step) % world.settings.num_identities + 1]
    num_frames, side = len(boxes.scale), float(rng.choice([-1.0, 1.0]))
    yaw = side * (0.5 * np.pi + rng.normal(0, 0.25)) + np.zeros(num_frames)
    across = side * np.linspace(rng.uniform(-0.9, -0.3), rng.uniform(0.3, 0.9), num_frames)
    nearer = rng.uniform(1.0, 1.2)
    crossing = Boxes(
        boxes.scale * nearer, 0.5 * width + across * width, boxes.ground + boxes.scale * (nearer - 1) * 0.6
    )
    phase = gait_phase(person.gait, num_frames, camera.frame_rate, rng)
    session = recording.modalities[0]
    _paint_person(
        canvas, person, camera, session=session, phase=phase, yaw=yaw, boxes=crossing, is_walker=False
    )


def _sense(recording: Pass, world: World, canvas: Canvas, yaw: Array) -> dict[Modality, Bytes]:
    """What the sensors make of the light."""
    settings, camera, seed = world.settings, world.cameras[recording.camera], world.seed
    rng = recording.stream(seed, "distance")
    is_far, left = rng.random() < settings.far, rng.uniform(0.45, 0.7)
    far = left if is_far else None
    frames: dict[Modality, Bytes] = {}
    for modality, layer in canvas.layers.items():
        rng = recording.stream(seed, f"{modality.label} sensor")
        if modality is Modality.VISIBLE:
            light = through_lens(layer, camera.blur, far)
            frames[modality] = expose_visible(light, camera, rng, settings.noise_visible)
        else:
            light = through_lens(layer, camera.infrared_blur, far)
            frames[modality] = expose_infrared(light, camera, rng, settings.noise_infrared, yaw)
    return frames
