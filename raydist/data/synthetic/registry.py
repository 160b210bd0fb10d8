"""The layouts that a drawn world can be written in; `raydist.data.datasets` has a reader of the same name for
each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raydist.registry import Entry, Registry

if TYPE_CHECKING:
    from raydist.data.synthetic.draw import Layout

LAYOUTS: Registry[Layout] = Registry(
    "data.layout",
    {
        "hitsz_vcm": Entry("raydist.data.synthetic.hitsz_vcm_layout", "the files of HITSZ-VCM"),
        "buptcampus": Entry("raydist.data.synthetic.buptcampus_layout", "the files of BUPTCampus"),
    },
)
