"""The pages that people read, README and guide, and the code blocks in them."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from raydist.cli.app import app

ROOT = Path(__file__).parent.parent.parent
PAGES = {page.name: page for page in [ROOT / "README.md", *sorted((ROOT / "raydist" / "guide").glob("*.md"))]}

TOURS = {name for name in PAGES if name.startswith("tour-")}
"""Pages that `test_tours.py` runs, with what their readers have."""

_BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<why>.*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: the file's name.
        line: of its first line of content.
        language: ``bash``, ``python``, ``yaml``, or empty for what a command prints.
        text: its content.
        why_not_run: the reason of its marker; empty for a block that is run.
    """

    page: str
    line: int
    language: str
    text: str
    why_not_run: str

    @property
    def file(self) -> str | None:
        """The name of the file that the block is the content of, where its first line says so."""
        match = re.match(r"# (\w+\.(?:py|yaml))\n", self.text)
        return match[1] if match else None


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order."""
    text = PAGES[page].read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start("text")) + 1,
            match["language"],
            match["text"],
            match["why"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def prose(page: str) -> str:
    """A page without its blocks and comments, every paragraph on one line."""
    text = re.sub(r"<!--.*?-->", "", _BLOCK.sub("", PAGES[page].read_text(encoding="utf-8")), flags=re.S)
    return re.sub(r"(?<=\S)\n(?=[^\n|#-])", " ", text)


def _run_commands(text: str) -> None:
    """Run the lines of a bash block, all of them commands of raydist, in this process."""
    for line in text.replace("\\\n", "").splitlines():
        match shlex.split(line, comments=True):
            case []:
                continue
            case ["raydist", *words]:
                pass
            case ["python", "-m", module, *words] if module.startswith("raydist."):
                words = [module.removeprefix("raydist."), *words]
            case _:
                pytest.fail(
                    f"{line!r} is no command of raydist: mark the block with <!-- not run: the reason -->"
                )
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 0, f"{line}\n{result.output}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `page` is made once for each page, for `no_tour` for each that is none."""
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES)
    if "no_tour" in metafunc.fixturenames:
        metafunc.parametrize("no_tour", [name for name in PAGES if name not in TOURS])


@pytest.fixture
def page_blocks(page: str) -> list[Block]:
    """The blocks of the page."""
    return blocks(page)


@pytest.fixture
def readme_blocks() -> list[Block]:
    """The blocks of the README."""
    return blocks("README.md")


@pytest.fixture
def data_blocks() -> list[Block]:
    """The blocks of the page on data."""
    return blocks("data.md")


@pytest.fixture
def run_commands() -> Callable[[str], None]:
    """`run_commands(text)` runs the lines of a bash block."""
    return _run_commands


@pytest.fixture
def run_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`run_page(name)` runs the blocks of a page in order in the test's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def run(page: str) -> None:
        names = {"__name__": "page"}
        for block in blocks(page):
            if block.file:
                Path(block.file).write_text(block.text)
            elif block.why_not_run:
                continue
            elif block.language == "bash":
                _run_commands(block.text)
            elif block.language == "python":
                exec(compile(block.text, f"{block.page}:{block.line}", "exec"), names)

    return run


@pytest.fixture
def shell_script() -> Callable[[str], str]:
    """`shell_script(name)`: the lines of a page for the shell, without those that are not run."""
    return lambda page: "".join(
        block.text for block in blocks(page) if block.language == "bash" and not block.why_not_run
    )


@pytest.fixture
def page_prose(page: str) -> str:
    """The text of the page."""
    return prose(page)


@pytest.fixture
def page_file(page: str) -> Path:
    """The file of the page."""
    return PAGES[page]
