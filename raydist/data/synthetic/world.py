"""A world: all persons and all cameras, built from the settings and the seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from raydist.data.synthetic.bodies import Person, draw_person, draw_wardrobe
from raydist.data.synthetic.cameras import Camera, draw_camera
from raydist.data.synthetic.settings import WorldSettings


@dataclass(frozen=True)
class World:
    """Persons and cameras by number from 1."""

    settings: WorldSettings
    seed: int
    persons: dict[int, Person]
    cameras: dict[int, Camera]


@lru_cache(maxsize=1)
def build_world(settings: WorldSettings, seed: int) -> World:
    """The world of these settings; cached, since a worker process draws many passes of one world."""
    wardrobe = draw_wardrobe(settings, seed)
    persons = {k: draw_person(k, settings, seed, wardrobe) for k in range(1, settings.num_identities + 1)}
    cameras = {k: draw_camera(k, settings, seed) for k in range(1, settings.num_cameras + 1)}
    return World(settings, seed, persons, cameras)
