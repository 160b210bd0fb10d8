"""The evaluation protocols by name.

To add one: a `Protocol` in a file, and one line here. One of your own needs no line:
``evaluation.protocol=my_package.my_module:MY_PROTOCOL``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from raydist.registry import Entry, Registry

if TYPE_CHECKING:
    from raydist.evaluation.protocols import Protocol

_FILE = "raydist.evaluation.protocols"

PROTOCOLS: Registry[Protocol] = Registry(
    "evaluation.protocol",
    {
        "plain": Entry(f"{_FILE}:PLAIN", "all tracklets take part"),
        "same-camera-removed": Entry(
            f"{_FILE}:SAME_CAMERA_REMOVED", "without the query's person in the query's camera"
        ),
        "hitsz_vcm": Entry(f"{_FILE}:HITSZ_VCM", "HITSZ-VCM: same-camera-removed"),
        "buptcampus": Entry(f"{_FILE}:BUPTCAMPUS", "BUPTCampus: plain"),
        "buptcampus_official": Entry(
            f"{_FILE}:BUPTCAMPUS_OFFICIAL", "BUPTCampus with the rows that its official code loses"
        ),
        "sysu_mm01": Entry(f"{_FILE}:SYSU_MM01", "SYSU-MM01, all-search, single-shot, ten draws"),
        "sysu_mm01_indoor": Entry(
            f"{_FILE}:SYSU_MM01_INDOOR", "SYSU-MM01, indoor-search, single-shot, ten draws"
        ),
        "regdb": Entry(f"{_FILE}:REGDB", "RegDB, one of its ten splits"),
        "llcm": Entry(f"{_FILE}:LLCM", "LLCM, single-shot, ten draws"),
    },
    kind="raydist.evaluation.protocols:Protocol",
)
