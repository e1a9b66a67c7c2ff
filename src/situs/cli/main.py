"""The command line: collects the commands and turns errors into messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.output import error_console
from situs.model.error import InputError, SitusError
from situs.version import __version__

TOPICS = (
    "intent",
    "site",
    "importing",
    "plan",
    "explain",
    "whatif",
    "drills",
    "records",
    "rules",
    "facts",
    "breakeven",
    "exit",
    "report",
    "demo",
    "run",
    "sweep",
    "dev",
    "attached",
    "queue",
    "pipeline",
    "data",
    "submitted",
    "enter",
    "top",
    "apply",
    "move",
    "approve",
    "proposing",
    "up",
    "down",
    "ps",
    "hold",
    "token",
    "login",
    "doctor",
    "db",
    "completion",
)
"""Modules that register commands, in the order that ``situs --help`` shows them."""

AT_ONCE = {
    "run": "run", "logs": "attached", "ps": "ps", "status": "ps", "stop": "submitted", "cp": "submitted", "top": "top",
}  # fmt: skip
"""Commands that people wait for all day, and the module of each: the others are not loaded for them."""

if TYPE_CHECKING:
    app: typer.Typer
    """all commands"""


def __getattr__(name: str) -> typer.Typer:
    if name != "app":
        raise AttributeError(name)
    return _all_commands()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"situs {__version__}")
        raise typer.Exit


def situs(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    lang: Annotated[str, typer.Option(help="Language of texts: en or de.", envvar="SITUS_LANG")] = "",
) -> None:
    """Options that come before the command."""
    if lang and lang[:2].lower() not in ("en", "de"):
        raise InputError(f"there is no language {lang!r}; use en or de")
    if lang:
        os.environ["SITUS_LANG"] = lang


def application(topics: Iterable[str]) -> typer.Typer:
    """The command line with the commands of these modules."""
    made = typer.Typer(
        name="situs",
        help="Decide where each AI workload and dataset should live; prove it, explain it, run it.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(situs)
    for topic in topics:
        importlib.import_module(f"situs.cli.{topic}").register(made)
    return made


@cache
def _all_commands() -> typer.Typer:
    return application(TOPICS)


def run() -> None:
    """Entry point. Exit codes: 0 done, 1 could not, 2 the input is wrong, 130 interrupted."""
    try:
        topic = AT_ONCE.get(sys.argv[1]) if len(sys.argv) > 1 else None
        chosen = _all_commands() if topic is None else application((topic,))
        chosen(standalone_mode=True)
    except InputError as error:
        for problem in error.problems:
            error_console.print(f"[red]error:[/] {_escape(str(problem))}", soft_wrap=True)
        if len(error.problems) > 1:
            error_console.print(f"{len(error.problems)} errors")
        sys.exit(error.exit_code)
    except SitusError as error:
        error_console.print(f"[red]error:[/] {_escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        # A full disk, a folder that may not be written: of the machine, not of situs.
        error_console.print(f"[red]error:[/] {_escape(str(error))}", soft_wrap=True)
        sys.exit(1)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
