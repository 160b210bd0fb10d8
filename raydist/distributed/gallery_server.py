"""The gallery behind Ray Serve: a proxy that listens, and a replica that answers.

Ray Serve takes requests and hands them over; what is answered is `raydist.gallery.site.Site`'s.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from raydist.distributed.address import LOOPBACK
from raydist.distributed.cluster import connected, prepare
from raydist.engine.ray_section import RaySection
from raydist.errors import ConfigError
from raydist.gallery.exchange import Answer, Request
from raydist.gallery.gallery import Gallery
from raydist.gallery.guard import Guard
from raydist.gallery.site import Site

INSTALL = "pip install 'raydist[serve]'"

NAME = "gallery"

AT_ONCE = 256
"""Requests that a replica takes at once; more wait. A few threads answer them."""

BODY_SECONDS = 60.0
"""How long the pictures of a request may be on their way."""


@contextmanager
def serving(gallery: Gallery, guard: Guard) -> Iterator[None]:
    """Answer requests for the length of a block.

    Ray is started on this machine where this process is not connected yet.

    Args:
        gallery: what is shown.
        guard: where it listens, and what it asks of requests.

    Raises:
        ConfigError: Ray Serve is not installed.
    """
    prepare(None)
    serve = _ray_serve()
    import ray

    is_shared = ray.is_initialized()
    with connected(RaySection(address="local")):
        site = ray.put(Site(gallery, guard))
        quiet = {"log_level": "WARNING", "enable_access_log": False}
        serve_log = logging.getLogger("ray.serve")
        level = serve_log.level
        serve_log.setLevel(logging.WARNING)
        try:
            _listen(serve, guard, quiet)
            serve.run(_application(serve, site), name=NAME, route_prefix="/", logging_config=quiet)
            yield
        finally:
            if is_shared:  # else it ends with its Ray; an end of its own is an error that Ray prints
                serve.shutdown()
            serve_log.setLevel(level)


def _listen(serve: Any, guard: Guard, logging_config: dict[str, Any]) -> None:
    """Start the proxy.

    Raises:
        ConfigError: another process has taken the port since it was looked at.
    """
    options = {"host": guard.host, "port": guard.port}
    try:
        serve.start(proxy_location="HeadOnly", http_options=options, logging_config=logging_config)
    except RuntimeError as error:
        if "Failed to bind" not in str(error):
            raise
        raise ConfigError(
            f"--host {guard.host} --port {guard.port}: another process has taken it meanwhile; "
            "--port 0 takes a port that is free"
        ) from None


def free_port(host: str, port: int) -> int:
    """The port that is meant, if it is free; 0 chooses one.

    Raises:
        ConfigError: it is taken, or there is no such address here.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            return int(trial.getsockname()[1])
    except OSError as error:
        raise ConfigError(
            f"--host {host} --port {port}: {error.strerror or error}; --port 0 takes a port that is free"
        ) from None


def require_ray_serve() -> None:
    """Refuse to go on where Ray Serve is not installed.

    Raises:
        ConfigError: with what to install.
    """
    prepare(None)
    _ray_serve()


def _ray_serve() -> Any:
    try:
        from ray import serve
    except ImportError as error:
        raise ConfigError(
            f"the gallery needs Ray Serve, which is not installed ({error.name}): {INSTALL}"
        ) from None
    return serve


def _application(serve: Any, site: Any) -> Any:
    """The replica, which has the gallery from the object store."""
    deployment = serve.deployment(
        name=NAME, num_replicas=1, max_ongoing_requests=AT_ONCE, ray_actor_options={"num_cpus": 0}
    )
    return deployment(Replica).bind([site])


class Replica:
    """What answers the requests of a gallery.

    Args:
        site: the reference of the site, in a list, so that Ray leaves it as it is.
    """

    def __init__(self, site: list[Any]) -> None:
        import ray

        _listen_on_loopback()
        self._site: Site = ray.get(site[0])
        self._site.gallery.warm_up()

    async def __call__(self, request: Any) -> Any:
        """The answer to a request of Starlette."""
        from starlette.responses import Response

        answer = await self._answer(request)
        headers = {"Content-Type": answer.kind, **answer.headers}
        return Response(answer.body, answer.status, headers)

    async def _answer(self, request: Any) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        asked = Request(method, request.url.path, request.url.query, dict(request.headers))
        if method != "POST" or self._site.guard.refusal(asked):
            return await asyncio.to_thread(self._site.answer, asked)
        most = self._site.most_bytes(asked)
        said = asked.headers.get("content-length", "0")
        if said.isdecimal() and int(said) > most:
            return self._site.too_large(asked)
        try:
            body = await asyncio.wait_for(_body(request, most), BODY_SECONDS)
        except TimeoutError:
            return self._site.too_slow()
        if body is None:
            return self._site.too_large(asked)
        whole = Request(asked.method, asked.path, asked.query, asked.headers, body)
        return await asyncio.to_thread(self._site.answer, whole)


def _listen_on_loopback() -> None:
    """Let this replica's port for other replicas, of which there are none, be one of the loopback.

    Ray Serve opens it on all interfaces, once the replica is made, and has no setting for that.
    """
    from ray.serve._private import replica

    open_port = replica.add_port_to_grpc_server
    replica.add_port_to_grpc_server = lambda server, address: open_port(
        server, address.replace("[::]", LOOPBACK)
    )


async def _body(request: Any, most: int) -> bytes | None:
    """What a request brings along; None where it is more than `most` bytes."""
    parts, total = [], 0
    async for part in request.stream():
        total += len(part)
        if total > most:
            return None
        parts.append(part)
    return b"".join(parts)
