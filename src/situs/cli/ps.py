"""``situs ps``, ``status`` and ``history``: how things stand, why, and how that came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import DbOption, duration, plain
from situs.cli.server import ServerOption, control_plane
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.control.views import Overview, UnitView
    from situs.store.observations import Observation

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "target": "plan {plan} in force since {at} by {by}, as generation {generation}",
        "no-target": "no plan is in force yet; `situs apply` puts one in force",
        "part": "of the projects that you may read:",
        "leader": "{leader} acts", "no-leader": "no control plane runs; `situs up` starts one",
        "proposed": "plan {plan} waits for approval: {cause}; see `situs proposed`",
        "trouble": "no new plan can be made, the one in force stays: {cause}",
        "pause": "paused by {by}", "drain": "{subject} is drained by {by}", "lost": "{subject} is lost, says {by}",
        "back": "{subject} stays where it was: its move was cancelled by {by}",
        "version": "{subject} runs the version before: the new one did not become healthy",
        "units": ("workload", "unit", "stands", "site", "for", "why not, and what next"),
        "sites": ("site", "answers", "seen", "runs", "why not, and what next"), "ago": "{time} ago",
        "yes": "yes", "no": "no", "used": "{hours:.2f} hours, {cost} {currency}", "unused": "nothing used yet",
        "runs": ("unit", "generation", "site", "placed", "ended", "how"),
        "targets": ("generation", "plan", "kind", "at", "by", "reason"), "history": ("at", "unit", "what", "details"),
        "apply": "apply", "rollback": "rollback",
        "standing": {
            "running": "running", "unhealthy": "unhealthy", "starting": "starting", "ending": "ending",
            "done": "done", "failed": "failed", "waiting": "waiting", "unknown": "unknown",
        },
        "outcome": {
            "succeeded": "succeeded", "failed": "failed", "stopped": "stopped", "lost": "lost",
            "unstarted": "never began",
        },
    },
    "de": {
        "target": "Plan {plan} gilt seit {at} durch {by}, als Generation {generation}",
        "no-target": "noch gilt kein Plan; `situs apply` setzt einen in Kraft",
        "part": "aus den Projekten, die du lesen darfst:",
        "leader": "es steuert {leader}", "no-leader": "keine Steuerung läuft; `situs up` startet eine",
        "proposed": "Plan {plan} wartet auf Zustimmung: {cause}; siehe `situs proposed`",
        "trouble": "es lässt sich kein neuer Plan machen, der geltende bleibt: {cause}",
        "pause": "angehalten von {by}", "drain": "{subject} bekommt nichts Neues, durch {by}",
        "lost": "{subject} ist verloren, sagt {by}",
        "back": "{subject} bleibt, wo es war: den Umzug hat {by} abgebrochen",
        "version": "von {subject} läuft die Fassung davor: die neue wurde nicht gesund",
        "units": ("Arbeitslast", "Einheit", "Stand", "Ort", "seit", "warum nicht, und was nun"),
        "sites": ("Ort", "antwortet", "gesehen", "Läufe", "warum nicht, und was nun"), "ago": "vor {time}",
        "yes": "ja", "no": "nein", "used": "{hours:.2f} Stunden, {cost} {currency}",
        "unused": "noch nichts verbraucht",
        "runs": ("Einheit", "Generation", "Ort", "vergeben", "beendet", "wie"),
        "targets": ("Generation", "Plan", "Art", "am", "durch", "Grund"),
        "history": ("am", "Einheit", "was", "Einzelheiten"),
        "apply": "angewandt", "rollback": "zurück",
        "standing": {
            "running": "läuft", "unhealthy": "krank", "starting": "startet", "ending": "endet", "done": "fertig",
            "failed": "gescheitert", "waiting": "wartet", "unknown": "unbekannt",
        },
        "outcome": {
            "succeeded": "gelungen", "failed": "gescheitert", "stopped": "beendet", "lost": "verloren",
            "unstarted": "nie begonnen",
        },
    },
}  # fmt: skip

WorkloadArgument = Annotated[str, typer.Argument(help="The workload.", metavar="WORKLOAD")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ps")(ps_command)
    app.command("status")(status_command)
    app.command("history")(history_command)


def ps_command(
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Also work that waits in queues, and what has ended there.")
    ] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """All that runs, waits or has failed, and how each site was seen last.

    Examples:

      situs ps

      situs ps --all

      situs ps --json
    """
    seen = control_plane(server, db, estate).overview(everything=everything)
    if as_json:
        emit_json(plain(seen))
        return
    _heading(seen)
    if seen.queues:
        from situs.cli.queue import table_of

        console.print(table_of(seen.queues))
    if seen.arrays:
        from situs.cli.arrayed import table_of as arrays_of

        console.print(arrays_of(seen.arrays))
    if alone := [unit for unit in seen.units if unit.array is None]:
        console.print(_units(alone, seen.at))
    if seen.sites:
        console.print(_sites(seen.sites, seen.at))


def status_command(
    workload: WorkloadArgument,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """How one workload stands: each unit, each run, what was used and what that cost; of an array, each member.

    Exit code 1 when one of its units or members has failed.

    Examples:

      situs status train-vision

      situs status train-vision --json
    """
    from situs.control.arrays.standing import ArrayView

    plane = control_plane(server, db, estate)
    view = plane.workload(workload)
    if isinstance(view, ArrayView):
        from situs.cli.arrayed import show as show_array

        raise typer.Exit(show_array(view, plane.clock(), as_json=as_json))
    if as_json:
        emit_json(plain(view))
    else:
        words = WORDS[language()]
        console.print(_units(view.units, plane.clock()))
        table = new_table(*words["runs"])
        for run in view.runs:
            code = "" if run.exit_code is None else f" ({run.exit_code})"
            how = words["outcome"][run.outcome] + code if run.outcome else ""
            table.add_row(
                str(run.unit),
                str(run.generation),
                run.site,
                _instant(run.placed_at),
                _instant(run.ended_at),
                how,
            )
        console.print(table)
        if view.checkpoints:
            from situs.cli.kept import table_of as kept_of

            console.print(kept_of(view.checkpoints, plane.clock()))
        used = words["used"] if view.currency else words["unused"]
        console.print(used.format(hours=view.hours, cost=f"{view.cost:.6f}", currency=view.currency))
    if any(unit.standing == "failed" for unit in view.units):
        raise typer.Exit(1)


def history_command(
    workload: Annotated[
        str | None, typer.Argument(help="The workload; without it, the plans that were in force.", metavar="WORKLOAD")
    ] = None,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Every decision, step and end of a workload with its cause; or all plans that ever were in force.

    Examples:

      situs history

      situs history train-vision --json
    """
    plane, words = control_plane(server, db, estate), WORDS[language()]
    if workload is None:
        targets = plane.targets()
        if as_json:
            emit_json(plain(targets))
            return
        table = new_table(*words["targets"])
        for target in targets:
            table.add_row(
                str(target.generation), target.plan[:19], words[target.kind], _instant(target.at), escape(target.by),
                escape(target.reason or ""),
            )  # fmt: skip
        console.print(table)
        return
    past = plane.history(workload)
    if as_json:
        emit_json(plain(past))
        return
    table = new_table(*words["history"])
    lines = [(e.at, e.unit, e.kind, e.text) for e in past.events]
    lines += [
        (s.at, s.unit, f"{s.kind} {s.state}", f"{s.site}: {s.cause}" if s.cause else s.site)
        for s in past.steps
    ]
    for at, unit, what, details in sorted(lines, key=lambda line: line[0]):
        table.add_row(f"{at:%Y-%m-%d %H:%M:%S}Z", "" if unit is None else str(unit), what, escape(details))
    console.print(table)


def _heading(seen: Overview) -> None:
    words, target = WORDS[language()], seen.target
    if not seen.is_whole:
        console.print(words["part"])
    elif target is None:
        console.print(words["no-target"])
    else:
        said = words["target"].format(
            plan=target.plan[:19], at=_instant(target.at), by=target.by, generation=target.generation
        )
        console.print(said, soft_wrap=True, markup=False)
    console.print(words["leader"].format(leader=seen.leader) if seen.leader else words["no-leader"])
    if seen.replan is not None and seen.replan.plan is not None:
        said = words["proposed"].format(plan=seen.replan.plan[:19], cause=seen.replan.cause)
        console.print(said, soft_wrap=True, markup=False)
    elif seen.replan is not None:
        console.print(words["trouble"].format(cause=seen.replan.trouble), soft_wrap=True, markup=False)
    for hold in seen.holds:
        why = f": {hold.reason}" if hold.reason else ""
        console.print(words[hold.kind].format(subject=hold.subject, by=hold.by) + why, markup=False)


def _units(units: Sequence[UnitView], now: datetime) -> Any:
    words = WORDS[language()]
    table = new_table(*words["units"])
    for unit in units:
        where = unit.site or "—"
        if unit.wanted_site and unit.wanted_site != unit.site:
            where = f"{where} → {unit.wanted_site}"
        since = duration((now - unit.since).total_seconds()) if unit.since else ""
        table.add_row(
            unit.workload, str(unit.unit), words["standing"][unit.standing], where, since,
            escape("; ".join(part for part in (unit.cause, unit.next_step) if part)),
        )  # fmt: skip
    return table


def _sites(sites: Sequence[Observation], now: datetime) -> Any:
    words = WORDS[language()]
    table = new_table(*words["sites"])
    for site in sites:
        running = sum(state in ("running", "queued") for state in site.runs.values())
        table.add_row(
            site.site, words["yes" if site.ok else "no"],
            words["ago"].format(time=duration((now - site.at).total_seconds())), str(running),
            escape("; ".join(part for part in (site.cause, site.next_step) if part)),
        )  # fmt: skip
    return table


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%MZ}" if at else ""
