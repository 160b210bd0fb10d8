"""The page of a run that was trained in this process, without a cluster."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from typer import Exit

from raydist.cli.report import report
from raydist.data.feature_files import write_features, write_labels
from raydist.engine.inputs import open_inputs
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.state import build_state
from raydist.engine.trained import Trained
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
    report(str(finished.path), json=True)
    path = finished.path / "report" / "index.html"
    epoch = {"epoch": 3, "checkpoint": "last", "finished_run": True}
    assert json.loads(capsys.readouterr().out) == {"report": str(path)} | epoch
    text = path.read_text()
    assert "<h1>cba on synthetic</h1>" in text
    assert text.count('class="ranking"') == 16
    for section in ("configuration", "clusters", "map", "similarities", "time"):
        assert f'<section id="{section}">' in text
    assert "Largest" in text
    assert write_run_page(finished).read_text() == text
    assert "data:image/jpeg" in text
    report(str(finished.path), ["report.images=false"])
    assert "data:image/jpeg" not in path.read_text()
    assert "as report.images=false says" in path.read_text()


def test_the_ranked_lists_are_of_the_checkpoint_that_is_named(finished, capsys):
    path = finished.path / "report" / "index.html"
    last = write_run_page(finished).read_text()
    report(f"{finished.path}@2")
    assert f"report: {path}, ranked lists after epoch 2 of 3\n" in capsys.readouterr().err
    assert "after epoch 2;" in path.read_text()
    assert "after epoch 3;" in last
    report(str(finished.path), checkpoint="last")
    assert path.read_text() == last


def test_only_finished_runs_have_a_page(finished, tmp_path, capsys):
    with pytest.raises(Exit) as stopped:
        report(str(tmp_path))
    assert stopped.value.exit_code == ConfigError.exit_code
    assert "holds no run" in capsys.readouterr().err
    (tmp_path / "config.yaml").write_text((finished.path / "config.yaml").read_text())
    with pytest.raises(ConfigError, match=r"not finished.*--resume.*raydist evaluate or embed"):
        write_run_page(RunFolder.open(tmp_path))
    with pytest.raises(Exit) as stopped:
        report(str(tmp_path))
    assert stopped.value.exit_code == ConfigError.exit_code
    (tmp_path / "summary.json").write_text((finished.path / "summary.json").read_text())
    with pytest.raises(CheckpointError, match="no whole checkpoint"):
        write_run_page(RunFolder.open(tmp_path))


@pytest.mark.parametrize("split", [[], ["evaluation.split=validation", "data.validation_identities=0.2"]])
def test_a_run_without_truth_shows_its_clusters(smoke, smoke_manifest, tmp_path, split, capsys):
    manifest = smoke_manifest(identities=False, splits=False)
    config = smoke(
        "data.name=manifest",
        f"data.root={manifest}",
        "train.epochs=3",
        "train.iterations=2",
        "method.name=dcl",
        *split,
    )
    folder = RunFolder.create(tmp_path, "blind", "run")
    folder.write("config.yaml", config.dump())
    state = build_state(config, open_inputs(config, tmp_path / "cache"))
    train_run(state, folder, NoTracker(), after_epoch=lambda report: None)
    summary = folder.summary()
    assert (summary.protocol, summary.split) == (None, None)
    text = write_run_page(folder).read_text()
    numbers = [int(number) for number in re.findall(r'aria-label="Cluster (\d+)"', text)]
    assert 'id="map"' in text
    assert "data:image" not in text
    assert "these are recordings of people" in text
    assert "Most mixed" not in text
    labels = folder.labels(summary.epochs)
    sizes = Counter(label for label in labels.values() if label >= 0)
    assert sizes
    assert numbers[0] == min(sizes, key=lambda label: (-sizes[label], label))
    assert set(numbers) <= set(sizes)
    assert "Protocol" not in text
    report(str(folder.path))
    assert ", clusters after epoch 3 of 3 (last)" in capsys.readouterr().err
    shutil.rmtree(folder.path / "labels")
    assert "Cluster " not in write_run_page(folder).read_text()


def test_runs_on_all_splits_are_refused_with_the_name_of_one(raydist, splits_dir):
    result = raydist("report", splits_dir)
    assert result.code == 2
    assert f"name one of them, such as {splits_dir / 'trial_01'}" in result.err


@pytest.fixture
def features_file(finished, tmp_path):
    trained = Trained.load(finished.path, None, sections=())
    (table,) = trained.features(trained.ranked(), rows_at_once=10_000)
    write_features(table, tmp_path / "f.parquet")
    return table, tmp_path / "f.parquet"


def test_the_page_of_a_file_of_features(features_file, capsys):
    table, path = features_file
    report(str(path), json=True)
    page = path.with_name("f-report.html")
    assert json.loads(capsys.readouterr().out) == {"report": str(page), "features": str(path)}
    text = page.read_text()
    assert "<h1>f.parquet</h1>" in text
    assert "Suggested threshold" in text
    assert '<section id="clusters">' not in text
    write_labels(table.tracklet_id, table.identity, path.with_name("l.parquet"))
    other = path.with_name("other.html")
    report(str(path), protocol="hitsz_vcm", labels=path.with_name("l.parquet"), out=other)
    assert "hitsz_vcm: gallery tracklets of the query" in other.read_text()
    assert "labels of l.parquet" in other.read_text()
    assert page.read_text() == text


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"overrides": ["report.images=true"]}, 2, "KEY=VALUE: .* belongs to a run"),
        ({"checkpoint": "best"}, 2, "--checkpoint: .* belongs to a run"),
        ({"protocol": "plane"}, 2, "--protocol.*plain"),
        ({"out": Path("page.pdf")}, 2, "name it page.html"),
        ({"labels": Path("nowhere.parquet")}, 3, "nowhere.parquet"),
    ],
)
def test_what_does_not_belong_to_features_is_refused(features_file, capsys, options, code, message):
    _, path = features_file
    with pytest.raises(Exit) as stopped:
        report(str(path), **options)
    assert stopped.value.exit_code == code
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
    assert not list(path.parent.glob("*.html"))


def test_what_belongs_to_features_is_refused_for_a_run(finished, capsys):
    with pytest.raises(Exit) as stopped:
        report(str(finished.path), protocol="plain")
    assert stopped.value.exit_code == ConfigError.exit_code
    assert "--protocol" in capsys.readouterr().err
