"""What README and guide name exists: commands and their options, recipes, keys and values, files, links."""

import re
import shlex
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer import Exit
from typer.main import get_command

from raydist.cli.app import app
from raydist.cli.guide import TOPICS, first_sentence, page
from raydist.distributed.driver.comparison import plan_comparison
from raydist.engine.reference import default_params, keys
from raydist.engine.schema import RECIPES, Config, load_config
from raydist.errors import ConfigError
from raydist.methods.registry import METHODS
from raydist.tuning.space import Space
from raydist.tuning.study import make_study

ROOT = Path(__file__).parent.parent.parent
NAMES = {path.stem for path in RECIPES.glob("*.yaml")}
SECTIONS = list(Config.model_fields)
WORD = re.compile(rf"({'|'.join(SECTIONS)})(\.\w+)+=\S")
OWN = re.compile(r"\w+(\.\w+)*:\w+")
"""A value that names a part outside the package; left out unless its file is on the page."""
BACKGROUND = ["data.name=regdb", "data.root=somewhere", "data.validation_identities=0.2"]
"""Without which some words say nothing."""
ENTRY_POINTS = ("train", "tune", "evaluate")


def spans(prose: str) -> list[str]:
    """Everything between backticks, without the escapes of tables."""
    return [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", prose)]


def commands(text: str) -> Iterator[list[str]]:
    """The commands of raydist in a text of shell lines, as their words after ``raydist``."""
    for line in re.split(r"\n|&&|\|\||;| -- ", text.replace("\\\n", "")):
        words = shlex.split(line, comments=True)
        if words[:1] == ["raydist"]:
            yield words[1:]
        elif words[:2] == ["python", "-m"] and words[2].removeprefix("raydist.") in ENTRY_POINTS:
            yield [words[2].removeprefix("raydist."), *words[3:]]


def check_arguments(words: list[str], *, whole: bool) -> None:
    """Parse the words as the command line does; a part of a command, as in prose, may lack arguments."""
    command, context = get_command(app), None
    while hasattr(command, "commands") and words and not words[0].startswith("--"):
        assert words[0] in command.commands, f"no command {words[0]}"
        context = command.make_context(words[0], [], parent=context, resilient_parsing=True)
        command, words = command.commands[words[0]], words[1:]
    try:
        command.make_context("raydist", list(words), parent=context)
    except Exit:  # an option such as --version that ends at once
        return
    except Exception as error:
        if whole or type(error).__name__ not in ("MissingParameter", "NoArgsIsHelpError"):
            raise


def check_values(words: list[str]) -> None:
    """Check what a command names: its recipe and its `section.key=value` words."""
    command, named = words[0], [word for word in words[1:] if "=" not in word]
    values = [word for word in words[1:] if WORD.match(word)]
    if command == "tune" and "--resume" not in words:
        make_study(Space.read(ROOT / named[0]), values)
    elif command == "compare":
        recipe = None if named[0].startswith("--") else named[0]
        plan_comparison(recipe, words[words.index("--methods") + 1].split(","), [0], values)
    elif command == "train" and named and (named[0] in NAMES or Path(named[0]).is_file()):
        load_config(named[0], without_own(values))
    else:
        check_words(values)


def check_words(words: Iterable[str]) -> None:
    """Load words over a recipe; those of a method's keys over each method, until one takes them."""
    words = without_own(words)
    refusals = []
    for method in METHODS if any(word.startswith("method.") for word in words) else ["cba"]:
        try:
            load_config("smoke", [*BACKGROUND, f"method.name={method}", *words])
        except ConfigError as error:
            refusals.append(f"{method}: {error}")
        else:
            return
    pytest.fail(f"{' '.join(words)}: {'; '.join(refusals)}")


def without_own(words: Iterable[str]) -> list[str]:
    """Words without those that name a part outside the package, whose keys must exist all the same."""
    words = list(words)
    own = [
        word for word in words if OWN.fullmatch(value := word.partition("=")[2]) and not is_importable(value)
    ]
    assert {word.partition("=")[0] for word in own} <= paths()
    return [word for word in words if word not in own]


def is_importable(name: str) -> bool:
    """Whether the module of a part is a file of the page (or of the package)."""
    return find_spec(name.partition(":")[0].partition(".")[0]) is not None


def paths() -> set[str]:
    """Every dotted path of the configuration."""
    parts = [(getattr(Config(), name), name) for name in SECTIONS]
    parts += [(default_params(method), "method") for method in METHODS]
    return {key.path for part, prefix in parts for key in keys(part, prefix)}


def exists(name: str) -> bool:
    """Whether a dotted name of the package is a module, or an attribute of one."""
    try:
        import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return hasattr(import_module(module), attribute)
    return True


def test_commands_in_blocks_parse_and_name_what_exists(page_blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for block in page_blocks:
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        for words in commands(block.text) if block.language == "bash" else ():
            check_arguments(words, whole=True)
            check_values(words)


def test_yaml_blocks_are_recipes_or_search_spaces(page_blocks, tmp_path):
    for block in page_blocks:
        if block.language == "yaml":
            path = tmp_path / str(block.file)
            path.write_text(block.text)
            if "extends:" in block.text:
                load_config(str(path))
            else:
                space = Space.read(path)
                make_study(space, [f"data.name={','.join(space.recipes)}"])


def test_commands_in_prose_exist_with_their_options(page_prose):
    for span in spans(page_prose):
        for words in commands(span):
            given = [word for word in words if not re.search(r"[\[\]]|\.\.\.", word)]
            check_arguments(given, whole=False)
            check_words(word for word in given if WORD.match(word))


def test_words_in_prose_are_legal(page_prose):
    for span in spans(page_prose):
        words = shlex.split(span) if WORD.search(span) else []
        if words and words[0] in NAMES:
            load_config(words[0], without_own(words[1:]))
        elif words and WORD.match(words[0]):
            check_words(words if all(map(WORD.match, words)) else [span])


def test_keys_in_prose_exist(page_prose):
    known = paths()
    for span in spans(page_prose):
        if re.fullmatch(rf"({'|'.join(SECTIONS)})(\.\w+)+", span):
            assert any(path == span or path.startswith(f"{span}.") for path in known), span


def test_recipes_in_prose_exist(page_prose):
    spaces = {path.stem for path in (ROOT / "tune_spaces").glob("*.yaml")}
    for span in spans(page_prose):
        if re.fullmatch(rf"({'|'.join(METHODS)})-[\w-]+(?<!\d\d\d)", span):
            assert span in NAMES | spaces


def test_files_and_dotted_names_in_prose_exist(page_prose):
    for span in spans(page_prose):
        if re.fullmatch(r"(raydist|tests|deploy|tune_spaces)/[\w./-]*", span):
            assert (ROOT / span).exists(), span
        if re.fullmatch(r"raydist(\.\w+)+", span):
            assert exists(span), span


def test_links_lead_to_pages_and_their_headings(page_prose, page_file):
    for target in re.findall(r"\]\(([^)]+)\)", page_prose):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = page_file.parent / name
        assert file.is_file(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
            assert anchor in {
                re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings
            }


def test_every_recipe_is_listed():
    text = (ROOT / "raydist" / "guide" / "recipes.md").read_text(encoding="utf-8")
    assert {name for name in NAMES if not name.startswith("_")} <= set(spans(text))


def test_the_readme_is_short_leads_to_every_topic_and_has_the_line_of_the_tests():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    for topic in TOPICS:
        assert f"| [{topic}](raydist/guide/{topic}.md) | {first_sentence(page(topic))} |" in text
    assert re.search(r"^pip install .*\[cpu,test\].*&& python -m pytest$", text, re.M)
