import pytest

from raydist.errors import ConfigError
from raydist.yaml_files import parse_yaml, read_yaml


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
    parsed = parse_yaml(f"x: {text}")["x"]
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "x: !!python/object/apply:os.system ['true']", "a: [1", "\ta: 1"]
)
def test_bad_yaml_is_refused(text):
    with pytest.raises(ConfigError):
        parse_yaml(text)


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


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_bytes("train: {lr: 1}  # \u00e9".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"x\.yaml is not UTF-8 \(byte 19\): expected a text file"):
        read_yaml(tmp_path / "x.yaml")
