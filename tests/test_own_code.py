import json
import sys

import pytest

from raydist.own_code import one_line


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module and raises what calling its `run` raises."""
    monkeypatch.syspath_prepend(tmp_path)

    def error_of(text):
        (tmp_path / "my_own_code.py").write_text(text)
        sys.modules.pop("my_own_code", None)
        try:
            __import__("my_own_code").run()
        except Exception as error:
            return error
        raise AssertionError("nothing was raised")

    yield error_of
    sys.modules.pop("my_own_code", None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "def run():\n    int('bob')\n",
            "ValueError: invalid literal for int() with base 10: 'bob' (my_own_code.py, line 2)",
        ),
        (
            "import json\ndef run():\n    json.loads('')\n",
            "JSONDecodeError: Expecting value: line 1 column 1 (char 0) (my_own_code.py, line 3)",
        ),
        ("def run():\n    ''.nosuch\n", "'str' object has no attribute 'nosuch' (my_own_code.py, line 2)"),
    ],
)
def test_the_place_is_the_last_line_of_the_users_code(module, text, line):
    assert one_line(module(text), "my_own_code:run") == line


def test_a_syntax_error_names_its_place_itself(module):
    assert one_line(module("def run(:\n"), "my_own_code:run") == (
        "SyntaxError: invalid syntax (my_own_code.py, line 1)"
    )


def test_an_installed_package_is_the_users_where_it_was_named():
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("")
    assert one_line(caught.value, "json:loads").endswith(
        "(decoder.py, line " + str(last_line(caught.value)) + ")"
    )
    assert "test_own_code.py" in one_line(caught.value, "other:thing")


def last_line(error):
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    return trace.tb_lineno


def test_without_a_frame_of_the_user_there_is_no_place():
    assert one_line(ModuleNotFoundError("No module named 'x'"), "x:y") == "No module named 'x'"
