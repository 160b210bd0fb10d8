"""References to objects in Ray's object store, which travel without the objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import ray

from raydist.types import Floats, Ints


@dataclass(frozen=True)
class Shared:
    """A reference to an object in Ray's object store.

    Ray replaces a reference that is itself an argument by the object; inside a dataclass it stays a
    reference, so that it is handed on without being followed.
    """

    reference: ray.ObjectRef[Any]


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of features, in the object store.

    Attributes:
        first: the number of the first of them.
        shape: n, K and D.
        reference: to them, float32 [n, K, D].
    """

    first: int
    shape: tuple[int, ...]
    reference: ray.ObjectRef[Floats]


@dataclass(frozen=True)
class PlacedRows:
    """The rows of a table that lies on shards, in the object store; see `raydist.methods.slots.Rows`.

    Attributes:
        shape: N, K and D.
        starts: int64 [S + 1], the first row of each shard, and N.
        references: to the rows of each shard, float32 [n, K, D].
    """

    shape: tuple[int, int, int]
    starts: Ints
    references: tuple[ray.ObjectRef[Floats], ...]

    def placed(self) -> PlacedRows:
        """These rows."""
        return self

    def part(self, first: int, stop: int) -> Floats:
        """float32 [n, K, D]: the consecutive rows from `first` up to `stop`."""
        needed = np.flatnonzero((self.starts[:-1] < stop) & (self.starts[1:] > first))
        tables = ray.get([self.references[shard] for shard in needed])
        parts = [
            table[max(0, first - start) : stop - start]
            for table, start in zip(tables, self.starts[needed].tolist(), strict=True)
        ]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate([np.empty((0, *self.shape[1:]), np.float32), *parts])
