"""Sweeps at the command line: watching one, and showing how it stands."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from situs.cli.arrayed import LOOKED_S, STATES, counted
from situs.cli.output import console, emit_json, error_console, language
from situs.cli.plane import DETACHED, plain
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.control.sweeps.standing import SweepView, Trial
    from situs.store.database import Database

HERE_ALONE = "situs sweep"
"""What works where the database is, and not over the API."""
WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "made": "{name} has {size} trials; `situs sweep show {name}` shows them",
        "trial": "{trial} ({parameters}) {state}: {objective} {best} at step {step}",
        "silent": "{trial} ({parameters}) {state}: it has reported nothing",
        "over": "{name} is over: {counts}",
        "best": "best: {trial} with {objective} {best} at step {step} ({parameters})",
        "nothing": "no trial has reported anything yet",
        "detached": "{name} goes on; `situs sweep show {name}` shows it, `situs sweep stop {name}` ends it",
        "stopping": "{name} is stopped; its files stay until `situs sweep rm {name}`",
        "removing": "{name} is removed; what it wrote goes, its history stays",
        "already": "that was so already",
        "none": "no sweeps yet; `situs sweep SCRIPT` makes one",
        "all": ("sweep", "looks for", "stop", "trials", "stands", "best", "by"),
        "columns": ("trial", "parameters", "stands", "site", "step", "{objective}", "best", "at step", "hours", "cost",
                    "why"),
        "goal": {"minimise": "least {objective}", "maximise": "most {objective}"},
        "early": "ended early",
    },
    "de": {
        "made": "{name} hat {size} Versuche; `situs sweep show {name}` zeigt sie",
        "trial": "{trial} ({parameters}) {state}: {objective} {best} bei Schritt {step}",
        "silent": "{trial} ({parameters}) {state}: nichts gemeldet",
        "over": "{name} ist vorbei: {counts}",
        "best": "am besten: {trial} mit {objective} {best} bei Schritt {step} ({parameters})",
        "nothing": "noch kein Versuch hat etwas gemeldet",
        "detached": "{name} läuft weiter; `situs sweep show {name}` zeigt es, `situs sweep stop {name}` beendet es",
        "stopping": "{name} ist angehalten; die Dateien bleiben bis `situs sweep rm {name}`",
        "removing": "{name} ist entfernt mit allem, was es geschrieben hat; die Geschichte bleibt",
        "already": "das war schon so",
        "none": "noch keine Suche; `situs sweep SKRIPT` beginnt eine",
        "all": ("Suche", "gesucht", "Abbruch", "Versuche", "Stand", "bisher am besten", "durch"),
        "columns": ("Versuch", "Parameter", "Stand", "Ort", "Schritt", "{objective}", "am besten", "bei Schritt",
                    "Stunden", "Kosten", "warum"),
        "goal": {"minimise": "kleinstes {objective}", "maximise": "größtes {objective}"},
        "early": "früh beendet",
    },
}  # fmt: skip


def values(view: SweepView) -> Any:
    """For programs."""
    return plain(view) | {"best": plain(view.best) if view.best is not None else None}


def watch(database: Database, name: str, *, as_json: bool) -> int:
    """Tell of each trial that ends, until all have; 1 when one has not done its work, 130 after Ctrl-C."""
    from situs.control.sweeps import standing

    told: set[str] = set()
    try:
        while True:
            view = standing.read(database, name)
            for trial in sorted(view.trials, key=lambda trial: trial.number):
                if trial.state in ("done", "failed", "stopped") and trial.name not in told and trial.is_read:
                    told.add(trial.name)
                    if not as_json:
                        console.print(_line(view, trial), soft_wrap=True, markup=False)
            if len(told) == view.size:
                break
            time.sleep(LOOKED_S)
    except KeyboardInterrupt:
        error_console.print(WORDS[language()]["detached"].format(name=name), soft_wrap=True, markup=False)
        return DETACHED
    if as_json:
        emit_json(values(view))
    else:
        said = WORDS[language()]["over"].format(name=name, counts=_counts(view))
        error_console.print(said, soft_wrap=True, markup=False)
        console.print(_best(view), soft_wrap=True, markup=False)
    return 1 if view.counts.get("failed") or view.best is None else 0


def show(view: SweepView) -> None:
    """All its trials, the best first, to a person."""
    words = WORDS[language()]
    console.print(table_of([view]))
    table = new_table(*(heading.format(objective=view.objective) for heading in words["columns"]))
    for trial in view.trials:
        table.add_row(
            trial.name, escape(_parameters(trial)), _state(trial), trial.site or "—",
            "" if trial.steps is None else str(trial.steps), _number(trial.last), _number(trial.best),
            "" if trial.best_step is None else str(trial.best_step), f"{trial.hours:.2f}",
            f"{trial.cost:.4f} {view.currency}" if view.currency else "",
            escape(trial.stopped_for or trial.cause or ""),
        )  # fmt: skip
    console.print(table)
    console.print(_best(view), soft_wrap=True, markup=False)


def table_of(views: Sequence[SweepView]) -> Any:
    """All sweeps, a line each."""
    words = WORDS[language()]
    table = new_table(*words["all"])
    for view in views:
        best = f"{_number(view.best.best)} ({view.best.name})" if view.best else ""
        table.add_row(
            view.name, words["goal"][view.goal].format(objective=escape(view.objective)), view.rule, str(view.size),
            _counts(view), best, view.by,
        )  # fmt: skip
    return table


def _line(view: SweepView, trial: Trial) -> str:
    words = WORDS[language()]
    return str(words["silent" if trial.best is None else "trial"]).format(**_of(view, trial))


def _best(view: SweepView) -> str:
    words = WORDS[language()]
    return words["best"].format(**_of(view, view.best)) if view.best else str(words["nothing"])


def _of(view: SweepView, trial: Trial) -> dict[str, object]:
    return {
        "trial": trial.name, "parameters": _parameters(trial), "state": _state(trial), "objective": view.objective,
        "best": _number(trial.best), "step": trial.best_step,
    }  # fmt: skip


def _state(trial: Trial) -> str:
    words = WORDS[language()]
    return str(
        words["early"] if trial.state == "stopped" and trial.stopped_for else STATES[language()][trial.state]
    )


def _counts(view: SweepView) -> str:
    words = WORDS[language()]
    early = sum(trial.state == "stopped" and trial.stopped_for is not None for trial in view.trials)
    counts = dict(view.counts)
    if early:
        counts["stopped"] -= early
    said = counted(counts)
    return ", ".join(filter(None, [said, f"{early} {words['early']}"])) if early else said


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _parameters(trial: Trial) -> str:
    given = trial.parameters.items()
    return " ".join(
        f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}" for name, value in given
    )
