"""What all commands share: exit codes, arguments, and lines, tables and JSON for people and scripts."""

from __future__ import annotations

import atexit
import errno
import functools
import gc
import json
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from raydist.announcements import listening
from raydist.cli.failures import FailedWithFacts, is_usage
from raydist.cli.line_log import keeping_lines, log_line
from raydist.cli.stopping import INTERRUPTED, Terminated, advise_on_stop, stop_by_signals
from raydist.cli.system import close_streams, what_failed
from raydist.cli.tables import tables_within, width_of
from raydist.errors import ConfigError, DataError, NoEffectWarning, RaydistError, RenamedKeyWarning
from raydist.failures import Failure
from raydist.home import cache_folder
from raydist.redaction import redacted

if TYPE_CHECKING:
    from raydist.data.datasets.notes import ReadNotes
    from raydist.data.tracklets import TrackletTable
    from raydist.engine.schema import Config

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

F = TypeVar("F", bound=Callable[..., Any])
Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        help="A recipe (raydist recipes lists them) or FILE.yaml, and section.key=value to change any key "
        "(raydist guide configuration lists them).",
        metavar="RECIPE|KEY=VALUE",
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object as the last line on stdout; all else goes to stderr."),
]


def with_exit_codes(command: F) -> F:
    """Turn errors into one clear message and the promised exit code, and print what is announced.

    1 is a failed run, 2 bad usage or configuration, 3 bad data, 130 an interruption, 143 a termination. Where
    the command was called with ``json=True``, the error is an object on stdout too.
    """

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        atexit.register(gc.freeze)  # Python would search all modules for garbage at its end, for seconds
        stop_by_signals()
        as_json = bool(kwargs.get("json"))
        ended = _ended_by_errors(as_json=as_json)
        with keeping_lines(), ended, warnings.catch_warnings(), listening(print_line):
            warnings.showwarning = functools.partial(_show_warning, set())
            _choose_cache()
            return command(*args, **kwargs)

    return run  # type: ignore[return-value]


def _choose_cache() -> None:
    """Say where compiled kernels go, before anything imports numba, and how threads wait."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder() / "numba"))
    os.environ.setdefault("GOMP_SPINCOUNT", "0")


@contextmanager
def _ended_by_errors(*, as_json: bool) -> Iterator[None]:
    """End with the code of what is raised in a block, and say what it was.

    Args:
        as_json: say it as an object too, as the last line.
    """

    def emit(failure: Failure, line: str, facts: Mapping[str, Any] | None = None) -> None:
        print_line(line)
        if as_json:
            with suppress(OSError):  # a full disk: the line has said it
                print_json({**(facts or {}), **failure.as_dict()})

    try:
        yield
    except FailedWithFacts as failed:
        emit(Failure.of(failed.error), f"error: {failed.error}", failed.facts)
        raise typer.Exit(failed.error.exit_code) from None
    except RaydistError as error:
        emit(Failure.of(error), f"error: {error}")
        raise typer.Exit(error.exit_code) from None
    except BrokenPipeError:
        raise  # who read the output has ended: the command ends too, without a word
    except OSError as error:
        emit(Failure("system", what_failed(error)), f"error: {what_failed(error)}")
        raise typer.Exit(RaydistError.exit_code) from None
    except KeyboardInterrupt as stopped:
        emit(_stopped("interrupted", stopped), _with_notes("interrupted", stopped))
        raise typer.Exit(INTERRUPTED) from None
    except Terminated as stopped:
        emit(_stopped("terminated", stopped), _with_notes("terminated", stopped))
        raise
    except Exception as error:
        if as_json and not isinstance(error, typer.Exit) and not is_usage(error):
            print_json(Failure.of(error).as_dict())
        raise


def _stopped(kind: str, stopped: BaseException) -> Failure:
    """Of an interruption or a termination, with what to do then."""
    return Failure(kind, kind, "; ".join(getattr(stopped, "__notes__", ())) or None)


@contextmanager
def advising(advice: Callable[[], str | None]) -> Iterator[None]:
    """Let the message of an interruption or a termination in a block end with what to do then.

    Args:
        advice: called when it happens; None where there is nothing to say.
    """
    try:
        with advise_on_stop(advice):
            yield
    except (KeyboardInterrupt, Terminated) as stopped:
        if text := advice():
            stopped.add_note(text)
        raise


def _with_notes(text: str, stopped: BaseException) -> str:
    return "; ".join([text, *getattr(stopped, "__notes__", ())])


def resume_advice(module: str, folder: str | None) -> str | None:
    """How to go on with a run or a study.

    Args:
        module: ``train`` or ``tune``.
        folder: of the run or the study; None while there is none.

    >>> resume_advice("train", "/my runs/r")
    "go on with: python -m raydist.train --resume '/my runs/r'"
    """
    return folder and f"go on with: python -m raydist.{module} --resume {shlex.quote(folder)}"


def _show_warning(
    shown: set[str],
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """What is wrong with a key of the configuration in one line, once; others as Python shows them."""
    if issubclass(category, RenamedKeyWarning | NoEffectWarning):
        if str(message) not in shown:
            print_line(f"warning: {message}")
        shown.add(str(message))
    else:
        print_line(warnings.formatwarning(message, category, filename, lineno, line).rstrip())


def split_arguments(arguments: Sequence[str] | None, *, what: str = "recipe") -> tuple[str | None, list[str]]:
    """The recipe (or whatever `what` says), None if none is named, and the `section.key=value` overrides.

    Raises:
        ConfigError: more than one is named.
    """
    names = [argument for argument in arguments or [] if "=" not in argument]
    if len(names) > 1:
        raise ConfigError(f"{' '.join(names)}: give one {what}; values are written section.key=value")
    return (names[0] if names else None), [argument for argument in arguments or [] if "=" in argument]


def config_of(arguments: Sequence[str] | None) -> Config:
    """The configuration that the arguments of a command describe."""
    from raydist.engine.schema import load_config

    return load_config(*split_arguments(arguments))


def seconds_of(option: str, text: str) -> float:
    """The time that an option says, in seconds, see `raydist.data.times.asked_time`.

    Raises:
        ConfigError: it is no time.
    """
    from raydist.data.times import asked_time

    try:
        return asked_time(text)
    except DataError as error:
        raise ConfigError(f"{option}: {error}") from None


def require_unused(options: Mapping[str, object], why: str) -> None:
    """Refuse options that have no meaning here.

    Raises:
        ConfigError: one of them is given.
    """
    for name, value in options.items():
        if value:
            raise ConfigError(f"{name}: {why}; leave it out")


def print_line(text: str, *, kept: str | None = None) -> None:
    """A line for people, on stderr.

    Args:
        text: the line.
        kept: what the log of the run has in its place.
    """
    try:
        print(_printable(redacted(text)), file=sys.stderr, flush=True)
    except OSError:  # the terminal is gone, or who read the lines: the log has them, and the work goes on
        close_streams("stderr")
    log_line(kept or text)


@contextmanager
def _beyond_the_terminal() -> Iterator[None]:
    """Let a block go on where the terminal that it prints to is gone."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        close_streams()


def _printable(text: str) -> str:
    """A text in which control characters, which could move the cursor of a terminal, stand as escapes.

    >>> _printable("a\\x1b[31m\\tb")
    'a\\\\x1b[31m\\tb'
    """
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def print_json(value: Mapping[str, Any]) -> None:
    """The last line of a command with ``--json``, on stdout."""
    with _beyond_the_terminal():
        print(redacted(json.dumps(value)), flush=True)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str | None = None,
    stderr: bool = False,
    keys: int = 1,
) -> None:
    """A table that fits the terminal, see `raydist.cli.tables`; its title is a line of its own.

    Args:
        columns: the headings.
        rows: as long as `columns`.
        title: above the table.
        stderr: whether it goes there, because stdout is for JSON.
        keys: so many of the first columns are text, the others are numbers.
    """
    from rich.console import Console
    from rich.text import Text

    width = width_of(sys.stderr if stderr else sys.stdout)
    text = StringIO()
    console, kept = Console(stderr=stderr, width=width), Console(file=text, width=width)
    for one in (kept, console):
        with _beyond_the_terminal():
            if title:
                one.print(Text(title, style="italic"), soft_wrap=True)
            for table in tables_within(width, columns, rows, keys=keys):
                one.print(table)
    log_line(text.getvalue())


def print_listing(lines: Mapping[str, str]) -> None:
    """Names with a line each, in columns, on stdout."""
    width = max(map(len, lines))
    for name, line in lines.items():
        print(f"{name:<{width}}  {line}")


def print_tracklets(table: TrackletTable, notes: ReadNotes, *, title: str, stderr: bool) -> None:
    """What is in a table, a row for each split and modality, and what its reader left out."""
    columns = ("tracklets", "frames", "identities", "cameras")
    rows = [
        [f"{split} {modality}", *(f"{counts[column]:,}" for column in columns)]
        for split, modalities in table.summary().items()
        for modality, counts in modalities.items()
    ]
    print_table(["part", *columns], rows, title=title, stderr=stderr)
    for line in notes.lines():
        print_line(line)
