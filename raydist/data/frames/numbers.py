"""The numbers that end the names of frames, as in ``000017.jpg``: what file names say of time."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from raydist.types import Ints

NO_NUMBER = -1
_SUFFIX = r"\.[^./\\]*$"
_ENDING = r"(?:^|[^0-9])(?P<number>[0-9]{1,18})$"  # more digits do not fit in 64 bits


def frame_numbers(paths: Sequence[str] | pa.Array) -> Ints:
    """The number at the end of each file name, without its suffix.

    Args:
        paths: M names or paths of files.

    Returns:
        int64 [M]; NO_NUMBER where a name does not end with a number of at most 18 digits.

    >>> frame_numbers(["hall/000017.jpg", "c1s1_f9.png", "12/face.jpg"]).tolist()
    [17, 9, -1]
    """
    names = paths if isinstance(paths, pa.Array) else pa.array(paths, pa.string())
    stems = pc.replace_substring_regex(names, _SUFFIX, "")
    digits = pc.struct_field(pc.extract_regex(stems, _ENDING), "number")
    return pc.fill_null(pc.cast(digits, pa.int64()), NO_NUMBER).to_numpy(zero_copy_only=False)
