"""A small gallery whose names try to break out of the page."""

import json

import numpy as np
import pytest

from raydist.gallery.catalogue import Catalogue
from raydist.gallery.exchange import Request
from raydist.gallery.gallery import Gallery
from raydist.gallery.guard import Guard
from raydist.gallery.site import Site
from raydist.types import FeatureTable, unit_rows

HOSTILE = ["<script>alert(1)</script>", "\"'>&amp;", "../../etc/passwd"]


@pytest.fixture(scope="session")
def table() -> FeatureTable:
    """Forty tracklets of ten persons, by four cameras."""
    rng = np.random.default_rng(0)
    person = np.arange(40) % 10
    features = unit_rows(rng.normal(size=(10, 8))[person] + 0.4 * rng.normal(size=(40, 8)))
    names = np.array([*HOSTILE, *(f"walk/{number:02d}" for number in range(3, 40))])
    cameras = np.array([f"door {number}" for number in np.arange(40) // 10])
    identity = np.where(np.arange(40) == 39, -1, person)
    times = 1_772_353_800.0 + 60 * np.arange(40)  # 2026-03-01 08:30:00
    times[1] = np.nan
    return FeatureTable(
        features.astype(np.float32),
        names,
        (np.arange(40) // 10 % 2).astype(np.int8),
        cameras,
        identity,
        time=times,
    )


@pytest.fixture(scope="session")
def catalogue(table) -> Catalogue:
    """The same with labels, which leave one out."""
    labels = np.arange(40) % 10 - 1
    labels[5] = -2
    return Catalogue("f.parquet", table, labels)


@pytest.fixture(scope="session")
def site(catalogue) -> Site:
    """Without a run behind it."""
    return Site(Gallery(catalogue, None, "no frames", None, "no upload"), Guard("127.0.0.1", 8501))


@pytest.fixture(scope="session")
def ask(site):
    """`ask(path, query, body=...)` gives the status and the object of an answer."""

    def ask(path: str, query: str = "", body: bytes | None = None, of: Site = site):
        method = "GET" if body is None else "POST"
        answer = of.answer(Request(method, path, query, {"host": "127.0.0.1:8501"}, body or b""))
        return answer.status, json.loads(answer.body)

    return ask
