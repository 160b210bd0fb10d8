"""The plan of a drawn world: which person walks past which camera, when, and how it is cut.

A pass is one walk of one person past one camera. It is cut into consecutive tracklets, as in HITSZ-VCM, where
the 24-frame tracklets of a person under a camera are pieces of a long recording.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from raydist.data.synthetic.settings import SHORTEST_TRACKLET, WorldSettings
from raydist.data.synthetic.world import World
from raydist.randomness import stream
from raydist.types import Modality

Split = Literal["train", "auxiliary", "test"]


class Switch(NamedTuple):
    """The tracker goes over to another identity from this frame of the pass on."""

    frame: int
    identity: int


@dataclass(frozen=True)
class Pass:
    """One walk past one camera.

    Attributes:
        identity: the person.
        split: what the person is for.
        camera: number from 1.
        modalities: one modality; both when the recording is paired.
        number: counts the person's passes of this camera and modality from 0.
        first_tracklet: number of the first tracklet within (identity, modality, camera), from 1.
        first_frame: number of the first frame within (identity, modality, camera).
        lengths: frames of each tracklet, in time order.
        switch: the tracker's error, if it makes one.
    """

    identity: int
    split: Split
    camera: int
    modalities: tuple[Modality, ...]
    number: int
    first_tracklet: int
    first_frame: int
    lengths: tuple[int, ...]
    switch: Switch | None = None

    @property
    def num_frames(self) -> int:
        """Frames of the whole pass, in one modality."""
        return sum(self.lengths)

    def tracklets(self) -> list[tuple[int, range]]:
        """Number and frame numbers of each tracklet.

        >>> Pass(7, "train", 2, (Modality.VISIBLE,), 0, 1, 1, (12, 13)).tracklets()
        [(1, range(1, 13)), (2, range(13, 26))]
        """
        ends = np.cumsum([self.first_frame, *self.lengths]).tolist()
        return [(self.first_tracklet + k, range(ends[k], ends[k + 1])) for k in range(len(self.lengths))]

    def stream(self, seed: int, purpose: str) -> np.random.Generator:
        """A generator of this pass alone, so that passes can be drawn in any order and anywhere."""
        modality = self.modalities[0] if len(self.modalities) == 1 else len(Modality)
        return stream(seed, f"synthetic.{purpose}", self.identity, self.camera, int(modality), self.number)


def plan_passes(world: World) -> list[Pass]:
    """Passes as in HITSZ-VCM: each modality has times and cameras of its own.

    Args:
        world: settings, seed and the persons; auxiliary identities stay away.

    Returns:
        Passes in order of identity, modality and camera; frame numbers run on inside each of these.
    """
    plan: list[Pass] = []
    splits: tuple[Split, ...] = ("train", "test")
    for split in splits:
        for identity in identities_of(world.settings, split):
            for modality in world.persons[identity].filmed_in:
                rng = stream(world.seed, "synthetic.visits", identity, int(modality))
                plan += _visits(world.settings, rng, identity, split, (modality,))
    return plan


def plan_paired_passes(world: World) -> list[Pass]:
    """Passes of the BUPTCampus kind: every pass is recorded in both modalities at once, pixel by pixel.

    Args:
        world: settings, seed and the persons; auxiliary identities are seen by one camera, once.

    Returns:
        Passes in order of identity and camera.
    """
    plan: list[Pass] = []
    splits: tuple[Split, ...] = ("train", "test", "auxiliary")
    for split in splits:
        for identity in identities_of(world.settings, split):
            rng = stream(world.seed, "synthetic.visits", identity, len(Modality))
            plan += _visits(world.settings, rng, identity, split, tuple(Modality))
    return plan


def identities_of(settings: WorldSettings, split: Split) -> range:
    """The identities of a split; train comes first, so that the same persons train whatever the layout.

    >>> identities_of(WorldSettings(num_train_identities=4, num_test_identities=2), "test")
    range(5, 7)
    """
    train, test = settings.num_train_identities, settings.num_test_identities
    bounds = {
        "train": (0, train),
        "test": (train, train + test),
        "auxiliary": (train + test, settings.num_identities),
    }
    first, last = bounds[split]
    return range(first + 1, last + 1)


def _visits(
    settings: WorldSettings,
    rng: np.random.Generator,
    identity: int,
    split: Split,
    modalities: tuple[Modality, ...],
) -> list[Pass]:
    """All passes of one person in one modality (or in both at once)."""
    others = [other for other in identities_of(settings, split) if other != identity]
    passes, tracklets, frames = Counter[int](), Counter[int](), Counter[int]()
    plan = []
    for camera in sorted(_cameras_passed(rng, settings, split)):
        lengths = cut(int(rng.integers(settings.frames[0], settings.frames[1] + 1)), settings.pieces)
        plan.append(
            Pass(
                identity=identity,
                split=split,
                camera=camera,
                modalities=modalities,
                number=passes[camera],
                first_tracklet=tracklets[camera] + 1,
                first_frame=frames[camera] + 1,
                lengths=lengths,
                switch=_draw_switch(rng, settings.id_switch, others, lengths),
            )
        )
        passes[camera] += 1
        tracklets[camera] += len(lengths)
        frames[camera] += sum(lengths)
    return plan


def _cameras_passed(rng: np.random.Generator, settings: WorldSettings, split: Split) -> list[int]:
    """The camera of every pass: each camera that sees the person once, and Zipf-many more passes.

    A test identity needs two cameras in each modality, since evaluation drops the gallery's tracklets of the
    query's own camera.
    """
    fewest, most = settings.sees
    if split == "test":
        fewest, most = max(2, fewest), max(2, most)
    if split == "auxiliary":
        fewest = most = 1
    count = int(rng.integers(fewest, most + 1))
    cameras = (1 + rng.permutation(settings.num_cameras)[:count]).tolist()
    rarity = (1.0 + np.arange(settings.extra_passes + 1)) ** -settings.imbalance
    extra = int(rng.choice(len(rarity), p=rarity / rarity.sum()))
    if split == "auxiliary":
        return cameras
    return cameras + rng.choice(cameras, extra).tolist()


def cut(num_frames: int, pieces: int) -> tuple[int, ...]:
    """Lengths of consecutive tracklets, as equal as can be.

    Args:
        num_frames: frames of the pass, >= SHORTEST_TRACKLET * pieces.
        pieces: number of tracklets.

    Returns:
        `pieces` lengths, the longer ones first.

    >>> cut(25, 2)
    (13, 12)
    """
    if num_frames < pieces * SHORTEST_TRACKLET:
        raise ValueError(
            f"{num_frames} frames in {pieces} pieces: a tracklet has {SHORTEST_TRACKLET} frames at least"
        )
    return tuple(num_frames // pieces + (k < num_frames % pieces) for k in range(pieces))


def _draw_switch(
    rng: np.random.Generator, chance: float, others: list[int], lengths: tuple[int, ...]
) -> Switch | None:
    """Perhaps an error in the last tracklet, towards another identity of the same split."""
    happens, place, whom = rng.random() < chance, rng.uniform(1 / 3, 5 / 6), rng.random()
    if not happens or not others:
        return None
    return Switch(sum(lengths[:-1]) + int(place * lengths[-1]), others[int(whom * len(others))])
