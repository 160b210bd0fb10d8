"""Runs for people: one with all that is known of it, and several side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from raydist.cli.common import print_listing, print_table
from raydist.cli.scores import DIRECTION_LABELS
from raydist.evaluation.headings import METRICS
from raydist.plurals import counted

if TYPE_CHECKING:
    from raydist.engine.changed_keys import Plain
    from raydist.engine.run_facts import RunFacts

NOTHING = "-"


def show_run(facts: RunFacts) -> None:
    """Header, configuration, scores, checkpoints and files of a run, on stdout."""
    print_listing(_header(facts))
    print("\nconfiguration that differs from the defaults:")
    print_listing({path: text_of(value) for path, value in facts.changed.items()} or {"none": ""})
    print()
    _show_scores([facts])
    checkpoints = ", ".join(map(str, facts.checkpoints)) or "none"
    print(f"checkpoints of epochs: {checkpoints}\n\nfiles:")
    print_listing({name: f"{size:,} bytes" for name, size in facts.files.items()})


def show_comparison(runs: Sequence[RunFacts], keys: Mapping[str, Sequence[Plain]]) -> None:
    """The scores of runs, and the keys that differ, on stdout."""
    for run in runs:
        print(
            f"{run.entry.name}: {run.entry.folder}, {run.entry.state}, {counted(run.entry.epochs, 'epoch')}"
        )
    _show_scores(runs)
    if not keys:
        print("their configurations are the same")
        return
    rows = [[path, *map(text_of, values)] for path, values in keys.items()]
    print_table(["key", *(run.entry.name for run in runs)], rows, title="configuration that differs")


def text_of(value: Plain) -> str:
    """A value of a configuration; texts without quotes.

    >>> text_of("exact"), text_of(None), text_of([0.5, 1])
    ('exact', 'null', '[0.5, 1]')
    """
    return value if isinstance(value, str) else json.dumps(value)


def _header(facts: RunFacts) -> dict[str, str]:
    """Where the run comes from and how far it is."""
    entry, source = facts.entry, facts.source
    best = "" if facts.best_epoch is None else f", the best is {facts.best_epoch:g}"
    lines = {
        "run": entry.folder,
        "method": entry.method,
        "data": entry.data,
        "state": f"{entry.state}, {counted(entry.epochs, 'epoch')} done{best}",
        "started": entry.started,
        "seconds": f"{entry.seconds:,.1f}",
        "commit": source.commit,
        "command": source.command,
        "host": source.host,
        "gpus": ", ".join(source.gpus),
        "raydist": source.raydist,
    }
    return {name: str(value or NOTHING) for name, value in lines.items()}


def _show_scores(runs: Sequence[RunFacts]) -> None:
    """A row for each run, encoder and direction."""
    single = len(runs) == 1
    rows = [
        [
            *([] if single else [run.entry.name]),
            encoder,
            DIRECTION_LABELS[way],
            *(f"{values[metric]:.1f}" for metric in METRICS),
        ]
        for run in runs
        for encoder, scores in run.scores.items()
        for way, values in scores.items()
    ]
    if not rows:
        print("nothing was scored")
        return
    keys = [*([] if single else ["run"]), "encoder", "direction"]
    print_table([*keys, *METRICS.values()], rows, title="percent", keys=len(keys))
