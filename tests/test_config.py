import pytest

from raydist.config import Section, compose, merge, overrides, parse_yaml, put, read_yaml, validate
from raydist.errors import ConfigError
from raydist.registry import nearest


class Inner(Section):
    lr: float = 1.0
    epochs: int = 2


class Root(Section):
    train: Inner = Inner()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-2", -2),
        ("no", "no"),
        ("010", "010"),
        ("true", True),
        ("null", None),
        ("1:30", "1:30"),
    ],
)
def test_yaml_follows_version_1_2(text, value):
    found = parse_yaml(f"x: {text}")["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "x: !!python/object/apply:os.system ['true']", "a: [1", "\ta: 1"]
)
def test_bad_yaml_is_refused(text):
    with pytest.raises(ConfigError):
        parse_yaml(text)


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


@pytest.mark.parametrize("word", ["lr=1", "train.lr"])
def test_a_word_needs_a_section_and_a_value(word):
    with pytest.raises(ConfigError, match=r"section\.key=value"):
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


def test_a_missing_recipe_names_the_nearest(tmp_path):
    (tmp_path / "demo.yaml").write_text("")
    (tmp_path / "x.yaml").write_text("extends: dem")
    with pytest.raises(ConfigError, match="did you mean 'demo'"):
        compose(tmp_path / "x.yaml", library=tmp_path)


@pytest.mark.parametrize(
    ("content", "message"), [("[1, 2]", "expected sections"), ("x: '" + "y" * 1_000_001 + "'", "at most")]
)
def test_a_file_must_be_a_mapping_of_moderate_size(tmp_path, content, message):
    (tmp_path / "x.yaml").write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_yaml(tmp_path / "x.yaml")


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    (tmp_path / "x.yaml").write_text("")
    assert read_yaml(tmp_path / "x.yaml") == {}


def test_merge_does_not_touch_its_arguments():
    base = {"a": {"x": 1}}
    merge(base, {"a": {"x": 2}})
    assert base == {"a": {"x": 1}}


def test_nothing_near_gives_no_hint():
    assert nearest("zzz", ["epochs"]) == ""
