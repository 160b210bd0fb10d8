import re
from typing import Annotated, Literal

import pytest

from raydist.config import (
    Choice,
    Section,
    choices,
    compose,
    find,
    merge,
    overrides,
    put,
    validate,
)
from raydist.errors import ConfigError, RenamedKeyWarning
from raydist.registry import Entry, Registry, nearest


class Inner(Section):
    lr: float = 1.0
    epochs: int = 2


class Root(Section):
    train: Inner = Inner()


def test_unknown_key_names_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown key train\.epoch: did you mean 'epochs'\?"):
        validate(Root, {"train": {"epoch": 3}})


def test_wrong_type_names_path_and_value():
    with pytest.raises(ConfigError, match=r"train\.epochs = 'many'"):
        validate(Root, {"train": {"epochs": "many"}})


def test_sections_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Root().train.lr = 2.0


def test_words_lie_over_files():
    (first,) = overrides(["train.lr=1e-3"])
    assert put({"train": {"epochs": 5}}, *first) == {"train": {"epochs": 5, "lr": 0.001}}


@pytest.mark.parametrize("word", ["lr=1", "train.lr", ".seed=1", "run.=1", "run..seed=1", "=1"])
def test_a_word_needs_a_section_a_key_and_a_value(word):
    with pytest.raises(ConfigError, match=rf"^'{re.escape(word)}': expected section\.key=value"):
        list(overrides([word]))


def test_extends_lays_later_files_over_earlier_ones(tmp_path):
    (tmp_path / "base.yaml").write_text("train: {lr: 1, epochs: 5}")
    (tmp_path / "over.yaml").write_text("extends: [base]\ntrain: {lr: 2}")
    assert compose(tmp_path / "over.yaml", library=tmp_path) == {"train": {"lr": 2, "epochs": 5}}


def test_a_circle_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b")
    (tmp_path / "b.yaml").write_text("extends: a")
    with pytest.raises(ConfigError, match="circle"):
        compose(tmp_path / "a.yaml", library=tmp_path)


@pytest.mark.parametrize("extends", ["5", "", "[5]", "{a: b}", "true", '""', "[demo, null]"])
def test_what_is_extended_is_a_name_or_a_list_of_names(extends, tmp_path):
    (tmp_path / "demo.yaml").write_text("")
    (tmp_path / "x.yaml").write_text(f"extends: {extends}")
    with pytest.raises(ConfigError, match=r"x\.yaml: extends = .*: expected the name of a recipe"):
        compose(tmp_path / "x.yaml", library=tmp_path)


def test_a_missing_recipe_names_the_nearest(tmp_path):
    (tmp_path / "demo.yaml").write_text("")
    (tmp_path / "x.yaml").write_text("extends: dem")
    with pytest.raises(ConfigError, match="did you mean 'demo'"):
        compose(tmp_path / "x.yaml", library=tmp_path)


def test_merge_does_not_touch_its_arguments():
    base = {"a": {"x": 1}}
    merge(base, {"a": {"x": 2}})
    assert base == {"a": {"x": 1}}


def test_nothing_near_gives_no_hint():
    assert nearest("zzz", ["epochs"]) == ""


class Numbers(Section):
    count: int = 1
    rate: float | None = None
    per_side: int | dict[str, int] = 1
    words: tuple[str, ...] = ()
    flag: bool = False
    maybe: bool | None = None
    size: Literal[1, 2] = 1
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("count", True),
        ("rate", False),
        ("per_side", True),
        ("per_side", {"a": True}),
        ("words", [True]),
        ("size", True),
        ("inner", {"lr": True}),
    ],
)
def test_true_and_false_are_no_numbers(key, value):
    with pytest.raises(ConfigError, match=rf"^{key}[^\n]* = "):
        validate(Numbers, {key: value})


def test_truth_values_and_numbers_as_words_are_taken_as_before():
    taken = validate(Numbers, {"flag": True, "maybe": False, "count": "3", "rate": "1e-3"})
    assert (taken.flag, taken.maybe, taken.count, taken.rate) == (True, False, 3, 0.001)


NAMES: Registry[float] = Registry(
    "shop.size", {"small": Entry("math:e", "a small one"), "large": Entry("math:pi", "")}
)


class Shop(Section):
    size: Annotated[str, Choice(NAMES)] = "small"
    place: Annotated[str | None, Choice(("here", "there"))] = None
    colour: Literal["red", "blue"] = "red"
    count: int = 1


class Street(Section):
    shop: Shop = Shop()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "size",
            "smal",
            "shop.size = 'smal': did you mean 'small'? There are: small, large, or package.module",
        ),
        ("place", "hero", "shop.place = 'hero': did you mean 'here'? There are: here, there"),
        ("colour", "bleu", "shop.colour = 'bleu': did you mean 'blue'? There are: red, blue"),
        ("colour", 7, "shop.colour = 7; there are: red, blue"),
        ("size", "math:nothing", "shop.size = 'math:nothing' cannot be imported"),
    ],
)
def test_an_unknown_choice_is_one_line_with_the_nearest_and_all(key, value, message):
    with pytest.raises(ConfigError) as caught:
        validate(Street, {"shop": {key: value}})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_choices_of_ones_own_and_none_are_taken():
    taken = validate(Street, {"shop": {"size": "math:tau", "place": None}}).shop
    assert (taken.size, taken.place) == ("math:tau", None)


def test_choices_are_known_with_their_help():
    fields = Shop.model_fields
    assert choices(fields["size"]) == {"small": "a small one", "large": ""}
    assert choices(fields["place"]) == {"here": "", "there": ""}
    assert choices(fields["colour"]) == {"red": "", "blue": ""}
    assert choices(fields["count"]) == {}


class Renamed(Section):
    old_names = {"keep": "momentum"}  # noqa: RUF012
    momentum: float = 0.5


class Outer(Section):
    memory: Renamed = Renamed()


@pytest.mark.filterwarnings("default")
def test_an_old_name_is_taken_with_its_path_in_a_warning():
    with pytest.warns(RenamedKeyWarning, match=r"^memory\.keep is now called memory\.momentum"):
        assert validate(Outer, {"memory": {"keep": 0.2}}).memory.momentum == 0.2
    with pytest.warns(RenamedKeyWarning, match=r"^method\.dual\.memory\.keep is now"):
        validate(Outer, {"memory": {"keep": 0.2}}, at="method.dual")


@pytest.mark.parametrize(
    "layers", [("keep", "momentum"), ("momentum", "keep"), ("momentum", "keep", "momentum")]
)
def test_of_an_old_and_a_new_name_the_last_one_counts(layers):
    raw = {}
    for number, name in enumerate(layers):
        raw = merge(raw, {"memory": {name: number}})
    assert validate(Outer, raw).memory.momentum == len(layers) - 1


def test_a_wrong_value_under_an_old_name_is_refused():
    with pytest.raises(ConfigError, match=r"^memory\.momentum = 'much'"):
        validate(Outer, {"memory": {"keep": "much"}})


class Extended(Renamed):
    old_names = {"width": "size"}  # noqa: RUF012
    size: int = 3


class Optional(Section):
    memory: Extended | None = Extended()


def test_old_names_of_base_classes_are_taken_in_a_section_that_may_be_left_out():
    taken = validate(Optional, {"memory": {"keep": 0.2, "width": 5}}).memory
    assert (taken.momentum, taken.size) == (0.2, 5)
    assert validate(Optional, {"memory": None}).memory is None


def test_an_unknown_key_of_a_section_that_may_be_left_out_names_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown key memory\.momentun: did you mean 'momentum'\?"):
        validate(Optional, {"memory": {"momentun": 0.2}})


def test_files_that_extend_each_other_many_times_are_read_once(tmp_path):
    (tmp_path / "f0.yaml").write_text("train: {lr: 0}")
    for number in range(1, 19):
        names = ", ".join([f"f{number - 1}"] * 20)
        (tmp_path / f"f{number}.yaml").write_text(f"extends: [{names}]\ntrain: {{epochs: {number}}}")
    assert compose(tmp_path / "f18.yaml", library=tmp_path) == {"train": {"lr": 0, "epochs": 18}}
    for number in range(19, 22):
        (tmp_path / f"f{number}.yaml").write_text(f"extends: f{number - 1}")
    with pytest.raises(ConfigError, match="the files extend each other more than 20 deep"):
        compose(tmp_path / "f21.yaml", library=tmp_path)
    (tmp_path / "wide.yaml").write_text(f"extends: [{', '.join(['f0'] * 21)}]")
    with pytest.raises(ConfigError, match=r"wide\.yaml: extends has 21 names: expected 20 at most"):
        compose(tmp_path / "wide.yaml", library=tmp_path)


def test_messages_are_short_whatever_was_given(tmp_path):
    with pytest.raises(ConfigError, match="a key of 9,001 names, expected 20 at most"):
        list(overrides([f"train{'.a' * 9000}=1"]))
    with pytest.raises(ConfigError, match="and 1,980 more") as error:
        validate(Root, {f"k{number}" * 200: number for number in range(2000)})
    assert len(str(error.value)) < 20 * 600
    for raw in ({"train": {"epochs": "x" * 90_000}}, {"train": {7: 1}}, {"x" * 90_000: 1}):
        with pytest.raises(ConfigError) as error:
            validate(Root, raw)
        assert len(str(error.value)) < 1500
    with pytest.raises(ConfigError, match="no recipe 'xxx") as error:
        find("x" * 9000, tmp_path)
    assert len(str(error.value)) < 300
