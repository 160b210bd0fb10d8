"""The page as text: one document with its style and its script, and what it may do."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from raydist.reports.templates import FOLDER, environment, policy

OWN = Path(__file__).parent


@lru_cache(maxsize=1)
def page(name: str) -> tuple[bytes, str]:
    """The page, and its content security policy.

    Args:
        name: of what it shows.
    """
    script = "\n" + (OWN / "gallery.js").read_text("utf-8")
    allowed = policy(script, pictures="'self' blob: data:", further="connect-src 'self'; ")
    template = environment(OWN, FOLDER).get_template("gallery.html")
    return template.render(name=name, script=script, policy=allowed).encode(), allowed
