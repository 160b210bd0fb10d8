"""`raydist serve`: the gallery, a page to search a file of features or the data of a run."""

from __future__ import annotations

import os
import re
import secrets
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from raydist.cli.common import Json, print_line, with_exit_codes
from raydist.cli.run_argument import Checkpoint
from raydist.errors import ConfigError

TOKEN = "RAYDIST_SERVE_TOKEN"
SHORTEST_TOKEN = 16

Source = Annotated[
    str,
    typer.Argument(
        help="A file of features, or the folder of a run, whose encoder then searches its own data.",
        metavar="FEATURES.parquet|RUN_DIR[@best]",
        show_default=False,
    ),
]
Run = Annotated[
    str | None,
    typer.Option(
        help="With features: the run whose encoder made them, for frames, and for pictures of one's own.",
        metavar="RUN_DIR[@best]",
        show_default=False,
    ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        help="Clusters, such as `raydist cluster` writes; by default those of the run's epoch.",
        metavar="LABELS.parquet",
        show_default=False,
    ),
]
Images = Annotated[
    bool | None,
    typer.Option(
        "--images/--no-images",
        help="Show frames; by default as report.images of the run says.",
        show_default=False,
    ),
]
Host = Annotated[str, typer.Option(help=f"Where to listen; any but the loopback asks for a token ({TOKEN}).")]
Port = Annotated[int, typer.Option(help="The port; 0 takes one that is free.", min=0, max=65535)]


@with_exit_codes
def serve(
    source: Source,
    run: Run = None,
    labels: LabelsFile = None,
    images: Images = None,
    checkpoint: Checkpoint = None,
    host: Host = "127.0.0.1",
    port: Port = 8501,
    json: Json = False,
) -> None:
    """Show a gallery to search in a browser, until it is stopped (Ctrl-C)."""
    from raydist.distributed.gallery_server import free_port, require_ray_serve, serving
    from raydist.gallery.guard import Guard, is_loopback
    from raydist.gallery.opening import Opened

    require_ray_serve()
    guard = Guard(host, free_port(host, port), _token(is_loopback(host)))
    gallery = Opened(source, run, checkpoint, labels, images).gallery()
    print_line(f"{len(gallery.catalogue):,} tracklets of {gallery.catalogue.name}")
    with serving(gallery, guard):
        _show_address(guard.address, guard.token, as_json=json)
        threading.Event().wait()


def _token(is_local: bool) -> str | None:
    """The token that is given, else one that is made where others than this machine can ask.

    Raises:
        ConfigError: the one that is given is too short, or does not fit into an address.
    """
    given = os.environ.get(TOKEN)
    if not given:
        return None if is_local else secrets.token_urlsafe(24)
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{SHORTEST_TOKEN},}}", given):
        raise ConfigError(
            f"{TOKEN}: expected at least {SHORTEST_TOKEN} letters, digits, - and _; unset it, and one is made"
        )
    return given


def _show_address(address: str, token: str | None, *, as_json: bool) -> None:
    """Where the gallery answers, with the token: this is the one place that shows it."""
    import json

    if as_json:
        print(json.dumps({"address": address, "token": token}), flush=True)
    shown = address if token is None else f"{address}?token={token}"
    print(f"gallery: {shown} (Ctrl-C stops it)", file=sys.stderr, flush=True)
