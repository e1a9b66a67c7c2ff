"""Arrays at the command line: making one, watching it, and showing how it stands."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from situs.cli.output import console, emit_json, error_console, language
from situs.cli.plane import DETACHED, duration, plain
from situs.cli.tables import table as new_table
from situs.model.amount import plain as exact

if TYPE_CHECKING:
    from datetime import datetime

    from situs.client.control_plane import Looking
    from situs.control.arrays.making import Wanted
    from situs.control.arrays.standing import ArrayView, State

LOOKED_S = 0.5
WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "made": "{name} has {size} members; `situs status {name}` shows them",
        "ended": "{member} ({parameters}) {state}",
        "all": "{name} is over: {counts}",
        "detached": "{name} goes on; `situs status {name}` shows it, `situs stop {name}` ends it",
        "arrays": ("array", "members", "at once", "queue", "stands", "why no more"),
        "members": ("member", "parameters", "stands", "site", "for", "hours", "cost", "why not"),
    },
    "de": {
        "made": "{name} hat {size} Mitglieder; `situs status {name}` zeigt sie",
        "ended": "{member} ({parameters}) {state}",
        "all": "{name} ist vorbei: {counts}",
        "detached": "{name} läuft weiter; `situs status {name}` zeigt es, `situs stop {name}` beendet es",
        "arrays": ("Reihe", "Mitglieder", "zugleich", "Warteschlange", "Stand", "warum nicht mehr"),
        "members": ("Mitglied", "Parameter", "Stand", "Ort", "seit", "Stunden", "Kosten", "warum nicht"),
    },
}  # fmt: skip
STATES: Mapping[str, Mapping[State, str]] = {
    "en": {
        "held": "held back", "waiting": "waiting", "running": "running", "ending": "ending", "done": "done",
        "failed": "failed", "stopped": "stopped",
    },
    "de": {
        "held": "zurückgehalten", "waiting": "wartet", "running": "läuft", "ending": "endet", "done": "fertig",
        "failed": "gescheitert", "stopped": "angehalten",
    },
}  # fmt: skip


def attend(plane: Looking, wanted: Wanted, *, detach: bool, as_json: bool) -> int:
    """Tell of an array that was made and, unless ``detach``, wait for its end; gives the exit code."""
    told = {
        "name": wanted.name,
        "size": len(wanted.parameters),
        "at_once": wanted.at_once,
        "queue": wanted.queue,
    }
    words = WORDS[language()]
    if not as_json:
        text = words["made"].format(**told)
        error_console.print(text, soft_wrap=True, markup=False)
    if not detach:
        return watch(plane, wanted.name, as_json=as_json)
    if as_json:
        emit_json(told)
    return 0


def watch(plane: Looking, name: str, *, as_json: bool) -> int:
    """Tell of each member that ends, until all have; 1 when one has not done its work, 130 after Ctrl-C."""
    from situs.control.arrays.standing import OVER, ArrayView

    words, over = WORDS[language()], set[str]()
    try:
        while isinstance(view := plane.workload(name), ArrayView):
            for member in view.members:
                if member.state in OVER and member.name not in over and not as_json:
                    said = words["ended"].format(
                        member=member.name, parameters=_parameters(member.parameters),
                        state=STATES[language()][member.state],
                    )  # fmt: skip
                    console.print(said, soft_wrap=True, markup=False)
            over = {member.name for member in view.members if member.state in OVER}
            if len(over) == view.size:
                if as_json:
                    emit_json(plain(view))
                else:
                    said = words["all"].format(name=name, counts=counted(view.counts))
                    error_console.print(said, soft_wrap=True, markup=False)
                return 0 if view.state == "done" else 1
            time.sleep(LOOKED_S)
    except KeyboardInterrupt:
        error_console.print(words["detached"].format(name=name), soft_wrap=True, markup=False)
        return DETACHED
    return 1


def show(view: ArrayView, now: datetime, *, as_json: bool) -> int:
    """One array with its members; gives the exit code, 1 when a member has failed."""
    if as_json:
        emit_json(plain(view) | {"cost": exact(view.cost), "hours": view.hours})
    else:
        console.print(table_of([view]))
        words, states = WORDS[language()], STATES[language()]
        table = new_table(*words["members"])
        for member in view.members:
            table.add_row(
                member.name, escape(_parameters(member.parameters)), states[member.state], member.site or "—",
                duration((now - member.since).total_seconds()) if member.since else "", f"{member.hours:.2f}",
                f"{member.cost:.4f} {view.currency}" if view.currency else "", escape(member.cause or ""),
            )  # fmt: skip
        console.print(table)
    return 1 if view.counts.get("failed") else 0


def table_of(views: Sequence[ArrayView]) -> Any:
    """All arrays, a line each."""
    words = WORDS[language()]
    table = new_table(*words["arrays"])
    for view in views:
        table.add_row(
            view.name, str(view.size), str(view.at_once or ""), view.queue or "", counted(view.counts),
            escape(view.cause or ""),
        )  # fmt: skip
    return table


def counted(counts: Mapping[State, int]) -> str:
    """How many stand how."""
    states = STATES[language()]
    return ", ".join(f"{counts[state]} {states[state]}" for state in states if counts.get(state))


def _parameters(parameters: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items())
