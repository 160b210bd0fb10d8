from raydist.distributed.driver.comparison import Variant, plan_comparison


def test_cells_are_shared_between_comparisons_and_another_value_is_another_cell(comparison, tmp_path):
    words = ["train.limit_epochs=1", f"run.dir={tmp_path}"]
    folders = {cell.folder for cell in comparison.cells}
    same = plan_comparison("smoke", ["dcl"], [0, 1], [*words, "train.iterations=1"])
    other = plan_comparison("smoke", ["dcl"], [0], [*words, "train.iterations=2"])
    assert [cell.folder in folders for cell in same.cells] == [True, False]
    assert other.cells[0].folder not in folders
    assert same.table != comparison.table


def test_a_row_may_be_a_recipe(tmp_path):
    comparison = plan_comparison("smoke", ["ruler+train.epochs=3"], [0], [f"run.dir={tmp_path}"])
    assert (comparison.cells[0].config.method.name, comparison.cells[0].config.train.epochs) == (
        "supervised",
        3,
    )


def test_a_label_says_what_is_changed():
    variant = Variant("pgm+method.cross.weight=0.5+train.lr=1e-3")
    assert variant.words == ["method.name=pgm", "method.cross.weight=0.5", "train.lr=1e-3"]
    assert "/" not in variant.stem
