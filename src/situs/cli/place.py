"""Telling where a run goes; what knows about places is loaded only when there is something to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from situs.cli.output import emit_json, error_console, language

if TYPE_CHECKING:
    from situs.control.foreseen import ForeseenRun


def show(found: ForeseenRun, as_json: bool) -> None:
    """Where it goes, or why it does not; exit code 1 then."""
    told = shown(found, as_json)
    if as_json:
        emit_json(told)
    if found.site is None:
        raise typer.Exit(1)


def shown(found: ForeseenRun, as_json: bool) -> dict[str, object]:
    """The same, to a person now; gives it for programs."""
    from situs.cli.placed import as_values, say

    if not as_json:
        for line in say(found, language()):
            error_console.print(line, soft_wrap=True, markup=False)
    return as_values(found)


def show_looked(found: ForeseenRun, as_json: bool) -> None:
    """Where it would go, or why it would not, exit code 1 then; and that nothing is rented by looking."""
    from situs.cli import rented

    show(found, as_json)
    if found.rents is not None and not as_json:
        text = rented.WORDS[language()]["nothing"]
        error_console.print(text, style="dim", soft_wrap=True, markup=False)
