"""``situs completion``: what a shell needs to complete commands and options.

A command of its own, not typer's two options: those take no name, look at the process that called situs, and
give up when that is a ``sh``, as it is below make, in a container's build and in many scripts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer import completion as typers

from situs.model.error import InputError

PROGRAM = "situs"
VARIABLE = "_SITUS_COMPLETE"


class Shell(StrEnum):
    """A shell that can be told how to complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def register(app: typer.Typer) -> None:
    """Add the command, and answer the shells that ask."""
    typers.completion_init()
    app.command("completion")(completion_command)


def completion_command(
    shell: Annotated[
        Shell | None,
        typer.Argument(
            help="Shell to complete in; without it, the one that situs is called from.", show_default=False
        ),
    ] = None,
    install: Annotated[
        bool, typer.Option("--install", help="Write the script to where the shell looks, and say where.")
    ] = False,
) -> None:
    """Print, or install, the script by which a shell completes commands and options.

    Examples:

      situs completion bash >> ~/.bashrc

      situs completion zsh --install

      situs completion fish > ~/.config/fish/completions/situs.fish
    """
    named = shell or _around()
    if install:
        _, path = typers.install(shell=named.value, prog_name=PROGRAM, complete_var=VARIABLE)
        typer.echo(f"{path}: completion for {named}, from the next terminal on")
        return
    typer.echo(typers.get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=named.value))


def _around() -> Shell:
    """The shell that situs is called from. Raises InputError."""
    import shellingham

    try:
        found, _ = shellingham.detect_shell()
    except shellingham.ShellDetectionFailure:
        found = ""
    if found in tuple(Shell):
        return Shell(found)
    seen = f"in {found} situs cannot complete" if found else "no shell is seen around situs"
    raise InputError(f"{seen}; name one of {', '.join(Shell)}, as in `situs completion {Shell.BASH}`")
