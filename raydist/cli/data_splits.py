"""`raydist data check` on all published splits of a data set: the first in full, and a row for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from raydist.cli.check_report import WARNING, warnings_of
from raydist.cli.common import print_line, print_table
from raydist.cli.data_check import Checked, check_dataset
from raydist.data.datasets.registry import DATASETS
from raydist.errors import DataError

if TYPE_CHECKING:
    from raydist.engine.data_section import DataSection
    from raydist.engine.schema import EvaluationSection
    from raydist.engine.verdict import Verdict

_COLUMNS = ("split", "train visible", "train infrared", "query", "gallery", "left out", "can train")
_NONE = "-"


def check_splits(
    section: DataSection, evaluation: EvaluationSection, *, decode: bool, stderr: bool
) -> tuple[dict[str, Any], str | None]:
    """Check each split of a data set as if it were the only one, and print what differs.

    Args:
        section: how a run reads it, with any split.
        evaluation: how a run resizes the frames of queries and gallery.
        decode: look into every file.
        stderr: where tables go.

    Returns:
        What is known, for ``--json``, and why a training on all splits refuses the set, if it does.
    """
    checked: dict[int, Checked] = {}
    unreadable: dict[int, str] = {}
    trials = DATASETS.load(section.name).trials
    for trial in trials:
        one = section.model_copy(update={"trial": trial})
        title = f"split {trial} of {section.name} in {section.root}"
        try:
            checked[trial] = check_dataset(
                one, evaluation, title=title, decode=decode, shown=not checked, stderr=stderr
            )
        except DataError as error:
            unreadable[trial] = str(error)
    refusals = _refusals(checked, unreadable)
    title = f"all splits of {section.name} in {section.root}: tracklets of identities"
    rows = [_row(trial, checked.get(trial), refused=trial in refusals) for trial in trials]
    if checked:
        print_table(_COLUMNS, rows, title=title, stderr=stderr)
    warnings, notes = _warnings(checked), _notes(checked)
    possible = _verdict(checked, unreadable, refusals)
    refusal = possible.train
    for line in (
        *notes,
        *(f"{WARNING}{warning}" for warning in warnings),
        *possible.lines(explained=refusal),
    ):
        print_line(line)
    facts = [
        {"trial": trial, "refusal": refusals.get(trial)} | (checked[trial].facts if trial in checked else {})
        for trial in trials
    ]
    return {"trials": facts, "warnings": warnings, "refused": possible.to_dict()}, refusal


def _refusals(checked: Mapping[int, Checked], unreadable: Mapping[int, str]) -> dict[int, str]:
    """Why a training refuses a split, by its number, in ascending order."""
    refusals = dict(unreadable)
    for trial, one in checked.items():
        if refusal := one.refusal or one.possible.train:
            refusals[trial] = refusal
    return dict(sorted(refusals.items()))


def _verdict(
    checked: Mapping[int, Checked], unreadable: Mapping[int, str], refusals: Mapping[int, str]
) -> Verdict:
    """What can be done with all splits: what can be done with each."""
    from raydist.engine.verdict import Verdict

    train = _error(refusals)

    def of_all(name: str) -> str | None:
        if unreadable:
            return train
        refused = {trial: text for trial, one in checked.items() if (text := getattr(one.possible, name))}
        return next((f"data.trial = {trial}: {text}" for trial, text in refused.items()), None)

    return Verdict(train, of_all("score"), of_all("search_by_map"))


def _error(refusals: Mapping[int, str]) -> str | None:
    """What is wrong with splits, None where there are none: the first in full, of others the first line.

    >>> _error({2: "no list\\nexpected: ...", 3: "no images\\nexpected: ...", 5: "no images\\nexpected: ..."})
    'data.trial = 2: no list\\nexpected: ...\\ndata.trial = 3, 5: no images'
    """
    trials: dict[str, list[str]] = {}
    for trial, text in refusals.items():
        trials.setdefault(text, []).append(str(trial))
    texts = [
        text if number == 0 else text.partition("\n")[0].rstrip(":") for number, text in enumerate(trials)
    ]
    lines = [f"data.trial = {', '.join(of)}: {text}" for of, text in zip(trials.values(), texts, strict=True)]
    return "\n".join(lines) or None


def _warnings(checked: Mapping[int, Checked]) -> list[str]:
    """The splits of other sizes, and what the splits after the first are warned of in other words than it."""
    from raydist.data.checks.split_sizes import odd_splits

    odd = odd_splits({trial: one.checks.balance for trial, one in checked.items()})
    lines = [] if odd is None else [odd]
    return lines + _of_later({trial: warnings_of(one.checks) for trial, one in checked.items()})


def _notes(checked: Mapping[int, Checked]) -> list[str]:
    """What the readers say of the splits after the first, likewise."""
    return _of_later({trial: one.notes.lines() for trial, one in checked.items()})


def _of_later(lines: Mapping[int, Sequence[str]]) -> list[str]:
    """The lines of the splits after the first that are none of the first's, with their split.

    >>> _of_later({1: ["a"], 2: ["a", "b"], 3: ["c"]})
    ['split 2: b', 'split 3: c']
    """
    first = next(iter(lines.values()), ())
    return [
        f"split {trial}: {line}" for trial, of_one in lines.items() for line in of_one if line not in first
    ]


def _row(trial: int, one: Checked | None, *, refused: bool) -> list[str]:
    answer = "no" if refused else "yes"
    if one is None:
        return [str(trial), *[_NONE] * (len(_COLUMNS) - 2), answer]
    balance, splits = one.checks.balance, one.facts["splits"]
    sizes = [
        *((balance.tracklets[name], balance.identities[name]) for name in ("visible", "infrared")),
        *(_size_of(splits.get(split, {})) for split in ("query", "gallery")),
    ]
    left_out = sum(one.notes.left_out().values())
    return [str(trial), *(f"{count:,} of {of:,}" for count, of in sizes), f"{left_out:,}", answer]


def _size_of(modalities: Mapping[str, Mapping[str, int]]) -> tuple[int, int]:
    """Tracklets of a part, and the identities of its modality with the most."""
    counts = modalities.values()
    tracklets = sum(count["tracklets"] for count in counts)
    return tracklets, max((count["identities"] for count in counts), default=0)
