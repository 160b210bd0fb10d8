"""Drawn features like those of a trained encoder: clusters neither trivial nor hopeless, for any N.

People come in groups that look alike, and a group is a function of the seed and its own number alone. Hence
the difficulty does not drift with the number of rows, a larger table begins with the smaller one, and nothing
but the features themselves is ever large.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np

from raydist.errors import ConfigError
from raydist.randomness import stream
from raydist.types import UNKNOWN_IDENTITY, FeatureTable, Floats, Ints

PEOPLE_OF_A_GROUP = 40
ROWS_OF_A_PERSON = 12.0
NUM_CAMERAS = 6
FEWEST_CAMERAS = 2
JUNK_SHARE = 0.02
LATENT = 96

GROUP, PERSON, CAMERA, PERSON_IN_CAMERA = 0.75, 0.62, 0.16, 0.27
"""Root mean square lengths of the shifts in the latent space."""

NOISE, HEAVY_TAIL, AMBIENT = 0.5, 0.6, 0.25
"""The noise of a row: its length, what a bad crop adds to it, and the part outside the latent space."""


@dataclass(frozen=True)
class DrawnFeatures:
    """A feature table, and which rows look alike.

    Attributes:
        table: N rows; junk has no known identity. Cameras of even number see visible light, those of odd
            number infrared.
        group: int64 [N], the group of look-alikes of each row.
    """

    table: FeatureTable
    group: Ints


@dataclass(frozen=True)
class _Space:
    """What all groups share.

    Attributes:
        camera_shift: float32 [cameras, LATENT], with the shift of the camera's modality.
        to_features: float32 [L, D], orthonormal rows, L = min(LATENT, D): a narrow table lacks the weakest
            dimensions.
    """

    camera_shift: Floats
    to_features: Floats


def draw_features(
    num_rows: int, width: int, *, seed: int, modality_gap: float = 0.0, shuffled: bool = False
) -> DrawnFeatures:
    """Features of people in groups of look-alikes, seen by cameras of both modalities.

    A row is the sum of the shifts of its group, its person, its camera, its person in that camera and its
    modality, and of noise with a heavy tail; some rows are junk. All lie near a space of 96 dimensions with a
    falling spectrum.

    Args:
        num_rows: N, at least 1.
        width: D, at least 1.
        seed: of everything.
        modality_gap: length of the shift between the modalities; 0 for one that no feature shows.
        shuffled: whether the rows come in random order; else group by group and person by person.

    Raises:
        ConfigError: there are to be no rows, or no columns.

    >>> draw_features(5, 8, seed=0).table.features.shape
    (5, 8)
    """
    if num_rows < 1 or width < 1:
        raise ConfigError(f"features of {num_rows} rows and width {width}: give at least 1 of both")
    space = _draw_space(width, seed, modality_gap)
    place = stream(seed, "order").permutation(num_rows) if shuffled else np.arange(num_rows)
    features, group = np.empty((num_rows, width), np.float32), np.empty(num_rows, np.int64)
    identity, camera = np.empty(num_rows, np.int64), np.empty(num_rows, np.int64)
    done = 0
    for number in count():
        rows = place[done:]
        if not len(rows):
            break
        people, cameras, values = _draw_group(number, seed, space)
        rows = rows[: len(people)]
        features[rows], group[rows] = values[: len(rows)], number
        identity[rows], camera[rows] = people[: len(rows)], cameras[: len(rows)]
        done += len(rows)
    table = FeatureTable(
        features=features,
        tracklet_id=np.char.mod("t%07d", np.argsort(place)),
        modality=(camera % 2).astype(np.int8),
        camera=np.char.mod("D%d", camera),
        identity=identity,
    )
    return DrawnFeatures(table, group)


def _draw_space(width: int, seed: int, modality_gap: float) -> _Space:
    rng = stream(seed, "space")
    shift = _draw_shifts(rng, NUM_CAMERAS, CAMERA)
    shift += _draw_shifts(rng, 2, modality_gap)[np.arange(NUM_CAMERAS) % 2]
    basis = np.linalg.qr(rng.standard_normal((width, min(width, LATENT))))[0]
    return _Space(shift, basis.T.astype(np.float32))


def _draw_group(number: int, seed: int, space: _Space) -> tuple[Ints, Ints, Floats]:
    """Identities, cameras and unit features of all rows of one group, person by person."""
    rng = stream(seed, "look-alikes", number)
    person, camera = _draw_sightings(rng)
    size = len(person)
    centre = _draw_shifts(rng, 1, GROUP) + _draw_shifts(rng, PEOPLE_OF_A_GROUP, PERSON)
    in_camera = _draw_shifts(rng, PEOPLE_OF_A_GROUP * NUM_CAMERAS, PERSON_IN_CAMERA)
    latent = centre[person] + in_camera[person * NUM_CAMERAS + camera] + space.camera_shift[camera]
    tail = 1 + HEAVY_TAIL * np.abs(rng.standard_normal((size, 1), dtype=np.float32))
    latent += tail * _draw_shifts(rng, size, NOISE)
    junk = rng.random(size) < JUNK_SHARE
    latent[junk] = _draw_shifts(rng, int(junk.sum()), 1.0)
    features = latent[:, : len(space.to_features)] @ space.to_features
    features += rng.standard_normal(features.shape, dtype=np.float32) * np.float32(
        AMBIENT / np.sqrt(features.shape[1])
    )
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return np.where(junk, UNKNOWN_IDENTITY, number * PEOPLE_OF_A_GROUP + person), camera, features


def _draw_sightings(rng: np.random.Generator) -> tuple[Ints, Ints]:
    """int64 [R] each: the person and the camera of every row; a person is seen by consecutive cameras."""
    num_rows = np.maximum(1, np.rint(rng.gamma(2.0, ROWS_OF_A_PERSON / 2, PEOPLE_OF_A_GROUP))).astype(
        np.int64
    )
    person = np.repeat(np.arange(PEOPLE_OF_A_GROUP), num_rows)
    first = rng.integers(NUM_CAMERAS, size=PEOPLE_OF_A_GROUP)[person]
    num_seen = rng.integers(FEWEST_CAMERAS, NUM_CAMERAS + 1, size=PEOPLE_OF_A_GROUP)[person]
    return person, (first + rng.integers(num_seen)) % NUM_CAMERAS


def _draw_shifts(rng: np.random.Generator, number: int, length: float) -> Floats:
    """float32 [number, LATENT] of the given root mean square length, under a falling spectrum."""
    spectrum = 1 / np.sqrt(1 + np.arange(LATENT) / 12)
    spectrum *= length / np.linalg.norm(spectrum)
    return rng.standard_normal((number, LATENT), dtype=np.float32) * spectrum.astype(np.float32)
