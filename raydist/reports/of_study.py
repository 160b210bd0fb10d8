"""The page of a study: what was searched, what won, what mattered, and every trial, as one static HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from raydist.reports import parallel
from raydist.reports.chart import Plot, Series, draw
from raydist.reports.templates import render
from raydist.tuning.analysis import MIN_PAIRS, MIN_TRIALS, Analysis
from raydist.tuning.objectives import MEASURES
from raydist.tuning.records import StudyFolder, Trial
from raydist.tuning.study import Study

PARALLEL = {name.lower(): getattr(parallel, name) for name in ("WIDTH", "HEIGHT", "TOP", "BOTTOM")}


def write_study_page(folder: StudyFolder, analysis: Analysis | None) -> Path:
    """Write ``report/index.html`` in a study's folder; the same records give the same bytes.

    Args:
        folder: of a study, at any moment of it.
        analysis: what was found; None while no trial has finished.

    Returns:
        The path of the page.
    """
    path = folder.path / "report" / "index.html"
    path.parent.mkdir(exist_ok=True)
    path.write_text(study_page(folder.study(), folder.trials(), analysis), encoding="utf-8", newline="\n")
    return path


def study_page(study: Study, trials: Sequence[Trial], analysis: Analysis | None) -> str:
    """The page as text, see `write_study_page`."""
    objective, importance = study.tune.objective, analysis.importance if analysis else {}
    winner = analysis.winner.number if analysis else None
    names = [*importance, *(name for name in study.parameters if name not in importance)]
    shown = {name: study.parameters[name] for name in names}
    return render(
        "study.html",
        study=study,
        tune=study.tune,
        analysis=analysis,
        states=Counter(trial.state for trial in trials),
        trials=[trial_row(trial, study, objective) for trial in trials],
        measures=_measured(study, trials),
        parameters=list(shown),
        chart=draw(
            progress(trials, objective), num_epochs=max((trial.number for trial in trials), default=0)
        ),
        threads=parallel.draw_parallel(trials, shown, objective=objective, winner=winner),
        parallel=PARALLEL,
        max_axes=parallel.MAX_AXES,
        min_trials=MIN_TRIALS,
        min_pairs=MIN_PAIRS,
        bars=bars(importance),
        show=show,
    )


def progress(trials: Sequence[Trial], objective: str) -> Plot:
    """The objective of every trial as a point, and the best of those that finished so far as a line.

    Args:
        trials: by number.
        objective: the measure.
    """
    ended = {state: _last(trials, objective, state) for state in ("finished", "stopped")}
    best: list[tuple[int, float]] = []
    for number, value in ended["finished"]:
        best.append((number, max(value, best[-1][1]) if best else value))
    series = [
        Series("best so far", best, "visible"),
        Series("finished", ended["finished"], "tone-0", joined=False),
        Series("stopped early, at their last epoch", ended["stopped"], "muted", joined=False),
    ]
    return Plot(objective, series, decimals=3, along="trial")


def trial_row(trial: Trial, study: Study, objective: str) -> dict[str, Any]:
    """A trial as the table shows it: plain values, None where nothing was measured."""
    return {
        "number": trial.number,
        "state": trial.state,
        "reason": trial.reason,
        "epochs": trial.epochs[-1].epoch if trial.epochs else 0,
        "of": trial.epochs[-1].of if trial.epochs else None,
        "steps": trial.steps,
        "objective": trial.last(objective),
        "values": {
            data: {measure: trial.last_of(data, measure) for measure in MEASURES} for data in study.bases
        },
        "sample": trial.sample,
    }


def bars(importance: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Parameters with their importance, and the length of their bar in percent of the longest.

    >>> bars({"train.lr": 0.5, "train.epochs": 0.0})
    [('train.lr', 0.5, 100.0), ('train.epochs', 0.0, 0.0)]
    """
    longest = max(importance.values(), default=0.0) or 1.0
    return [(name, value, round(100 * value / longest, 2)) for name, value in importance.items()]


def show(value: object) -> str:
    """A value in a cell: four digits of a number, nothing for None.

    >>> show(0.123456), show(12), show(None), show(True)
    ('0.1235', '12', '', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _last(trials: Sequence[Trial], objective: str, state: str) -> list[tuple[int, float]]:
    values = [(trial.number, trial.last(objective)) for trial in trials if trial.state == state]
    return [(number, value) for number, value in values if value is not None]


def _measured(study: Study, trials: Sequence[Trial]) -> list[str]:
    """The measures that any trial has, the objective first."""
    found = {
        name for t in trials for data in study.bases for name in MEASURES if t.last_of(data, name) is not None
    }
    objective: str = study.tune.objective
    return [objective, *(name for name in MEASURES if name in found and name != objective)]
