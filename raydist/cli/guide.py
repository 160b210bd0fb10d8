"""`raydist guide`: the documentation that ships with the package."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from raydist.cli.common import Json, print_json, print_line, print_listing, with_exit_codes
from raydist.errors import ConfigError
from raydist.registry import one_of

FOLDER = Path(__file__).parent.parent / "guide"
TOPICS = (
    "tour-researcher",
    "tour-engineer",
    "tour-platform",
    "data",
    "drawn-people",
    "methods",
    "protocols",
    "recipes",
    "weights",
    "configuration",
    "searches",
    "clusters",
    "operation",
    "gallery",
    "python",
    "export",
    "faults",
    "privacy",
    "citing",
    "adding-parts",
    "changes",
)
"""The pages, in the order in which a reader may want them."""
GENERATED = "configuration"
"""The page of which a part is written by `raydist.engine.reference`."""

Topic = Annotated[
    str | None,
    typer.Argument(
        help="One of the topics; without it they are listed.", metavar="TOPIC", show_default=False
    ),
]
Write = Annotated[
    bool,
    typer.Option("--write", hidden=True, help="Write the configuration reference anew, from the schema."),
]


@with_exit_codes
def guide(topic: Topic = None, json: Json = False, write: Write = False) -> None:
    """Show the documentation: a list of the topics, or one of them."""
    if write:
        _write(topic)
    elif topic is None:
        _show_topics(json=json)
    elif json:
        print_json({"topic": topic, "text": without_comments(page(topic))})
    else:
        _show(without_comments(page(topic)))


def page(topic: str) -> str:
    """The Markdown of a topic.

    Raises:
        ConfigError: there is no such topic; the message has the nearest name.
    """
    if topic not in TOPICS:
        raise ConfigError(f"no topic {topic!r}{one_of(topic, TOPICS)}")
    return (FOLDER / f"{topic}.md").read_text(encoding="utf-8")


def without_comments(text: str) -> str:
    """A page without what is written for its tests and its generator.

    >>> without_comments("# Data\\n\\n<!-- not run: long -->\\n```bash\\nls\\n```\\n")
    '# Data\\n\\n```bash\\nls\\n```\\n'
    """
    bare = re.sub(r"\n\n<!--.*?-->\n\n", "\n\n", text, flags=re.DOTALL)
    return re.sub(r"^<!--.*?-->\n", "", bare, flags=re.MULTILINE | re.DOTALL)


def first_sentence(text: str) -> str:
    """What a page is about: the first sentence below its title.

    >>> first_sentence("# Data\\n\\nWhich data sets\\nare read. And more.\\n")
    'Which data sets are read.'
    """
    introduction = text.split("\n\n")[1]
    return re.split(r"(?<=\.)\s", " ".join(introduction.split()), maxsplit=1)[0]


def _show_topics(*, json: bool) -> None:
    topics = {topic: first_sentence(page(topic)) for topic in TOPICS}
    if json:
        print_json({"topics": topics})
        return
    print_listing(topics)
    print_line("raydist guide TOPIC shows one of them")


def _show(text: str) -> None:
    """Formatted on a terminal, as it is elsewhere."""
    if not sys.stdout.isatty():
        print(text, end="")
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def _write(topic: str | None) -> None:
    if topic != GENERATED:
        raise ConfigError(
            f"--write: only the page {GENERATED} is generated; give raydist guide {GENERATED} --write"
        )
    from raydist.engine.reference import refreshed

    file = FOLDER / f"{GENERATED}.md"
    file.write_text(refreshed(page(GENERATED)), encoding="utf-8")
    print_line(f"written: {file}")
