"""The page of a run that was trained in this process, without a cluster."""

import json

import pytest
from typer import Exit

from raydist.cli.report import report
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.state import build_state
from raydist.errors import CheckpointError, ConfigError
from raydist.reports.run_page import write_run_page
from raydist.tracking.tracker import NoTracker


@pytest.fixture(scope="module")
def finished(smoke, smoke_inputs, tmp_path_factory):
    config = smoke("train.limit_epochs=1", "train.iterations=2", "tracking.mlflow_uri=null")
    folder = RunFolder.create(tmp_path_factory.mktemp("report"), "run", "run")
    folder.write("config.yaml", config.dump())
    train_run(build_state(config, smoke_inputs), folder, NoTracker(), after_epoch=lambda report: None)
    return folder


def test_the_page_of_a_run(finished, capsys):
    report(finished.path, json=True)
    path = finished.path / "report" / "index.html"
    assert json.loads(capsys.readouterr().out) == {"report": str(path)}
    text = path.read_text()
    assert "<h1>cba on synthetic</h1>" in text
    assert text.count('class="ranking"') == 16
    assert write_run_page(finished).read_text() == text


def test_only_finished_runs_have_a_page(finished, tmp_path, capsys):
    with pytest.raises(Exit) as stopped:
        report(tmp_path)
    assert stopped.value.exit_code == ConfigError.exit_code
    assert "holds no run" in capsys.readouterr().err
    (tmp_path / "config.yaml").write_text((finished.path / "config.yaml").read_text())
    with pytest.raises(CheckpointError, match="not finished"):
        write_run_page(RunFolder.open(tmp_path))
    (tmp_path / "summary.json").write_text((finished.path / "summary.json").read_text())
    with pytest.raises(CheckpointError, match="no whole checkpoint"):
        write_run_page(RunFolder.open(tmp_path))


def test_runs_on_all_splits_are_refused_with_the_name_of_one(raydist, splits_dir):
    result = raydist("report", splits_dir)
    assert result.code == 2
    assert f"name one of them, such as {splits_dir / 'trial_01'}" in result.err
