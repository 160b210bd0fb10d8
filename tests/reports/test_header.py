from raydist.data.tracklets import TrackletTable
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config
from raydist.reports.header import configuration, run_header


def config_of(**sections):
    return Config.model_validate({"method": {"name": "pgm"}, **sections})


def make_table(tmp_path):
    rows = [
        {"tracklet_id": "a", "split": "train", "modality": "visible", "camera": "D1", "frames": ["1", "2"]},
        {"tracklet_id": "b", "split": "query", "modality": "infrared", "camera": "D2", "frames": ["3"]},
    ]
    return TrackletTable.from_rows(rows, tmp_path)


def test_what_differs_from_the_defaults_stands_first():
    lines = configuration(config_of(train={"lr": 0.5}, run={"seed": 3}))
    assert [(line.path, line.value, line.default) for line in lines if line.differs] == [
        ("run.seed", "3", "0"),
        ("train.lr", "0.5", "0.001"),
    ]
    assert all(line.differs for line in lines[:2])
    assert len({line.path for line in lines}) == len(lines) > 60


def test_the_defaults_of_the_method_are_its_own():
    assert not any(line.differs for line in configuration(config_of()))
    assert "method.joint.eps" in {
        line.path for line in configuration(Config.model_validate({"method": {"name": "bmil"}}))
    }


def test_facts_are_those_that_the_run_wrote_down(tmp_path):
    folder = RunFolder.create(tmp_path, "r", "r")
    config, table = config_of(), make_table(tmp_path)
    assert run_header(folder, config, table).facts == []
    command = ["raydist", "train", "tracking.mlflow_uri=http://ann:secret@host/x", "a b"]
    folder.write("environment.json", {"command": command, "commit": "abc", "cpus": 2, "gpu": None})
    header = run_header(folder, config, table)
    assert header.facts == [
        ("Command", "raydist train tracking.mlflow_uri=http://***@host/x 'a b'"),
        ("Commit", "abc"),
        ("Cores", "2"),
    ]
    assert (header.run, header.num_changed) == ("r", 0)
    assert header.counts["train"]["visible"] == {
        "tracklets": 1, "frames": 2, "identities": 0, "cameras": 1
    }  # fmt: skip
