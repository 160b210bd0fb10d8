"""The page of a study, as one static HTML file: the winner, which parameters mattered, and every trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from raydist.reports import parallel
from raydist.reports.chart import Plot, Series, draw
from raydist.reports.templates import render, write_html
from raydist.tuning.analysis import MIN_PAIRS, Analysis
from raydist.tuning.importance import MIN_TRIALS, Importance
from raydist.tuning.objectives import METRICS
from raydist.tuning.study import Study
from raydist.tuning.study_folder import StudyFolder
from raydist.tuning.trial import Trial, TrialState

PARALLEL_SIZE = {name.lower(): getattr(parallel, name) for name in ("WIDTH", "HEIGHT", "TOP", "BOTTOM")}


@dataclass(frozen=True)
class TrialRow:
    """A trial as the table shows it.

    Attributes:
        trial: the trial.
        epoch: the last one that it reported; 0 for none.
        num_epochs: of the whole trial; None before its first report.
        objective: the last value of the objective.
        values: data set -> metric -> last value.
    """

    trial: Trial
    epoch: int
    num_epochs: int | None
    objective: float | None
    values: Mapping[str, Mapping[str, float | None]]


def write_study_page(folder: StudyFolder, analysis: Analysis | None) -> Path:
    """Write ``report/index.html`` in a study's folder; the same records give the same bytes.

    Args:
        folder: of a study, at any moment of it.
        analysis: its result; None while no trial has finished.

    Returns:
        The path of the page.
    """
    text = study_page(folder.study(), folder.trials(), analysis)
    return write_html(folder.path / "report" / "index.html", text)


def study_page(study: Study, trials: Sequence[Trial], analysis: Analysis | None) -> str:
    """The page as text, see `write_study_page`."""
    objective, importance = study.tune.objective, analysis.importance if analysis else Importance()
    names = [*importance.overall, *(name for name in study.parameters if name not in importance.overall)]
    parameters = {name: study.parameters[name] for name in names}
    return render(
        "study_page.html",
        study=study,
        tune=study.tune,
        analysis=analysis,
        states=Counter(trial.state for trial in trials),
        rows=[trial_row(trial, study) for trial in trials],
        metrics=_shown_metrics(study, trials),
        parameters=list(parameters),
        chart=draw(
            progress(trials, objective), num_epochs=max((trial.number for trial in trials), default=0)
        ),
        parallel=parallel.draw_parallel(
            trials, parameters, objective=objective, winner=analysis.winner.number if analysis else None
        ),
        parallel_size=PARALLEL_SIZE,
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
        objective: the metric.
    """
    finished, stopped = (_last_values(trials, objective, state) for state in ("finished", "stopped"))
    best: list[tuple[int, float]] = []
    for number, value in finished:
        best.append((number, max(value, best[-1][1]) if best else value))
    series = [
        Series("best so far", best, "visible", stepped=True, marked=False),
        Series("finished", finished, "tone-0", joined=False),
        Series("stopped early, at their last epoch", stopped, "muted", joined=False),
    ]
    return Plot(objective, series, decimals=3, x_name="trial")


def trial_row(trial: Trial, study: Study) -> TrialRow:
    """What the table shows of a trial."""
    last = trial.epochs[-1] if trial.epochs else None
    return TrialRow(
        trial,
        epoch=last.epoch if last else 0,
        num_epochs=last.num_epochs if last else None,
        objective=trial.last(study.tune.objective),
        values={data: {metric: trial.last_of(data, metric) for metric in METRICS} for data in study.bases},
    )


def bars(importance: Importance) -> list[tuple[str, float, float, float]]:
    """Parameters with their importance, the length of its bar in percent of the longest, and their importance
    among the best.

    >>> bars(Importance({"train.lr": 0.5, "train.epochs": 0.0}, {"train.lr": 0.9, "train.epochs": 0.1}))
    [('train.lr', 0.5, 100.0, 0.9), ('train.epochs', 0.0, 0.0, 0.1)]
    """
    overall = importance.overall
    longest = max(overall.values(), default=0.0) or 1.0
    return [
        (name, value, round(100 * value / longest, 2), importance.among_best[name])
        for name, value in overall.items()
    ]


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


def _last_values(trials: Sequence[Trial], objective: str, state: TrialState) -> list[tuple[int, float]]:
    values = [(trial.number, trial.last(objective)) for trial in trials if trial.state == state]
    return [(number, value) for number, value in values if value is not None]


def _shown_metrics(study: Study, trials: Sequence[Trial]) -> list[str]:
    """The metrics that any trial has, the objective first."""
    objective: str = study.tune.objective
    known = {
        metric
        for trial in trials
        for data in study.bases
        for metric in METRICS
        if trial.last_of(data, metric) is not None
    }
    return [objective, *(metric for metric in METRICS if metric in known and metric != objective)]
