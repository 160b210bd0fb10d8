"""Whether a Ray cluster answers at an address, asked before Ray connects.

Where nothing answers, something else does, or the cluster does not take the token, Ray itself waits for a
minute, hears no signal meanwhile and ends the process.
"""

from __future__ import annotations

import os
from pathlib import Path

import grpc

from raydist.errors import ConfigError

LOOPBACK = "127.0.0.1"

PATIENCE_S = 10.0
"""How long an answer may take; on a loaded head it is a fraction of a second."""

_ALIVE = "/ray.rpc.NodeInfoGcsService/CheckAlive"


def cluster_address(given: str | None) -> str | None:
    """The cluster to connect to: the given one, else that of `RAY_ADDRESS`; None starts a local one."""
    address = given or os.environ.get("RAY_ADDRESS")
    return None if address in ("", "local") else address


def require_cluster(address: str, *, given_by: str) -> None:
    """Refuse an address at which no cluster answers that lets this process in.

    Args:
        address: ``host:port``, ``ray://host:port``, or ``auto``, which is left to Ray.
        given_by: the variable or key that it was given with.

    Raises:
        ConfigError: it is no address, nothing answers there, or what answers asks for another token.
    """
    if address == "auto":
        return
    target = address.removeprefix("ray://")
    host, _, port = target.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise ConfigError(f"{given_by} is {address!r}, no address of a Ray cluster: {_remedy(given_by)}")
    if _uses_tls():
        return  # the certificates are Ray's to read
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=PATIENCE_S)
        except grpc.FutureTimeoutError:
            raise ConfigError(no_cluster(address, given_by)) from None
        if not address.startswith("ray://") and _is_refused(channel):
            raise ConfigError(
                f"{given_by} is {address!r}, and the Ray cluster there does not take this process's token: "
                "set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the cluster's, or "
                f"{_remedy(given_by)}"
            )


def no_cluster(address: str, given_by: str) -> str:
    """What is said where nothing answers."""
    return f"{given_by} is {address!r}, but no Ray cluster answers there: {_remedy(given_by)}"


def _remedy(given_by: str) -> str:
    leave = "unset it" if given_by == "RAY_ADDRESS" else f"set {given_by}=null"
    return f"{leave} to start Ray on this machine, or give the address of a cluster that runs (host:6379)"


def _uses_tls() -> bool:
    return os.environ.get("RAY_USE_TLS", "0") not in ("", "0", "false")


def _is_refused(channel: grpc.Channel) -> bool:
    """Whether the head answers that the token is missing or wrong; any other answer is left to Ray."""
    token = _token()
    metadata = [("authorization", f"Bearer {token}")] if token else []
    try:
        channel.unary_unary(_ALIVE)(b"", timeout=PATIENCE_S, metadata=metadata)
    except grpc.RpcError as error:
        return error.code() is grpc.StatusCode.UNAUTHENTICATED
    return False


def _token() -> str:
    """The token that Ray would send, from where Ray looks for it."""
    if os.environ.get("RAY_AUTH_MODE") != "token":
        return ""
    if given := os.environ.get("RAY_AUTH_TOKEN"):
        return given.strip()
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token")).expanduser()
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
