"""How the templates of this folder become pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from raydist.reports.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH

SIZE = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}


def render(template: str, **values: Any) -> str:
    """A page as text; names and numbers are escaped, and a value that a template asks for must be given.

    Args:
        template: a file of this folder.
        values: what it shows; `SIZE`, the measures of a chart, comes with them.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(size=SIZE, **values)
