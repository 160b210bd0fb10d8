import json

import pytest

from raydist.distributed.driver.compare import Variant, plan_study, run_study, tabulate

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture
def study(tmp_path):
    words = [
        "train.iterations=1", "train.limit_epochs=1", "ray.num_workers=1", "ray.num_shards=1",
        f"run.dir={tmp_path}", "tracking.mlflow_uri=null",
    ]  # fmt: skip
    return plan_study("smoke", ["dcl", "dcl+method.dual.momentum=0.5"], [0], words)


def test_finished_cells_are_not_run_again(study):
    messages = []
    table = run_study(study, say=messages.append)
    assert [row["method"] for row in table["rows"]] == ["dcl", "dcl+method.dual.momentum=0.5"]
    assert sum(m["kind"] == "epoch" for m in messages) == 4
    again = []
    assert run_study(study, say=again.append) == table
    assert [m["kind"] for m in again] == ["cell", "cell"]
    assert json.loads(study.table.read_text()) == table
    measures = table["rows"][0]["measures"]
    assert set(measures["last/infrared_to_visible/map"]) == {"mean"}
    assert measures["frames_seen"]["mean"] > 0


def test_nothing_is_tabulated_before_a_cell_has_ended(study):
    assert tabulate(study)["rows"] == []
    assert not study.folder.exists()


def test_cells_are_shared_between_comparisons_and_another_value_is_another_cell(study, tmp_path):
    words = ["train.limit_epochs=1", "ray.num_workers=1", "ray.num_shards=1", f"run.dir={tmp_path}"]
    folders = {cell.folder for cell in study.cells}
    same = plan_study("smoke", ["dcl"], [0, 1], [*words, "train.iterations=1"])
    other = plan_study("smoke", ["dcl"], [0], [*words, "train.iterations=2"])
    assert [cell.folder in folders for cell in same.cells] == [True, False]
    assert other.cells[0].folder not in folders
    assert same.table != study.table


def test_a_row_may_be_a_recipe(tmp_path):
    study = plan_study("smoke", ["ruler+train.epochs=3"], [0], [f"run.dir={tmp_path}"])
    assert (study.cells[0].config.method.name, study.cells[0].config.train.epochs) == ("supervised", 3)


def test_a_label_says_what_is_changed():
    variant = Variant("pgm+method.cross.weight=0.5+train.lr=1e-3")
    assert variant.words == ["method.name=pgm", "method.cross.weight=0.5", "train.lr=1e-3"]
    assert "/" not in variant.stem
