"""Every kind of part of one's own: the guide's files, and no line here."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from raydist.data.datasets.dataset import read_dataset
from raydist.engine.loop import run_epoch
from raydist.engine.state import build_state
from raydist.errors import DataError

ROOT = Path(__file__).parent.parent.parent

PAGE = (ROOT / "raydist" / "guide" / "adding-parts.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```python\n# (my_\w+\.py)\n(.*?)^```$", PAGE, re.M | re.S))
"""The files of the guide's page."""

(COMMAND,) = re.findall(r"^python -m (raydist\.train .*?)\n```$", PAGE, re.M | re.S)
"""The guide's command that uses them."""

OWN = {
    "method.name": "my_method:Brief",
    "data.name": "my_data:FOLDERS",
    "encoder.name": "my_encoder:TINY",
    "encoder.pooling": "my_pooling:PEAK",
    "clustering.algorithm": "my_clustering:Connected",
    "clustering.distance": "my_distance:Unexpanded",
    "evaluation.protocol": "my_protocol:OTHER_CAMERAS",
}
KIND = {
    "method.name": "a sub-class of raydist.methods.method.Method",
    "data.name": "an instance of raydist.data.datasets.dataset.Dataset",
    "encoder.name": "an instance of raydist.encoders.backbone.Backbone",
    "encoder.pooling": "an instance of raydist.encoders.pooling.Pooling",
    "clustering.algorithm": "a sub-class of raydist.clustering.clusterer.Clusterer",
    "clustering.distance": "a sub-class of raydist.neighbours.jaccard.distance.Distance",
    "evaluation.protocol": "an instance of raydist.evaluation.protocols.Protocol",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with the parts in it."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def write_folders(smoke_root: Path, target: Path) -> None:
    """The drawn people as SPLIT/MODALITY/CAMERA/PERSON, what `my_data` reads."""
    for source in smoke_root.glob("T*/*/*/*"):
        part, person, modality, camera = source.relative_to(smoke_root).parts
        infrared = modality == "ir"
        split = "train" if part == "Train" else "query" if infrared else "gallery"
        shutil.copytree(source, target / split / ("infrared" if infrared else "visible") / camera / person)


@pytest.fixture
def environment(run_env: dict[str, str]) -> dict[str, str]:
    """Of a command: this tree, whatever is installed, and no trace of the working directory on the path."""
    return {**run_env, "PYTHONPATH": str(ROOT)}


def called(*words: object, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.ray
def test_a_run_of_ones_own_parts_alone_trains_and_goes_on(folder, environment, smoke_root):
    """All of them in one run; then its second epoch again, from the checkpoint of the first."""
    write_folders(smoke_root, folder / "mine")
    command = shlex.split(COMMAND.replace("\\\n", ""))
    assert {f"{key}={name}" for key, name in OWN.items()} < set(command)
    words = ["train.epochs=2", "train.iterations=2", "ray.num_workers=1", "ray.num_shards=1"]
    words += ["evaluation.every=1", "run.name=mine", "tracking.mlflow_uri=null", "--json"]
    trained = called("-m", *command, *words, cwd=folder, env=environment)
    assert trained.returncode == 0, trained.stderr
    summary = json.loads(trained.stdout.splitlines()[-1])
    assert summary["method"] == OWN["method.name"]
    assert summary["data"] == OWN["data.name"]
    assert summary["protocol"] == OWN["evaluation.protocol"]
    run = folder / "runs" / "mine"
    shutil.rmtree(run / "checkpoints" / "epoch_0002")
    resumed = called("-m", "raydist.train", "--resume", run, "--json", cwd=folder, env=environment)
    assert resumed.returncode == 0, resumed.stderr
    again = json.loads(resumed.stdout.splitlines()[-1])
    assert again["last"] == summary["last"]
    assert (run / "checkpoints" / "epoch_0002").exists()


LOADED = """
import sys
from raydist.cli.app import main
sys.path[:] = [path for path in sys.path if path not in ("", {cwd!r})]  # as under the console script
main()
"""


def test_the_console_script_finds_modules_of_the_working_directory(folder, environment, smoke_root):
    code = LOADED.format(cwd=str(folder))
    write_folders(smoke_root, folder / "mine")
    words = ("data", "check", "--name", OWN["data.name"], "--root", "mine", "--json")
    checked = called("-c", code, *words, cwd=folder, env=environment)
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout.splitlines()[-1])["splits"]["train"]["visible"]["identities"] == 12


@pytest.fixture
def here(folder, monkeypatch):
    """The working directory is the one with the parts, and their modules are forgotten afterwards."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(os.getcwd())
    yield folder
    for file in FILES:
        sys.modules.pop(file.removesuffix(".py"), None)


def test_a_stage_of_ones_own_trains(here, smoke, smoke_inputs):
    words = ("train.iterations=2", "train.epochs=2", "evaluation.every=0", "method.together.temperature=0.1")
    state = build_state(smoke("method.name=my_stage:OneSpace", *words), smoke_inputs)
    before = [p.detach().clone() for p in state.encoder.parameters()]
    reports = [run_epoch(state) for _ in range(state.plan.num_epochs)]
    assert [report.stage for report in reports] == ["together", "together"]
    assert all(report.losses["both"] > 0 for report in reports)
    assert any(not (a == b).all() for a, b in zip(before, state.encoder.parameters(), strict=True))
    assert len(state.memories["prototypes"]) == state.targets.labels.max() + 1 > 2


def test_frames_are_read_in_time_order_and_a_name_that_is_no_number_is_refused_with_its_path(here):
    person = here / "mine" / "train" / "visible" / "c1" / "7"
    person.mkdir(parents=True)
    for number in (1, 2, 10, 11):
        (person / f"{number}.jpg").touch()
    table, _ = read_dataset(OWN["data.name"], here / "mine")
    assert [Path(frame).stem for frame in table.frames[0]] == ["1", "2", "10", "11"]
    person.rename(person.parent / "bob")
    with pytest.raises(DataError, match=r"c1/bob: expected a number as its name"):
        read_dataset(OWN["data.name"], here / "mine")


@pytest.mark.parametrize("key", OWN)
def test_another_kind_of_part_is_refused_when_the_configuration_is_loaded(key, here, smoke):
    for other, name in OWN.items():
        if other == key:
            smoke(f"{key}={name}", "data.root=x")
            continue
        with pytest.raises(ValueError, match=f"^{key} = '{name}': expected {KIND[key]}, but it is"):
            smoke(f"{key}={name}", "data.root=x")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("method.name=my_method:Brif", "module 'my_method' has no attribute 'Brif': did you mean 'Brief'?"),
        ("encoder.name=my_encodr:TINY", "No module named 'my_encodr'"),
        ("encoder.name=my_encoder", "package.module:Name for one of your own"),
    ],
)
def test_a_wrong_name_is_one_line_and_exit_code_2(word, message, folder, environment):
    refused = called("-m", "raydist.train", "smoke", word, cwd=folder, env=environment)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (folder / "runs").exists()


def test_a_renamed_key_is_one_line_of_warning(folder, environment):
    words = ("method.name=dcl", "method.dual.keep=0.3", "method.dual.patience=1")
    refused = called("-m", "raydist.train", "smoke", *words, cwd=folder, env=environment)
    assert refused.returncode == 2
    warned, error = refused.stderr.splitlines()
    assert warned.startswith("warning: method.dual.keep is now called method.dual.momentum")
    assert error.startswith("error: unknown key method.dual.patience")
