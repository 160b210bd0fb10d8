import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from raydist.errors import ConfigError
from raydist.yaml_files import MOST_BYTES, MOST_VALUES, dump_yaml, parse_yaml, read_yaml


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
    "tag", ["object/apply:os.mkdir", "object/new:os.mkdir", "object:os.mkdir", "name:os.mkdir", "module:os"]
)
def test_no_object_of_python_is_made(tmp_path, tag):
    with pytest.raises(ConfigError, match="could not determine a constructor"):
        parse_yaml(f"x: !!python/{tag} [{tmp_path}/executed]")
    assert not (tmp_path / "executed").exists()


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


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)
"""A list of 10 ** 12 words."""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "more than 5,000 keys and values, aliases written out"),
        ("[" * 50_000, "more than 20 lists and sections inside of each other"),
        ("".join(" " * depth + "a:\n" for depth in range(300)), "more than 20 lists and sections"),
        ("? " * 30_000, "more than 20 lists and sections"),
        ("\n".join(f"k{number}: 1" for number in range(9_000)), "more than 5,000 keys and values"),
        ("# a line\n" * 20_000, "has 180,000 characters: a configuration has at most 100,000"),
        ("a: &a [*a]", "line 1: an alias inside of what it stands for"),
        ("a: 1\nb: 1\na: 2", r"key 'a' stands twice in one section \(line 3\)"),
        ("a: 1\n7: 1", r"key '7' \(line 2\) is no text: expected a name"),
        ("null: 1", "is no text"),
        ("1.5: 1", "is no text"),
        ("true: 1", "is no text"),
        ("? [a, b]\n: 1", "key 'a sequence' .* is no text"),
        ("a: &a {b: 1}\nc: {<<: *a}", "is no text"),
        ("x: " + "9" * 50_000, "expected a number of 64 bits"),
        ("x: 18446744073709551616", "expected a number of 64 bits"),
        ("x: 1e400", "expected a number of 64 bits"),
        ("x: !!float .nan", "expected a number of 64 bits"),
        ("x: !!int ''", "expected a number of 64 bits"),
        ("x: !!bool perhaps", "'perhaps' .* expected true or false"),
        ("x: !!timestamp 2001-99-99", "could not determine a constructor"),
        ("x: !!map [1]", "expected a mapping"),
        ("x: !" + "a" * 90_000 + " 1", "could not determine a constructor"),
        ("x: *" + "a" * 90_000, "undefined alias"),
        (r'x: "\ud800"', r"the character U\+D800, which no file can hold"),
        (r'x: "\0"', r"the character U\+0000"),
        (r'x: "\Uffffffff"', "is not valid YAML"),
        (r'x: "\U00110000"', "is not valid YAML"),
        ("x: a\0b", "is not valid YAML"),
        ("x: \ud800", "is not valid YAML"),
        ("# a\nb: 1\n--- 3", "expected a single document"),
    ],
)
def test_hostile_text_is_refused_at_once_in_a_short_message(text, message):
    start = time.process_time()
    with pytest.raises(ConfigError, match=message) as error:
        parse_yaml(text, origin="y" * 3000)
    assert time.process_time() - start < 5
    assert len(str(error.value)) < 1500


def test_aliases_within_the_limit_stand_for_what_they_name():
    text = "a: &a {b: [1, 2]}\nc: [*a, *a]\nd: &d true\ne: *d"
    assert parse_yaml(text) == yaml.safe_load(text)


def test_the_limit_counts_what_an_alias_stands_for():
    num_aliases = (MOST_VALUES - 5 - 11) // 11
    text = "a: &a [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\nb: [{}]"
    assert len(parse_yaml(text.format(", ".join(["*a"] * num_aliases)))["b"]) == num_aliases
    with pytest.raises(ConfigError, match="more than 5,000"):
        parse_yaml(text.format(", ".join(["*a"] * (num_aliases + 1))))


def test_a_file_of_the_largest_size_is_read(tmp_path):
    (tmp_path / "x.yaml").write_text("x: ".ljust(MOST_BYTES, "y"))
    assert len(read_yaml(tmp_path / "x.yaml")["x"]) == MOST_BYTES - 3
    (tmp_path / "x.yaml").write_text("x: ".ljust(MOST_BYTES + 1, "y"))
    with pytest.raises(ConfigError, match="has 100,001 bytes"):
        read_yaml(tmp_path / "x.yaml")


def test_a_name_that_no_file_can_have_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: File name too long"):
        read_yaml(tmp_path / f"{'x' * 5000}.yaml")


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
    | st.from_regex(r"[-+]?[0-9.]{1,4}([eE][-+]?[0-9]{1,2})?", fullmatch=True)
    | st.sampled_from(["yes", "on", "null", "~", "true", "12:30", "2026-11-28", "0x1f", "1_000", "=", "<<"])
)


def nested(values):
    return st.lists(values, max_size=3) | st.dictionaries(st.text("ab1e.", min_size=1), values, max_size=3)


@pytest.mark.parametrize("flow", [False, True])
@given(value=st.recursive(PLAIN, nested, max_leaves=8))
def test_what_is_written_is_read_as_the_same(flow, value):
    assert parse_yaml(dump_yaml(value, flow=flow)) == value


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("text", ["a\x85b", "\x85", "x\n\x85y", "a\u2028b", "\r\n"])
def test_every_line_break_comes_back(flow, text):
    for value in (text, [text], {"k": text}, {text: 1}):
        assert parse_yaml(dump_yaml(value, flow=flow)) == value


def test_text_that_other_readers_take_for_something_else_is_quoted():
    words = ["yes", "1:30", "2026-11-28"]
    assert yaml.safe_load(dump_yaml(words)) == words
