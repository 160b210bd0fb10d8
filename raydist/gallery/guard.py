"""Who may ask: names of this machine on the loopback, and whoever has the token elsewhere."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from raydist.failures import Failure
from raydist.gallery.exchange import Answer, Request, Words, refused

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("gpu7")
    (True, True, False, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Guard:
    """What is asked of a request.

    A page of another origin must not read a gallery: with a name that leads to the loopback it would be of
    the gallery's own origin (DNS rebinding), so there the header ``Host`` has to be a name of the loopback.
    What is changed or computed (POST) has to come from the page itself.

    Attributes:
        host: the address that is listened at.
        port: its port.
        token: that requests must bring along, in the first address or in the cookie; None asks for none.
    """

    host: str
    port: int
    token: str | None = None

    @property
    def address(self) -> str:
        """Where a browser finds the page; another machine needs the name of this one."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        host = everywhere.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @property
    def cookie(self) -> str:
        """Its name; browsers do not keep the cookies of two ports apart."""
        return f"raydist_gallery_{self.port}"

    def refusal(self, request: Request) -> Answer | None:
        """Why a request is not answered; None where it is."""
        if is_loopback(self.host) and _name(request.headers.get("host", "")) not in self._names():
            return _refused(403, "host", f"this gallery answers as {' or '.join(self._names())} only")
        if request.method == "POST" and not _is_own(request):
            return _refused(403, "origin", "only the page of the gallery itself may ask for this")
        if self.token is not None and not self._brings_token(request):
            return _refused(401, "token", "open the address with the token that the command printed")
        return None

    def set_cookie(self, request: Request) -> dict[str, str]:
        """The header that lets the next requests do without the token in their address; nothing where this
        one does not bring it."""
        if self.token is None or not self._is_token(request):
            return {}
        return {"Set-Cookie": f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"}

    def _names(self) -> tuple[str, ...]:
        own = f"[{self.host}]" if ":" in self.host else self.host
        return LOCAL_NAMES if own in LOCAL_NAMES else (*LOCAL_NAMES, own)

    def _brings_token(self, request: Request) -> bool:
        return self._is_token(request) or self._has_cookie(request) or self._has_bearer(request)

    def _is_token(self, request: Request) -> bool:
        given = Words(request.query).every("token") if request.method == "GET" else ()
        return len(given) == 1 and self._equals(given[0])

    def _has_cookie(self, request: Request) -> bool:
        """Whether its own cookie is there, whatever those of other programs on this host hold."""
        pairs = (pair.strip().partition("=") for pair in request.headers.get("cookie", "").split(";"))
        return any(name == self.cookie and self._equals(value) for name, _, value in pairs)

    def _has_bearer(self, request: Request) -> bool:
        """Whether a program brings the token along in a header."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and self._equals(given.strip())

    def _equals(self, given: str) -> bool:
        """Whether it is the token; the time that this takes says nothing of it."""
        return hmac.compare_digest(given.encode(), (self.token or "").encode())


def _name(host: str) -> str:
    """The name of a header ``Host``, without the port: another one may lead here, as with SSH."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdecimal() else host.lower()


def _is_own(request: Request) -> bool:
    """Whether a request comes from a page of its own origin, or from no page at all."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    try:
        return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    except ValueError:  # no address at all
        return False


def _refused(status: int, kind: str, message: str) -> Answer:
    return refused(status, Failure(kind, message))
