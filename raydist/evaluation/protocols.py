"""Evaluation protocols as data: who queries whom, which gallery is drawn, and what a query must not see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from raydist.evaluation.registry import PROTOCOLS
from raydist.evaluation.rules import (
    OFFICIAL_BATCH,
    draw_all,
    draw_one_a_camera,
    ignore_nothing,
    ignore_same_camera,
    ignore_same_room,
    select_all,
    select_cameras,
    select_full_visible_batches,
)
from raydist.types import FeatureTable, Ints


@dataclass(frozen=True)
class Protocol:
    """How a data set is evaluated.

    Attributes:
        name: for messages.
        rule: the protocol in words, for reports.
        ignore: (table, query rows [q], gallery rows [G]) -> bool [q, G], true where a row is left out of the
            ranking; a function of identities, cameras and modalities alone.
        select: (table, rows of one side) -> the rows that take part.
        draw: (table, gallery rows that take part, number of the draw) -> the gallery; every draw holds the
            same persons from the same cameras.
        num_draws: how many galleries are drawn; metrics are the mean over them.
        deduplicate: whether a person counts once in the CMC, at the best ranked of their rows; mAP and mINP
            count every row.
        beside: names of the protocols of other searches of the same data, which are scored with this one.
    """

    name: str
    rule: str
    ignore: Callable[[FeatureTable, Ints, Ints], NDArray[np.bool_]] = ignore_nothing
    select: Callable[[FeatureTable, Ints], Ints] = select_all
    draw: Callable[[FeatureTable, Ints, int], Ints] = draw_all
    num_draws: int = 1
    deduplicate: bool = False
    beside: tuple[str, ...] = ()


def find_protocol(protocol: str | Protocol) -> Protocol:
    """The protocol of that name; a protocol is returned as it is.

    Raises:
        ConfigError: there is none of that name.

    >>> find_protocol("hitsz_vcm").rule
    "gallery tracklets of the query's person and the query's camera are removed"
    """
    return protocol if isinstance(protocol, Protocol) else PROTOCOLS.load(protocol)


ALL_RULE = "all tracklets take part, nothing is removed"
SAME_CAMERA_RULE = "gallery tracklets of the query's person and the query's camera are removed"
DRAW_RULE = "the mean over 10 galleries (random seeds 0 to 9) of one random image of each person and camera"
SAME_ROOM_RULE = "queries of cam3 do not see cam2, the same room, nor the reverse"
DEDUPLICATE_RULE = "a person counts once in the CMC, at the best ranked of their images"
SYSU_RULE = (
    f"{DRAW_RULE}; {SAME_ROOM_RULE}; {DEDUPLICATE_RULE}; "
    "papers give infrared to visible only, the reverse swaps the roles"
)

_single_shot = partial(Protocol, draw=draw_one_a_camera, num_draws=10, deduplicate=True)

PLAIN = Protocol("plain", ALL_RULE)
SAME_CAMERA_REMOVED = Protocol("same-camera-removed", SAME_CAMERA_RULE, ignore_same_camera)
HITSZ_VCM = Protocol("hitsz_vcm", SAME_CAMERA_RULE, ignore_same_camera)
BUPTCAMPUS = Protocol("buptcampus", ALL_RULE)
BUPTCAMPUS_OFFICIAL = Protocol(
    "buptcampus_official",
    f"nothing is removed, but as in the official code the last n mod {OFFICIAL_BATCH} of the n visible "
    "queries, and of the n visible gallery tracklets, take no part",
    select=select_full_visible_batches,
)
SYSU_MM01 = _single_shot(
    "sysu_mm01",
    f"all-search (cam1 to cam6), single-shot: {SYSU_RULE}",
    ignore=ignore_same_room,
    select=partial(select_cameras, cameras=("cam1", "cam2", "cam3", "cam4", "cam5", "cam6")),
    beside=("sysu_mm01_indoor",),
)
SYSU_MM01_INDOOR = _single_shot(
    "sysu_mm01_indoor",
    f"indoor-search (visible cam1 and cam2, infrared cam3 and cam6), single-shot: {SYSU_RULE}",
    ignore=ignore_same_room,
    select=partial(select_cameras, cameras=("cam1", "cam2", "cam3", "cam6")),
    beside=("sysu_mm01",),
)
REGDB = Protocol(
    "regdb", "all images of one trial take part, nothing is removed; papers give the mean over ten trials"
)
LLCM = _single_shot("llcm", f"{DRAW_RULE}; {SAME_CAMERA_RULE}; {DEDUPLICATE_RULE}", ignore=ignore_same_camera)
