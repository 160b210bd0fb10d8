"""One seed, many independent generators, each named by what it is for.

A generator is a function of its name and its keys alone, never of a rank, a process or the number of
draws made elsewhere. A run can therefore stop anywhere and go on with the very same numbers.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MAX_SEED = 2**63 - 1
"""The largest seed: one that files, trackers and torch hold too."""


def stream(seed: int, name: str, *keys: int) -> np.random.Generator:
    """The generator for one purpose.

    Args:
        seed: the run's seed, >= 0.
        name: what the numbers are for, such as ``"sampler"``.
        keys: what they are keyed by, such as the epoch and the step; all >= 0.

    Returns:
        A generator that is equal for equal arguments and independent for different ones.

    Raises:
        ValueError: a key or the seed is negative.

    >>> bool((stream(0, "sampler", 3).random(4) == stream(0, "sampler", 3).random(4)).all())
    True
    >>> bool((stream(0, "sampler", 3).random(4) == stream(0, "sampler", 4).random(4)).any())
    False
    """
    import numpy as np  # here, so that the command line knows the largest seed without it

    # numpy takes trailing zeros for padding, so the number of keys is part of the entropy
    entropy = [seed, zlib.crc32(name.encode()), len(keys), *keys]
    if min(entropy) < 0:
        raise ValueError(f"stream({seed}, {name!r}, {keys}): the seed and the keys must be >= 0")
    return np.random.default_rng(entropy)
