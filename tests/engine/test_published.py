"""Every recipe of a published method says what its authors' script sets, and does it or says why not."""

import pytest

from raydist.engine.published import FOLDER, Argument, PublishedSettings, compared, published_settings, table
from raydist.engine.schema import RECIPES, load_config
from raydist.errors import ConfigError

NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def rows_of(name):
    settings = published_settings(name)
    assert settings is not None
    return compared(settings, load_config(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_has_the_published_value_or_says_why_not(name):
    unequal = {row.argument.argument for row in rows_of(name) if not row.equal}
    explained = {row.argument.argument for row in rows_of(name) if row.argument.why and row.argument.keys}
    assert unequal == explained


@pytest.mark.parametrize("name", NAMES)
def test_every_row_says_what_we_do_and_why_where_that_differs(name):
    for row in rows_of(name):
        assert row.argument.keys or row.argument.ours, row.argument.argument
        assert row.argument.source
        ours = row.argument.ours or "the same"
        assert row.argument.why or ours.startswith("the same"), row.argument.argument


WITHOUT_SCRIPT = {"dotla"}
"""Methods of which no code is public."""


def test_every_recipe_for_the_images_of_a_paper_has_a_table():
    of_images = {
        path.stem
        for data in ("sysu_mm01", "regdb", "llcm")
        for path in RECIPES.glob(f"*-{data}.yaml")
        if path.stem.partition("-")[0] not in WITHOUT_SCRIPT
    }
    assert set(NAMES) == of_images


def keys_below(values, path):
    """The paths of all values that are no sections; the numbers of both modalities are one value."""
    if not isinstance(values, dict) or "visible" in values:
        return {path}
    return {key for name, inner in values.items() for key in keys_below(inner, f"{path}.{name}")}


NO_ARGUMENT = {"method.name", "train.limit_epochs"}
"""Keys that the authors' code has no argument for."""


@pytest.mark.parametrize("name", NAMES)
def test_no_number_of_the_method_or_the_training_is_left_out(name):
    values = load_config(name).model_dump(mode="json")
    keys = keys_below(values["method"], "method") | keys_below(values["train"], "train")
    keys = {
        key for key in keys - NO_ARGUMENT if not key.startswith("method.warm_up.") or key.endswith(".share")
    }
    assert keys <= {key for row in rows_of(name) for key in row.argument.keys}


@pytest.mark.parametrize("name", NAMES)
def test_an_argument_stands_once(name):
    arguments = [row.argument.argument for row in rows_of(name)]
    assert len(set(arguments)) == len(arguments) > 20


def test_a_recipe_without_a_script_has_no_table():
    assert published_settings("pgm-demo") is None


def test_a_changed_recipe_is_seen():
    settings = PublishedSettings(
        repository="a/b at 0",
        arguments=[
            Argument(argument="k1", published="30", source="x.py:1", keys={"clustering.k1": 30}),
            Argument(argument="order", published="V, I", source="x.py:2", ours="I, V", why="simpler"),
        ],
    )
    configs = (load_config("pgm-sysu_mm01", [f"clustering.k1={k}"]) for k in (30, 20))
    equal, other = (compared(settings, config) for config in configs)
    assert [row.equal for row in equal] == [True, True]
    assert [row.equal for row in other] == [False, True]
    assert table(other)[0] == ["k1", "30", "clustering.k1=20", ""]
    assert table(other)[1] == ["order", "V, I", "I, V", "simpler"]


def test_a_key_that_is_not_there_is_an_error():
    argument = Argument(argument="x", published="1", source="x.py:1", keys={"method.nothing": 1})
    with pytest.raises(ConfigError, match=r"method\.nothing: no key"):
        compared(PublishedSettings(repository="", arguments=[argument]), load_config("demo"))
