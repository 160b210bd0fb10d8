"""Which tensors of a file belong to which layers, whatever programs have wrapped around them.

No list of wrappers and prefixes could be complete. So none is needed: the names of all layers must end names
of the file after one and the same beginning, which is taken off (``state_dict.module.backbone.`` as well as
nothing at all). Where several networks of a file fit, a teacher or an average is taken before the network it
comes from, and the network that is trained before one that only follows it.

Below that beginning, whatever lies inside one of the layers must be known, and all other groups (classifiers,
heads, text towers) are left out. Files of two streams have a stem for each modality: those of this package,
and those of AGW and its followers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from raydist.encoders.weights.files import State, WeightsFile
from raydist.encoders.weights.fits import BY_NAMES, BY_ORDER, BY_POSITIONS, Fit, Misfit

COUNTER = "num_batches_tracked"
"""Counts the steps of a batch normalisation; old files lack it, and nothing here depends on it."""

ADDED = ".context."
"""Layers that are ours or AGW's and in no published file; they keep their start values."""

STREAMS = {
    "visible_module.visible.": "stems.0.",
    "thermal_module.thermal.": "stems.1.",
    "base_resnet.base.": "trunk.",
}
"""Parts of the names of AGW's two streams, and what they are here."""

UNUSED = "unused layers of the streams"
"""AGW's streams are whole networks, of which the first layers or all others have no part in it."""

INSIDE = ("module.", "_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
"""What torch puts between the parts of a name."""

HEADS = frozenset({"fc", "classifier", "head", "heads", "bottleneck", "projector", "predictor"})
"""Parts of names that belong to the task the weights were trained for; used where names do not help."""

AVERAGED = frozenset({"teacher", "ema", "mean"})
FOLLOWING = frozenset({"student", "k", "key", "momentum", "target"})
"""Words in the beginning of names by which one of several equal networks is chosen."""

Shapes = dict[str, torch.Size]


@dataclass(frozen=True)
class Architecture:
    """What a file must hold for it.

    Attributes:
        stem: shapes of the first layers, which each modality may have of its own.
        trunk: shapes of the others.
        positions: first part of the names of a layer -> its number.
        select: from names of published files to those of the layers.
        branches: of the trunk.
    """

    stem: Shapes
    trunk: Shapes
    positions: Mapping[str, str]
    select: Callable[[State], State] = dict
    branches: int = 1

    @classmethod
    def of(
        cls, layers: nn.Sequential, stem: int, select: Callable[[State], State] = dict, branches: int = 1
    ) -> Architecture:
        """The architecture of layers, of which the first `stem` are the stem."""
        names = [name for name, _ in layers.named_children()]
        shapes = {
            name: value.shape for name, value in layers.state_dict().items() if not name.endswith(COUNTER)
        }
        first = set(names[:stem])
        return cls(
            stem={name: shape for name, shape in shapes.items() if name.partition(".")[0] in first},
            trunk={name: shape for name, shape in shapes.items() if name.partition(".")[0] not in first},
            positions={name: str(number) for number, name in enumerate(names)},
            select=select,
            branches=branches,
        )

    @property
    def shapes(self) -> Shapes:
        """Of all layers."""
        return self.stem | self.trunk

    @property
    def required(self) -> Shapes:
        """Of the layers that every file must have."""
        return {name: shape for name, shape in self.shapes.items() if ADDED not in name}


@dataclass(frozen=True)
class _Place:
    """Where a network would be in a file: beginning of names, and name after it -> name in the layers."""

    prefix: str
    names: Mapping[str, str]
    tops: frozenset[str]
    by: str = BY_NAMES


def match(file: WeightsFile, architecture: Architecture) -> Fit | Misfit:
    """The tensors of a file that an architecture takes, or why it takes none."""
    misfits: list[Misfit] = []
    for state in _views(file, architecture.select):
        for place in _places(state, architecture):
            result = _compared(state, place, architecture, file)
            if isinstance(result, Fit):
                return result
            misfits.append(result)
    if file.ordered and (fit := _by_order(file, architecture)):
        return fit
    absent = Misfit(len(architecture.required), tuple(architecture.required), (), ())
    return min([*misfits, absent], key=lambda misfit: misfit.distance)


def _views(file: WeightsFile, select: Callable[[State], State]) -> Iterator[State]:
    """The tensors of a file under names that layers may have, the plainest first."""
    plain = {name: value for name, value in file.tensors.items() if not name.endswith(COUNTER)}
    seen: list[list[str]] = []
    for state in (plain, _renamed(plain, partial(_without, parts=INSIDE)), _without_common_prefix(plain)):
        view = select(_renamed(state, _streams))
        if list(view) not in seen:
            seen.append(list(view))
            yield view


def _renamed(state: State, rename: Callable[[str], str]) -> State:
    """The same tensors under other names; unchanged where two would have one name."""
    renamed = {rename(name): value for name, value in state.items()}
    return renamed if len(renamed) == len(state) else state


def _without(name: str, parts: Sequence[str]) -> str:
    """A name without some parts, however often and in whatever order they stand in it.

    >>> _without("module._orig_mod.module.fc.weight", INSIDE)
    'fc.weight'
    """
    for part in parts:
        shorter = name.replace(f".{part}", ".").removeprefix(part)
        if shorter != name:
            return _without(shorter, parts)
    return name


def _streams(name: str) -> str:
    for theirs, ours in STREAMS.items():
        name = name.replace(theirs, ours)
    return name


def _without_common_prefix(state: State) -> State:
    """Names without the parts in front that all of them share."""
    while len({name.partition(".")[0] for name in state}) == 1 and all("." in name for name in state):
        state = {name.partition(".")[2]: value for name, value in state.items()}
    return state


def _places(state: State, architecture: Architecture) -> Iterator[_Place]:
    """Where the network may be, the surest first: in streams, by its names, by positions of its layers."""
    shapes = architecture.shapes
    streams = {f"stems.0.{n}": n for n in architecture.stem} | {f"trunk.{n}": n for n in architecture.trunk}
    if any(f"{part}." in f".{name}" for part in (".stems.0", ".trunk") for name in state):
        yield _best(state, streams, depth=(3, 2))
    if architecture.branches == 1:
        yield _best(state, {name: name for name in shapes}, depth=(1, 1))
        numbered = {f"{architecture.positions[n.partition('.')[0]]}.{n.partition('.')[2]}": n for n in shapes}
        yield replace(_best(state, numbered, depth=(1, 1)), by=BY_POSITIONS)


def _best(state: State, names: Mapping[str, str], *, depth: tuple[int, int]) -> _Place:
    """The beginning after which most of the names follow."""
    votes: Counter[str] = Counter()
    for name in state:
        start = 0
        while start >= 0:
            if name[start:] in names:
                votes[name[:start]] += 1
            start = name.find(".", start) + 1 or -1
    tops = frozenset(
        ".".join(name.split(".")[: depth[0] if name.startswith("stems.0.") else depth[1]]) for name in names
    )
    best = max(votes, key=lambda prefix: (votes[prefix], _rank(prefix)), default="")
    return _Place(best, names, tops)


def _rank(prefix: str) -> int:
    """How a network is preferred to others that fit as well."""
    words = set(prefix.lower().replace(".", "_").split("_"))
    return 1 if words & AVERAGED else -1 if words & FOLLOWING else 0


def _compared(state: State, place: _Place, architecture: Architecture, file: WeightsFile) -> Fit | Misfit:
    """The tensors at a place, or what is wrong there."""
    shapes = architecture.shapes
    here = {
        name[len(place.prefix) :]: value for name, value in state.items() if name.startswith(place.prefix)
    }
    has_added = any(ADDED in name for name in here)
    missing = [
        ours
        for theirs, ours in place.names.items()
        if theirs not in here and (has_added or ADDED not in ours)
    ]
    other = [
        f"{ours} {tuple(here[theirs].shape)} for {tuple(shapes[ours])}"
        for theirs, ours in place.names.items()
        if theirs in here and here[theirs].shape != shapes[ours]
    ]
    unexpected = [
        name
        for name in here
        if name not in place.names and ADDED not in name and any(_inside(name, top) for top in place.tops)
    ]
    if missing or other or unexpected:
        return Misfit(
            len(shapes if has_added else architecture.required),
            tuple(missing),
            tuple(unexpected),
            tuple(other),
        )
    taken = {ours: here[theirs] for theirs, ours in place.names.items() if theirs in here}
    stems, used = _stems(here, taken, architecture)
    used |= {theirs for theirs in place.names if theirs in here}
    wrapper = max((w for w in file.wrappers if place.prefix.startswith(w)), key=len, default="")
    return Fit(
        stems=stems,
        trunk={name: value for name, value in taken.items() if name in architecture.trunk},
        branches=architecture.branches,
        by=place.by,
        wrapper=wrapper,
        prefix=place.prefix.removeprefix(wrapper),
        left_out=_groups(
            (n for n in state if not (n.startswith(place.prefix) and n[len(place.prefix) :] in used)),
            place.prefix,
        ),
    )


def _inside(name: str, top: str) -> bool:
    return name.startswith(top) and name[len(top) : len(top) + 1] in (".", "")


def _stems(here: State, taken: State, architecture: Architecture) -> tuple[tuple[State, ...], set[str]]:
    """The stem, or both where the file has a whole second one; and the names of the second in the file."""
    first = {name: taken[name] for name in architecture.stem if name in taken}
    names = {f"stems.1.{name}": name for name in first}
    if not any(name.startswith("stems.0.") for name in here) or not all(
        theirs in here and here[theirs].shape == first[ours].shape for theirs, ours in names.items()
    ):
        return (first,), set()
    return (first, {ours: here[theirs] for theirs, ours in names.items()}), set(names)


def _groups(names: Iterable[str], prefix: str) -> dict[str, int]:
    """How many tensors are left out of each group: the first part of the names after what they share with a
    prefix."""
    groups: Counter[str] = Counter()
    beginnings = [f"{prefix[:end]}." for end, mark in reversed([*enumerate(prefix)]) if mark == "."]
    for name in names:
        inner = name.removeprefix(next((one for one in beginnings if name.startswith(one)), ""))
        group = _without(inner, INSIDE).partition(".")[0]
        groups["context" if ADDED in name else UNUSED if group in ("stems", "trunk") else group] += 1
    return dict(groups)


def _is_head(name: str) -> bool:
    """Whether a tensor belongs to a head; what lies in a numbered block is a layer, whatever it is called.

    >>> _is_head("module.fc.weight"), _is_head("layer1.0.se.fc.0.weight")
    (True, False)
    """
    for part in name.split("."):
        if part in HEADS:
            return True
        if part.isdigit():
            return False
    return False


def _by_order(file: WeightsFile, architecture: Architecture) -> Fit | None:
    """The largest network of a file whose tensors have all shapes of the layers in their order."""
    sizes = Counter(_wrapper(name, file.wrappers) for name in file.tensors)
    wrapper = max(sizes, key=lambda one: (sizes[one], _rank(one)))
    inside = {
        name: value
        for name, value in file.tensors.items()
        if _wrapper(name, file.wrappers) == wrapper and not name.endswith(COUNTER)
    }
    network = {name: value for name, value in inside.items() if not _is_head(name)}
    shapes = architecture.required
    if [value.shape for value in network.values()] != list(shapes.values()):
        return None
    taken = dict(zip(shapes, network.values(), strict=True))
    left = (name for name in file.tensors if name not in network and not name.endswith(COUNTER))
    return Fit(
        stems=({name: value for name, value in taken.items() if name in architecture.stem},),
        trunk={name: value for name, value in taken.items() if name in architecture.trunk},
        branches=architecture.branches,
        by=BY_ORDER,
        wrapper=wrapper,
        prefix="",
        left_out=_groups(left, wrapper),
    )


def _wrapper(name: str, wrappers: frozenset[str]) -> str:
    return max((one for one in wrappers if name.startswith(one)), key=len, default="")
