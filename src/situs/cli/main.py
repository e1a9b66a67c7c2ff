"""The command line: collects the commands and turns errors into messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

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
    "attached",
    "queue",
    "submitted",
    "enter",
    "top",
    "apply",
    "approve",
    "up",
    "down",
    "ps",
    "hold",
    "token",
    "doctor",
    "db",
    "completion",
)
"""Modules that register commands, in the order that ``situs --help`` shows them."""

app = typer.Typer(
    name="situs",
    help="Decide where each AI workload and dataset should live; prove it, explain it, run it.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"situs {__version__}")
        raise typer.Exit


@app.callback()
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


for topic in TOPICS:
    importlib.import_module(f"situs.cli.{topic}").register(app)


def run() -> None:
    """Entry point. Exit codes: 0 done, 1 could not, 2 the input is wrong, 130 interrupted."""
    try:
        app(standalone_mode=True)
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
