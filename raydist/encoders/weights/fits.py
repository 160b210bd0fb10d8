"""What fits: which tensors of a file go into which layers, or why an architecture is another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from raydist.encoders.weights.files import State
from raydist.encoders.weights.words import groups_line, one_line, some

BY_NAMES, BY_POSITIONS, BY_ORDER = "names", "positions", "order"


@dataclass(frozen=True)
class Fit:
    """The tensors of a file that an architecture takes.

    Attributes:
        stems: the tensors of the stem, or of the stem of each modality, visible first; by the names of the
            layers.
        trunk: those of all other layers.
        branches: how many branches the trunk has.
        by: what the tensors were recognised by: their names, the positions of the layers that their names
            begin with, or their order and shapes.
        wrapper: the keys in the file that lead to the network, with a dot behind.
        prefix: what was taken off the names there.
        left_out: group -> tensors of the file that the layers do not have.
    """

    stems: tuple[State, ...]
    trunk: State
    branches: int
    by: str
    wrapper: str
    prefix: str
    left_out: Mapping[str, int]

    def line(self) -> str:
        """What was taken and what was left out.

        >>> Fit(({},), {}, 1, BY_NAMES, "state_dict.", "module.", {"fc": 2}).line()
        'one stem, taken by names from state_dict, prefix module. taken off; left out: 2 tensors (fc 2)'
        """
        wrapper = f" from {one_line(self.wrapper.rstrip('.'))}" if self.wrapper else ""
        prefix = f", prefix {one_line(self.prefix)} taken off" if self.prefix else ""
        stems = "one stem" if len(self.stems) == 1 else "a stem for each modality"
        return f"{stems}, taken by {self.by}{wrapper}{prefix}; {groups_line(self.left_out)}"


@dataclass(frozen=True)
class Misfit:
    """Why a file does not fit.

    Attributes:
        wanted: tensors of the layers.
        missing: of them, those that the file does not have.
        unexpected: tensors of the file, inside the layers, that the layers do not have.
        shapes: tensors of another shape, each with both.
    """

    wanted: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[str, ...]

    @property
    def distance(self) -> tuple[float, int]:
        """How far a file is from fitting: the share of tensors that it does not have, then what it has too
        much."""
        return (len(self.missing) + len(self.shapes)) / max(1, self.wanted), len(self.unexpected)

    def why(self) -> str:
        """What is other than it should be, in words.

        >>> Misfit(2, ("a", "b"), (), ()).why()
        'none of its 2 tensors is there (missing a, b)'
        >>> Misfit(2, (), (), ("a (3,) for (4,)",)).why()
        'all names agree, but 1 of 2 tensors has another shape, a (3,) for (4,)'
        """
        parts = [
            f"{what} {some(names)}"
            for what, names in (
                ("missing", self.missing),
                ("unexpected", self.unexpected),
                ("of another shape", self.shapes),
            )
            if names
        ]
        if len(self.missing) == self.wanted:
            return f"none of its {self.wanted} tensors is there ({'; '.join(parts)})"
        if not self.missing and not self.unexpected:
            number = len(self.shapes)
            return (
                f"all names agree, but {number} of {self.wanted} tensors {'has' if number == 1 else 'have'} "
                f"another shape, {some(self.shapes)}"
            )
        return f"another architecture ({'; '.join(parts)})"
