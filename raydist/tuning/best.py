"""The winner of a study as configurations that can be trained, one a data set."""

from __future__ import annotations

from pathlib import Path

from raydist.engine.schema import Config, with_values
from raydist.storage import write_whole
from raydist.tuning.study import Study
from raydist.tuning.trial import Trial


def write_best(folder: Path, study: Study, trial: Trial) -> list[Path]:
    """Write ``best-DATA.yaml`` for every data set of a study.

    Each file is the training to report: it trains on all identities, also those that trials were compared on,
    and is evaluated on the test split. Its first lines say how to repeat the trial instead.

    Args:
        folder: of the study.
        study: what was searched.
        trial: the winner.

    Returns:
        The files, in the order of the data sets.
    """
    paths = []
    for data in study.bases:
        path = folder / f"best-{data}.yaml"
        write_whole(path, _header(path, study, trial, data) + final_config(study, trial, data).dump())
        paths.append(path)
    return paths


def final_config(study: Study, trial: Trial, data: str) -> Config:
    """A trial's configuration on a data set, changed to train on all identities and evaluate the test
    split."""
    config = with_values(study.config(data, trial.sample), [(("run", "name"), None)])
    if config.evaluation.split == "test":
        return config
    return with_values(config, [(("evaluation", "split"), "test"), (("data", "validation_identities"), 0.0)])


def _header(path: Path, study: Study, trial: Trial, data: str) -> str:
    objective, base = study.tune.objective, study.bases[data]
    lines = [
        f"Trial {trial.number} of a search over {len(study.parameters)} parameters, the best by {objective}: "
        f"{_shown(trial.last_of(data, objective))} here, "
        f"{_shown(trial.last(objective))} over {', '.join(study.bases)}.",
        "",
        f"    python -m raydist.train {path}",
        "",
    ]
    if base.evaluation.split == "validation":
        share = base.data.validation_identities
        lines += [
            "It trains on all identities and is tested on the test split. "
            "The trial itself held some back; it is repeated with",
            f"evaluation.split=validation data.validation_identities={share}",
        ]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4g}"
