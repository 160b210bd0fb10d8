"""The data sets by name; a data set's file is imported when it is asked for.

To add one: a file with a `Dataset`, and one line here. One of your own needs no line:
``data.name=my_package.my_module:MY_DATASET``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from raydist.registry import Entry, Registry

if TYPE_CHECKING:
    from raydist.data.datasets.dataset import Dataset

DATASETS: Registry[Dataset] = Registry(
    "data.name",
    {
        "synthetic": Entry("raydist.data.datasets.synthetic:SYNTHETIC", "walking people that raydist draws"),
        "hitsz_vcm": Entry("raydist.data.datasets.hitsz_vcm:HITSZ_VCM", "HITSZ-VCM, video"),
        "buptcampus": Entry("raydist.data.datasets.buptcampus:BUPTCAMPUS", "BUPTCampus, video"),
        "sysu_mm01": Entry("raydist.data.datasets.sysu_mm01:SYSU_MM01", "SYSU-MM01, single images"),
        "regdb": Entry("raydist.data.datasets.regdb:REGDB", "RegDB, single images, ten splits"),
        "llcm": Entry("raydist.data.datasets.llcm:LLCM", "LLCM, single images"),
        "manifest": Entry(
            "raydist.data.datasets.manifest:MANIFEST", "a Parquet or CSV file of your tracklets"
        ),
    },
    kind="raydist.data.datasets.dataset:Dataset",
)
