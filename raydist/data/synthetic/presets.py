"""Worlds with a name. Every number of a preset stands in this one table.

The numbers above a preset are mAP in percent, infrared to visible / visible to infrared, on its test
identities: by the `small` encoder when it is given the identities (`raydist compare ruler --methods
supervised data.preset=NAME`, which also says what the untrained encoder reaches), and by grey histograms
(`raydist data baseline demo data.preset=NAME`).
"""

from __future__ import annotations

from typing import Any

from raydist.data.synthetic.settings import WorldSettings
from raydist.errors import ConfigError
from raydist.registry import one_of

PRESETS: dict[str, dict[str, Any]] = {
    # seconds: is everything wired?
    "smoke": {
        "num_train_identities": 12,
        "num_test_identities": 8,
        "num_auxiliary_identities": 4,
        "num_cameras": 3,
        "sees": (2, 2),
        "frames": (12, 14),
        "pieces": 1,
        "gap": 0.1,
        "pattern_survival": 0.9,
        "occlusion": 0.0,
        "far": 0.0,
    },
    # minutes: do the methods learn?
    # supervised 42.9 ± 1.1 / 41.6 ± 1.2 over three seeds, untrained 6.1 / 5.1, grey histogram 3.7 / 3.3,
    # chance 2.9 / 2.9
    "ci": {
        "num_train_identities": 200,
        "num_test_identities": 60,
        "num_auxiliary_identities": 40,
        "num_cameras": 4,
        "sees": (2, 3),
        "extra_passes": 1,
        "frames": (24, 30),
        "pieces": 2,
        "gap": 0.2,
        "pattern_survival": 0.9,
        "occlusion": 0.2,
    },
    # the same with what surveillance does to it
    # supervised 20.5 / 22.4, untrained 3.8 / 4.4, grey histogram 3.3 / 3.7, chance 2.9 / 2.9
    "hard": {
        "num_train_identities": 200,
        "num_test_identities": 60,
        "num_auxiliary_identities": 40,
        "num_cameras": 6,
        "sees": (2, 4),
        "extra_passes": 3,
        "frames": (24, 36),
        "pieces": 2,
        "gap": 0.5,
        "pattern_survival": 0.5,
        "wardrobe": 60,
        "unpaired": 0.1,
        "occlusion": 0.4,
        "id_switch": 0.05,
        "far": 0.3,
    },
    # the answer is visible: association must find it
    # supervised 74.4 / 72.6, untrained 13.1 / 12.0, grey histogram 8.3 / 6.5, chance 4.2 / 4.1
    "oracle": {
        "num_train_identities": 100,
        "num_test_identities": 40,
        "num_auxiliary_identities": 20,
        "num_cameras": 4,
        "sees": (2, 3),
        "extra_passes": 1,
        "frames": (24, 30),
        "pieces": 2,
        "gap": 0.0,
        "pattern_survival": 1.0,
        "occlusion": 0.0,
    },
    # there is no answer: all persons are the same person, so anything above chance is a leak
    # supervised 4.3 / 4.1, untrained 4.3 / 4.3, grey histogram 5.0 / 3.9, chance 4.2 / 4.2, standard errors
    # 0.4 to 0.6
    "null": {
        "num_train_identities": 60,
        "num_test_identities": 40,
        "num_auxiliary_identities": 20,
        "num_cameras": 4,
        "sees": (2, 3),
        "extra_passes": 1,
        "frames": (24, 30),
        "pieces": 2,
        "gap": 1.0,
        "pattern_survival": 0.0,
        "id_spread": 0.0,
        "wardrobe": 1,
        "occlusion": 0.2,
    },
}


def preset(name: str) -> WorldSettings:
    """The settings of that name.

    Args:
        name: a key of PRESETS.

    Returns:
        The checked settings; change some with `dataclasses.replace`.

    Raises:
        ConfigError: no preset has that name.

    >>> preset("oracle").gap
    0.0
    """
    if name not in PRESETS:
        raise ConfigError(f"preset {name!r}{one_of(name, PRESETS)}")
    return WorldSettings(**PRESETS[name])
