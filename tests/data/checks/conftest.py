"""Tables of tracklets that are written in one line each."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from raydist.data.tracklets import TrackletTable


@pytest.fixture(scope="session")
def table_of() -> Callable[..., TrackletTable]:
    """`table_of([split, modality, camera, identity, frames], ...)`, tracklets t0, t1, ..."""

    def make(*rows: Sequence, root: Path = Path("nowhere")) -> TrackletTable:
        names = ("split", "modality", "camera", "identity", "frames")
        return TrackletTable.from_rows(
            [
                {"tracklet_id": f"t{number}", **dict(zip(names, row, strict=True))}
                for number, row in enumerate(rows)
            ],
            root,
        )

    return make
