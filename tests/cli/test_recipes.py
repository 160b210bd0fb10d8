"""`raydist recipes`: the list, and one recipe that trains as it is shown."""

import pytest
import yaml

from raydist.cli.recipes import FOLDER, in_columns, published_table
from raydist.engine.schema import load_config


def test_all_recipes_are_listed_with_what_they_are(raydist):
    names = sorted({path.stem for path in FOLDER.glob("*.yaml")} - {path.stem for path in FOLDER.glob("_*")})
    result = raydist("recipes")
    assert result.code == 0
    assert [line.split()[0] for line in result.out.splitlines()] == names
    assert all(len(line.split()) > 3 for line in result.out.splitlines())
    listed = raydist("recipes", "--json").json["recipes"]
    assert list(listed) == names
    assert listed["smoke"].startswith("A few seconds of everything")


def test_what_is_shown_is_the_same_configuration(raydist, tmp_path):
    shown = raydist("recipes", "show", "smoke").out
    assert shown.startswith("# A few seconds of everything")
    (tmp_path / "mine.yaml").write_text(shown)
    assert load_config(str(tmp_path / "mine.yaml")) == load_config("smoke")
    assert "extends" not in yaml.safe_load(shown)
    facts = raydist("recipes", "show", "smoke", "--json").json
    assert facts["values"] == yaml.safe_load(shown)
    assert facts["comment"][0] == shown.splitlines()[0].removeprefix("# ")


def test_a_recipe_for_data_that_is_not_here_can_be_shown(raydist):
    result = raydist("recipes", "show", "cba-hitsz_vcm")
    assert result.code == 0
    assert yaml.safe_load(result.out)["data"]["name"] == "hitsz_vcm"


def test_an_unknown_recipe_names_the_nearest(raydist):
    result = raydist("recipes", "show", "smok")
    assert result.code == 2
    assert "did you mean 'smoke'?" in result.err


def test_a_published_recipe_is_shown_beside_its_authors_script(raydist, tmp_path):
    shown = raydist("recipes", "show", "pgm-sysu_mm01").out
    headings = next(line for line in shown.splitlines() if line.startswith("# argument"))
    assert headings.split() == ["#", "argument", "published", "ours", "why"]
    momentum = shown.partition("# memory momentum")[2].partition("# memory rule")[0]
    assert momentum.split() == ["0.2", "method.dual.momentum=0.2,", "#", "method.cross.momentum=0.2"]
    (tmp_path / "mine.yaml").write_text(shown)
    assert load_config(str(tmp_path / "mine.yaml")) == load_config("pgm-sysu_mm01")
    facts = raydist("recipes", "show", "pgm-sysu_mm01", "--json").json
    assert set(facts["published"][0]) == {"argument", "published", "ours", "why"}
    assert "ed4a7df" in facts["repository"]


@pytest.mark.parametrize("name", sorted(path.stem for path in (FOLDER / "published").glob("*.yaml")))
def test_the_table_beside_a_published_recipe_fits_a_terminal(name):
    lines = in_columns(published_table(name)[1])
    assert max(map(len, lines)) <= 108
    assert "  ".join(lines).count("method.") > 1
