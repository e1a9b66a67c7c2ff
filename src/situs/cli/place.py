"""Telling where a run goes; what knows about places is loaded only when there is something to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from situs.cli.output import emit_json, error_console, language

if TYPE_CHECKING:
    from situs.planner.single import Placed


def show(name: str, placed: Placed, hours: float | None, as_json: bool) -> None:
    """Where it goes, or why it does not; exit code 1 then."""
    told = shown(name, placed, hours, as_json)
    if as_json:
        emit_json(told)
    if not placed.decision.assignments:
        raise typer.Exit(1)


def shown(name: str, placed: Placed, hours: float | None, as_json: bool) -> dict[str, object]:
    """The same, to a person now; gives it for programs."""
    from situs.cli.placed import as_values, say

    if not as_json:
        for line in say(name, placed, hours, language()):
            error_console.print(line, soft_wrap=True, markup=False)
    return as_values(name, placed, hours)


def tell_unrented(placed: Placed) -> None:
    """That nothing is rented by looking, where something would be."""
    from situs.cli import rented
    from situs.cli.placed import rented_for

    if rented_for(placed) is not None:
        text = rented.WORDS[language()]["nothing"]
        error_console.print(text, style="dim", soft_wrap=True, markup=False)
