"""What the gallery answers: the page, lists of tracklets, matches, pairs, and single frames."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from raydist.api.query import Asked
from raydist.api.selection import Selection
from raydist.errors import ConfigError, DataError, RaydistError
from raydist.failures import Failure
from raydist.gallery.catalogue import Wanted
from raydist.gallery.exchange import HTML, JPEG, Answer, Request, Words, as_json, of_error, refused
from raydist.gallery.gallery import Gallery, RowMatch
from raydist.gallery.guard import Guard
from raydist.gallery.page import page
from raydist.gallery.uploads import MAX_BYTES, MAX_PICTURES, pictures
from raydist.reports.pictures import middles
from raydist.types import Modality

LISTED, MOST_LISTED = 30, 200
"""Tracklets or matches of an answer: where nothing is said, and at most."""

QUERY_FRAMES, PAIR_FRAMES = 6, 12
"""Frames of a query above its matches, and of a tracklet beside another's."""

EVERYWHERE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every answer: nothing is kept, and no other page may embed or read it."""

FRAME = re.compile(r"/frames/(\d{1,12})/(\d{1,12})\.jpg")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Site:
    """A gallery and who may see it.

    Attributes:
        gallery: what is shown.
        guard: what is asked of requests.
    """

    gallery: Gallery
    guard: Guard

    def most_bytes(self, request: Request) -> int:
        """How large the body of a request may be."""
        return MAX_BYTES if request.path == "/api/clip" else 4 * self._width

    def answer(self, request: Request) -> Answer:
        """The answer to a request, whatever it is; nothing is raised."""
        made = self._answer(request)
        return Answer(made.status, made.body, made.kind, {**EVERYWHERE, **made.headers})

    def too_large(self, request: Request) -> Answer:
        """The answer to a request whose body was not read."""
        most = self.most_bytes(request)
        shown = f"{most / 2**20:.0f} MiB" if most >= 2**20 else f"{most:,} bytes"
        message = f"more than the {shown} that are taken at once"
        failure = Failure("data", message, "choose fewer or smaller pictures")
        made = refused(413, failure)
        return Answer(made.status, made.body, made.kind, EVERYWHERE)

    def too_slow(self) -> Answer:
        """The answer to a request whose body did not arrive in time."""
        made = refused(408, Failure("data", "the pictures did not arrive in time", "send fewer at once"))
        return Answer(made.status, made.body, made.kind, EVERYWHERE)

    def _answer(self, request: Request) -> Answer:
        made = FRAME.fullmatch(request.path)
        try:
            if refusal := self.guard.refusal(request):
                return refusal
            if made and request.method == "GET":
                return self._frame(int(made[1]), int(made[2]))
            route = ROUTES.get((request.method, request.path))
            if route is None:
                return refused(
                    404, Failure("usage", f"there is no {request.method} {request.path[:100]} here")
                )
            return route(self, request)
        except RaydistError as error:
            return of_error(error)
        except Exception as error:
            log.exception("%s %s", request.method, request.path)
            return refused(500, Failure.of(error))

    @property
    def _width(self) -> int:
        return int(self.gallery.catalogue.table.features.shape[1])

    def _page(self, request: Request) -> Answer:
        text, policy = page(self.gallery.catalogue.name)
        headers = {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}
        return Answer(200, text, HTML, headers | self.guard.set_cookie(request))

    def _facts(self, request: Request) -> Answer:
        return as_json(self._known)

    @cached_property
    def _known(self) -> dict[str, Any]:
        gallery, catalogue = self.gallery, self.gallery.catalogue
        return {
            "name": catalogue.name,
            "width": self._width,
            "tracklets": catalogue.counts(),
            "cameras": [asdict(camera) for camera in catalogue.cameras()],
            "splits": catalogue.splits(),
            "clusters": catalogue.clusters(),
            "period": catalogue.period(),
            "frames": gallery.frames is not None,
            "no_frames": gallery.no_frames,
            "upload": gallery.encoder is not None,
            "no_upload": gallery.no_upload,
            "most": {"pictures": MAX_PICTURES, "bytes": MAX_BYTES},
            "suggested": gallery.suggested and asdict(gallery.suggested),
        }

    def _tracklets(self, request: Request) -> Answer:
        words = Words(request.query)
        rows = self.gallery.catalogue.rows(_wanted(words, Modality.INFRARED))
        start = words.whole("start", low=0, high=2**40) or 0
        number = words.whole("number", low=1, high=MOST_LISTED) or LISTED
        shown = [self._entry(row) for row in rows[start : start + number].tolist()]
        return as_json({"total": len(rows), "start": start, "tracklets": shown})

    def _matches(self, request: Request) -> Answer:
        words = Words(request.query)
        asked = self._asked(words, request.body)
        least = words.similarity("least")
        top = words.whole("top", low=1, high=MOST_LISTED) or LISTED
        ranked, searched = self.gallery.search(asked, _wanted(words, asked.modality), top=top, least=least)
        rates = self.gallery.rates(least)
        return as_json(
            {
                "query": None if asked.row is None else self._entry(asked.row, QUERY_FRAMES),
                "title": asked.title,
                "matches": [self._match(one) for one in ranked],
                "searched": searched,
                "rates": rates and asdict(rates),
            }
        )

    def _pair(self, request: Request) -> Answer:
        words = Words(request.query)
        asked = self._asked(words, request.body)
        row = self._row(words, "with")
        if row == asked.row:
            raise ConfigError("a pair has two tracklets: give another one")
        match = self._match(self.gallery.compare(asked, row), PAIR_FRAMES)
        query = None if asked.row is None else self._entry(asked.row, PAIR_FRAMES)
        return as_json({"query": query, "match": match})

    def _clip(self, request: Request) -> Answer:
        words = Words(request.query)
        modality = _modality(words, "modality")
        frames = pictures(words, request.body)
        feature = self.gallery.embed(frames, modality=modality.label, camera=words.one("camera"))
        values = np.ascontiguousarray(feature, "<f4").tobytes()
        return as_json({"feature": base64.b64encode(values).decode(), "modality": modality.label})

    def _frame(self, row: int, index: int) -> Answer:
        frames = self.gallery.frames
        if frames is None or row >= len(self.gallery.catalogue) or index >= frames.number(row):
            return refused(404, Failure("usage", f"there is no frame {index} of tracklet {row} here"))
        return Answer(200, frames.jpeg(row, index), JPEG)

    def _asked(self, words: Words, body: bytes) -> Asked:
        """The query: a row, or the feature in the body."""
        if not body:
            return self.gallery.of_row(self._row(words, "row"))
        if len(body) != 4 * self._width:
            raise DataError(f"a feature of {len(body)} bytes, expected {4 * self._width}")
        modality = _modality(words, "of")
        return self.gallery.of_feature(np.frombuffer(body, "<f4").astype(np.float32), modality)

    def _row(self, words: Words, name: str) -> int:
        row = words.whole(name, low=0, high=len(self.gallery.catalogue) - 1)
        if row is None:
            raise ConfigError(f"{name}: give the number of a tracklet")
        return row

    def _entry(self, row: int, num_frames: int = 1) -> dict[str, Any]:
        frames = self.gallery.frames
        total = 0 if frames is None else frames.number(row)
        shown = middles(total, num_frames).tolist() if total else []
        return {**asdict(self.gallery.catalogue.entry(row)), "num_frames": total, "frames": shown}

    def _match(self, one: RowMatch, num_frames: int = 1) -> dict[str, Any]:
        known = {"similarity": one.match.similarity, "same_person": one.match.same_person}
        return self._entry(one.row, num_frames) | known


ROUTES: dict[tuple[str, str], Callable[[Site, Request], Answer]] = {
    ("GET", "/"): Site._page,
    ("GET", "/api/facts"): Site._facts,
    ("GET", "/api/tracklets"): Site._tracklets,
    ("GET", "/api/matches"): Site._matches,
    ("POST", "/api/matches"): Site._matches,
    ("GET", "/api/pair"): Site._pair,
    ("POST", "/api/pair"): Site._pair,
    ("POST", "/api/clip"): Site._clip,
}


def _modality(words: Words, name: str) -> Modality:
    """A modality that has to be given.

    Raises:
        ConfigError: it is none.
    """
    text = words.one(name) or ""
    try:
        return Modality.parse(text)
    except DataError:
        raise ConfigError(f"{name}={text}: expected visible or infrared") from None


def _wanted(words: Words, of: Modality) -> Wanted:
    """Which tracklets are asked for.

    Args:
        words: of the request.
        of: the modality of the query, which ``modality=other`` is not.
    """
    named = words.one("modality") or "any"
    modality = of.other if named == "other" else None if named == "any" else _modality(words, "modality")
    period = words.time("after"), words.time("before")
    selection = Selection(modality, words.every("camera"), words.one("split"), *period)
    return Wanted(selection, words.whole("cluster", low=-1, high=2**40), words.one("text") or "")
