"""The tours of the guide, each as a person walks it, with what that person has."""

import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from raydist.tuning.study_folder import StudyFolder
from tests.guide.footage import NUM_PEOPLE, write_footage

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.ray


def summary(run: str) -> dict:
    return json.loads(Path("runs", run, "summary.json").read_text())


def test_the_tour_of_the_researcher(run_page):
    run_page("tour-researcher.md")
    trial, again = summary("trial"), summary("again")
    assert (trial["method"], trial["protocol"], trial["epochs"]) == ("cba", "hitsz_vcm", 4)
    assert again["method"] == "hitpro"
    (table,) = Path("runs", "compare-hitsz_vcm").glob("table-*.json")
    rows = json.loads(table.read_text())["rows"]
    assert {row["method"]: row["seeds"] for row in rows} == {"cba": [0, 1], "hitpro": [0, 1]}
    assert Path("runs/trial/report/index.html").is_file()


def test_the_tour_of_the_engineer(run_page, tmp_path):
    write_footage(tmp_path / "footage")
    run_page("tour-engineer.md")
    labels, features = pq.read_table("labels.parquet"), pq.read_table("features.parquet")
    assert labels.num_rows == 2 * NUM_PEOPLE
    sections = set(re.findall(r'<section id="(\w+)"', Path("features-report.html").read_text()))
    assert sections >= {"clusters", "association", "map"}
    assert Path("people/manifest_crops/night/000003").is_dir()
    assert Path("mine.onnx.md").is_file()
    assert features["identity"].null_count == labels.num_rows


def test_the_tour_of_the_platform_engineer(head, shell_script, tmp_path):
    shutil.copytree(ROOT / "tune_spaces", tmp_path / "tune_spaces")
    script = shell_script("tour-platform.md")
    for usual, free in (("6379", head.port), ("8265", head.dashboard), ("5000", head.spare)):
        assert f"127.0.0.1:{usual}" in script
        script = script.replace(usual, str(free))
    walk = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=head.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = walk.communicate(timeout=500)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(walk.pid, signal.SIGKILL)  # the MLflow server still runs
    assert walk.returncode == 0, said
    assert "refused with exit code 2" in said
    assert re.search(r"raydist tracking sync \S+/raydist/runs/first", said), "MLflow was not there at first"
    trials = StudyFolder.open(tmp_path / "runs" / "night").trials()
    assert {trial.state for trial in trials} <= {"finished", "stopped"}
    assert len(trials) == 3
    check_mlflow(MlflowClient(f"sqlite:///{tmp_path}/mlflow.db"))


def check_mlflow(client: MlflowClient) -> None:
    """The store has the run that it missed, and the study with its trials."""
    names = {}
    for experiment in client.search_experiments():
        runs = client.search_runs([experiment.experiment_id])
        names[experiment.name] = {run.info.run_name: run.info.status for run in runs}
    assert names["raydist/cba-synthetic"] == {"first": "FINISHED"}
    assert set(names["raydist/hitpro-synthetic"]) == {"night", "trial-0000", "trial-0001", "trial-0002"}
    assert names["raydist/hitpro-synthetic"]["night"] == "FINISHED"
