"""How the templates of this folder become pages, and how a page is written."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from raydist.reports.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from raydist.reports.marks import as_json
from raydist.storage import SHARED, make_folder, write_whole

CHART_SIZE = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}

FOLDER = Path(__file__).parent
"""Of the templates, style and scripts of pages."""

SCRIPTS = ("page.js", "map.js")
"""What runs in a page, in this order; nothing else may."""


def render(template: str, **values: Any) -> str:
    """A page as text; names and numbers are escaped, and a value that a template asks for must be given.

    Args:
        template: a file of this folder.
        values: what it shows; `CHART_SIZE`, the pixels of a chart, is added as ``size``.
    """
    templates = environment(FOLDER)
    templates.filters["marks"] = as_json
    text = script()
    return templates.get_template(template).render(
        size=CHART_SIZE, script=text, policy=policy(text), **values
    )


def environment(*folders: Path) -> Environment:
    """The templates of some folders, whose values are escaped and must all be given."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def script() -> str:
    """The script of every page."""
    return "\n" + "".join((FOLDER / name).read_text("utf-8") for name in SCRIPTS)


def policy(text: str, *, pictures: str = "data:", further: str = "") -> str:
    """What a page may do: nothing is loaded, and only the script of this very text runs.

    Args:
        text: of the script.
        pictures: where pictures may come from.
        further: what else a page may do that is served, such as ``connect-src 'self'; ``.
    """
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src {pictures}; {further}style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def write_html(path: Path, text: str) -> Path:
    """Write a page as UTF-8, with the same line ends everywhere; its folder is made.

    Returns:
        `path`.
    """
    make_folder(path.parent)
    write_whole(path, text, mode=SHARED)
    return path
