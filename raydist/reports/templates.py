"""How the templates of this folder become pages, and how a page is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from raydist.reports.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from raydist.storage import SHARED, write_whole

CHART_SIZE = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}


def render(template: str, **values: Any) -> str:
    """A page as text; names and numbers are escaped, and a value that a template asks for must be given.

    Args:
        template: a file of this folder.
        values: what it shows; `CHART_SIZE`, the pixels of a chart, is added as ``size``.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(size=CHART_SIZE, **values)


def write_html(path: Path, text: str) -> Path:
    """Write a page as UTF-8, with the same line ends everywhere; its folder is made.

    Returns:
        `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text, mode=SHARED)
    return path
