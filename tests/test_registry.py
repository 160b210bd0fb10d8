import sys
from pathlib import Path

import pytest

from raydist.errors import ConfigError
from raydist.registry import Attribute, Entry, Registry, nearest, one_of


@pytest.fixture
def instances():
    return Registry("thing.name", {"tau": Entry("math:tau", "a circle")}, kind="builtins:float")


@pytest.fixture
def classes():
    return Registry("thing.kind", {"plain": Entry("builtins:dict", "")}, kind="builtins:dict", subclass=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory; modules of one test are forgotten after it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_names_are_looked_up_and_listed(instances):
    assert instances.load("tau") == pytest.approx(6.283185)
    assert list(instances) == ["tau"]
    assert "tau" in instances
    assert len(instances) == 1
    assert instances.listing() == "tau, or package.module:Name for one of your own"


def test_an_unknown_name_is_answered_with_all_that_there_are(instances):
    with pytest.raises(
        ConfigError, match=r"^thing\.name = 'tao': did you mean 'tau'\? There are: tau, or package"
    ):
        instances.check("tao")
    with pytest.raises(ConfigError, match=r"^thing\.name = 'zzzzz'; there are: tau"):
        instances.load("zzzzz")


@pytest.mark.parametrize("name", [Path("one"), None, 3, ["one"]])
def test_what_is_no_text_is_refused(instances, name):
    with pytest.raises(ConfigError, match="expected a text, one of "):
        instances.load(name)
    with pytest.raises(ConfigError, match="expected a text, one of "):
        instances.check(name)


def test_a_known_name_is_checked_without_an_import():
    Registry("x", {"a": Entry("no.such.module:thing", "")}).check("a")


@pytest.mark.parametrize("name", ["math:pi", "math:e"])
def test_a_part_of_ones_own_is_package_module_name(instances, name):
    instances.check(name)
    assert isinstance(instances.load(name), float)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("math:floor", "expected an instance of builtins.float, but it is <built-in function floor>"),
        ("math:nothing", "cannot be imported: module 'math' has no attribute 'nothing'"),
        ("nowhere.at.all:x", "cannot be imported: No module named 'nowhere'"),
    ],
)
def test_what_is_no_such_part_is_refused(instances, name, message):
    with pytest.raises(ConfigError, match=message):
        instances.check(name)


def test_classes_and_instances_are_told_apart(classes):
    assert classes.load("collections:OrderedDict").__name__ == "OrderedDict"
    for name in ("os:environ", "collections:deque"):
        with pytest.raises(ConfigError, match=r"expected a sub-class of builtins\.dict"):
            classes.load(name)


def test_modules_of_the_working_directory_can_be_named(instances, folder):
    (folder / "my_numbers_a.py").write_text("HALF = 0.5\n")
    assert instances.load("my_numbers_a:HALF") == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "HALF = 1 / 0\n",
            r"cannot be imported: ZeroDivisionError: division by zero \(my_numbers_b\.py, line 1\)",
        ),
        ("HALF = (\n", r"cannot be imported: SyntaxError: .*my_numbers_b\.py, line 1"),
    ],
)
def test_a_fault_in_ones_own_module_is_told_with_its_place(instances, folder, text, message):
    (folder / "my_numbers_b.py").write_text(text)
    with pytest.raises(ConfigError, match=message):
        instances.load("my_numbers_b:HALF")


def test_only_names_that_are_near_are_hinted_at():
    assert nearest("expand", ["self_paced", "eps"]) == ""
    assert nearest("min_sample", ["min_samples", "eps"]) == ": did you mean 'min_samples'?"
    assert one_of("smok", ["smoke", "ci"], listed="{smoke} and {ci}") == (
        ": did you mean 'smoke'? There are: {smoke} and {ci}"
    )


@pytest.mark.parametrize("name", [":X", ".mine:X", "mine.:X", "a..b:X", "mine:", "mine:a b"])
def test_a_name_that_cannot_be_one_is_refused_by_its_form(instances, name):
    with pytest.raises(ConfigError, match=r"^thing\.name = '.*': expected package\.module:Name, such as"):
        instances.check(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import numpy as np\nHALF = np.nosuch\n",
            r"module 'numpy' has no attribute 'nosuch' \(my_numbers_c\.py, line 2\)$",
        ),
        ("\n\nimport no_such_module\n", r"No module named 'no_such_module' \(my_numbers_c\.py, line 3\)$"),
        ("import json\nHALF = json.loads('{')\n", r"JSONDecodeError: .* \(my_numbers_c\.py, line 2\)$"),
        ("HALVES = 0.5\n", r"module 'my_numbers_c' has no attribute 'HALF': did you mean 'HALVES'\?$"),
    ],
)
def test_the_place_is_in_the_users_code_wherever_the_error_was_raised(instances, folder, text, message):
    (folder / "my_numbers_c.py").write_text(text)
    with pytest.raises(ConfigError, match=message):
        instances.load("my_numbers_c:HALF")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import sys\nsys.exit(0)\n", r"cannot be imported: SystemExit: 0 \(my_numbers_c\.py, line 2\)$"),
        ("raise ValueError('one\\ntwo')\n", r"cannot be imported: ValueError: one two \(my_numbers_c\.py"),
        ("HALF = 'x\\n' * 500\n", r"but it is '(x\\n)+.{1,3}\.\.\. \(str\)$"),
        ("class A:\n    def __repr__(self): return 1 / 0\nHALF = A()\n", r"without a text: .* \(A\)$"),
        ("class A:\n    def __repr__(self): return 'a\\nb'\nHALF = A()\n", r"but it is a b \(A\)$"),
    ],
)
def test_whatever_ones_own_module_does_the_answer_is_one_short_line(instances, folder, text, message):
    (folder / "my_numbers_c.py").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        instances.load("my_numbers_c:HALF")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


UNFINISHED = """
from abc import abstractmethod

class Bare(dict):
    size = "large"

class Abstract(dict):
    size = 1
    @abstractmethod
    def weigh(self): ...
    __abstractmethods__ = frozenset({"weigh"})

class NoSize(dict):
    pass

class Whole(dict):
    size = 3
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("NoSize", r"is not finished: define size, an instance of builtins\.int, in it$"),
        ("Bare", r"define size, an instance of builtins\.int, in it, but it is 'large' \(str\)$"),
        ("Abstract", r"is not finished: define weigh in it$"),
    ],
)
def test_an_unfinished_class_is_refused_with_what_is_missing(folder, name, message):
    (folder / "my_sizes.py").write_text(UNFINISHED)
    sized = Registry(
        "thing.kind", {}, kind="builtins:dict", subclass=True, needs={"size": Attribute("builtins:int")}
    )
    assert sized.load("my_sizes:Whole").size == 3
    with pytest.raises(ConfigError, match=message):
        sized.load(f"my_sizes:{name}")
