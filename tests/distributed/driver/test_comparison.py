import pytest
import yaml

from raydist.distributed.driver.comparison import Variant, plan_comparison
from raydist.engine.checkpoint_folder import CheckpointFolder
from raydist.errors import ConfigError


def test_cells_are_shared_between_comparisons_and_another_value_is_another_cell(comparison, tmp_path):
    words = ["train.limit_epochs=1", f"run.dir={tmp_path}"]
    folders = {cell.folder for cell in comparison.cells}
    same = plan_comparison("smoke", ["dcl"], [0, 1], [*words, "train.iterations=1"])
    other = plan_comparison("smoke", ["dcl"], [0], [*words, "train.iterations=2"])
    assert [cell.folder in folders for cell in same.cells] == [True, False]
    assert other.cells[0].folder not in folders
    assert same.table != comparison.table


def test_all_cells_start_from_one_epoch_of_another_run(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for file in ("config.yaml", "summary.json"):
        (source / file).write_text("{}")
    CheckpointFolder(source / "checkpoints").write(4, {"state.json": b"{}"})
    words = [f"encoder.weights={source}@last", f"run.dir={tmp_path}"]
    cells = plan_comparison("smoke", ["dcl"], [0, 1], words).cells
    assert [cell.config.encoder.weights for cell in cells] == 2 * [f"{source}@4"]


def test_a_row_may_be_a_recipe(tmp_path):
    comparison = plan_comparison(None, ["ruler+train.epochs=3"], [0], [f"run.dir={tmp_path}"])
    assert (comparison.cells[0].config.method.name, comparison.cells[0].config.train.epochs) == (
        "supervised",
        3,
    )


def test_a_label_says_what_is_changed():
    variant = Variant("pgm+method.cross.weight=0.5+train.lr=1e-3")
    assert variant.words == ["method.name=pgm", "method.cross.weight=0.5", "train.lr=1e-3"]
    assert "/" not in variant.stem


@pytest.fixture
def earlier(comparison):
    """The folder of a cell as the version before left it: other digits, an old name, and a key fewer."""
    cell = comparison.cells[0]
    folder = cell.folder.parent / "dcl-seed0-0123abcd"
    folder.mkdir(parents=True)
    raw = yaml.safe_load(cell.config.dump())
    raw["method"]["dual"]["keep"] = raw["method"]["dual"].pop("momentum")
    del raw["data"]["unreadable"]
    (folder / "config.yaml").write_text(yaml.safe_dump(raw))
    (folder / "summary.json").write_text("{}")
    return folder


def again(comparison, *words):
    run_dir = comparison.folder.parent
    first = ["train.iterations=1", "train.limit_epochs=1", f"run.dir={run_dir}", "tracking.mlflow_uri=null"]
    (cell,) = plan_comparison("smoke", ["dcl"], [0], [*first, *words]).cells
    return cell


@pytest.mark.filterwarnings("error::raydist.errors.RenamedKeyWarning")
def test_a_finished_cell_of_the_version_before_is_taken(comparison, earlier):
    cell = again(comparison)
    assert (cell.folder, cell.config.run.name) == (earlier, earlier.name)
    assert again(comparison, "train.lr=7e-3").folder != earlier


@pytest.mark.parametrize("name", ["summary.json", "config.yaml"])
def test_a_folder_that_is_no_finished_cell_is_passed_over(name, comparison, earlier):
    (earlier / name).unlink()
    assert again(comparison).folder == comparison.cells[0].folder


@pytest.mark.parametrize(
    ("recipe", "variants", "words", "message"),
    [
        ("smoke", ["dcl"], ["run.seed=3"], r"^run\.seed=3: in a comparison --seeds gives the seeds"),
        ("smoke", ["dcl"], ["method.name=pgm"], r"^method\.name=pgm: in a comparison --methods names"),
        ("smoke", ["dcl"], ["run.name=x"], r"^run\.name=x: in a comparison the name of a run is"),
        ("smoke", ["dcl+run.seed=3"], [], r"^run\.seed=3: in a comparison"),
        ("smoke", ["ruler", "demo+train.lr=1"], [], r"^smoke: every row .* \(ruler, demo\+train\.lr=1\)"),
    ],
)
def test_what_a_comparison_would_not_heed_is_refused(recipe, variants, words, message):
    with pytest.raises(ConfigError, match=message):
        plan_comparison(recipe, variants, [0], words)
