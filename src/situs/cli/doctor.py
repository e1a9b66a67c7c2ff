"""``situs doctor``: what is wrong with sites, database, control plane, files and facts, and what to do about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from situs.cli.doctor_words import ENGLISH, GERMAN
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import DbOption, folder_of, opened, place_of
from situs.cli.server import ServerOption, must_be_here
from situs.cli.tables import table as new_table
from situs.model.error import InputError
from situs.model.plural import counted

if TYPE_CHECKING:
    from situs.control.doctor.finding import Finding
    from situs.model.intent import Intent

WORDS = {
    "en": {
        "headings": ("", "what", "how it is", "what to do"), "ok": "ok", "hint": "hint", "warning": "warning",
        "error": "error",
        "errors": "{n} error|{n} errors", "warnings": "{n} warning|{n} warnings",
    },
    "de": {
        "headings": ("", "was", "wie es steht", "was zu tun ist"), "ok": "gut", "hint": "Hinweis",
        "warning": "Warnung", "error": "Fehler", "errors": "{n} Fehler", "warnings": "{n} Warnung|{n} Warnungen",
    },
}  # fmt: skip
STYLES = {"ok": "green", "hint": "cyan", "warning": "yellow", "error": "red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor_command)


def doctor_command(
    deadline: Annotated[
        float, typer.Option(help="Seconds that a site may take to answer.", min=0.1, max=600)
    ] = 20.0,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at every site, the database, the control plane, files and facts; say what is wrong and what to do.

    Sites are asked all at once, through the same adapters that run things there. Nothing is repaired. Exit code 1 when
    there is an error; warnings and hints are none.

    Examples:

      situs doctor -C examples/clinic-group

      situs doctor --deadline 5 --json
    """
    must_be_here("situs doctor", server, db, estate)
    findings, silent = _findings(estate, db, deadline)
    errors, warnings = (sum(f.level == level for f in findings) for level in ("error", "warning"))
    if as_json:
        emit_json(
            {"errors": errors, "warnings": warnings, "findings": [_told(finding) for finding in findings]}
        )
    else:
        words = WORDS[language()]
        table = new_table(*words["headings"])
        for finding in findings:
            told = _told(finding)
            level = f"[{STYLES[finding.level]}]{words[finding.level]}[/]"
            table.add_row(level, escape(finding.subject), escape(told["cause"]), escape(told["next_step"]))
        console.print(table)
        sums = (("errors", errors), ("warnings", warnings))
        console.print(", ".join(counted(str(words[word]), n) for word, n in sums))
    code = int(errors > 0)
    if silent:
        # Threads that still wait for a dead host would keep this process for as long as they do.
        sys.stdout.flush()
        os._exit(code)
    raise typer.Exit(code)


def _findings(estate: Path, db: str | None, deadline_s: float) -> tuple[list[Finding], bool]:
    """All of them, and whether some sites were silent."""
    from situs.control.connect import by_kind
    from situs.control.doctor import plane
    from situs.control.doctor.data import data
    from situs.control.doctor.finding import Finding
    from situs.control.doctor.sites import sites
    from situs.control.ground import has_estate
    from situs.facts.completion import complete
    from situs.intent import load
    from situs.store.catalogues import Catalogues

    folder, found, silent = folder_of(estate), list[Finding](), False
    known, now = Catalogues(estate).facts(()), datetime.now(UTC)
    try:
        # A folder that only runs are handed in from describes nothing; its sites are those of the plan in force.
        intent = (None if has_estate(estate) else _in_force(estate, db)) or load(estate).intent
        intent = complete(intent, known, now)
    except InputError as error:
        found.append(Finding("estate-wrong", "error", str(estate), cause=str(error.problems[0])))
    else:
        found, silent = sites(intent.sites, by_kind(folder), deadline_s)
        found += plane.secrets(intent.workloads, folder)
        found += data(intent, folder)
        found += plane.facts(known, now)
    return [*found, *_database(estate, db), *plane.files(folder, _file(db, estate))], silent


def _in_force(estate: Path, db: str | None) -> Intent | None:
    """The estate of the plan in force; None without one, or where the database cannot be asked."""
    from situs.model.error import SitusError
    from situs.store import plans

    try:
        with opened(db, estate).read() as connection:
            target = plans.in_force(connection)
            return None if target is None else plans.load(connection, target.plan).intent
    except SitusError:
        return None


def _database(estate: Path, db: str | None) -> Iterator[Finding]:
    from situs.control.doctor import plane
    from situs.control.doctor.finding import Finding
    from situs.store.database import Database, DatabaseAway

    file = _file(db, estate)
    if file is not None and not file.exists():
        yield Finding("db-missing", "warning", str(file))
        return
    asked = Database(place_of(db, estate))
    seen = list(plane.database(asked))
    yield from seen
    # What is wrong with the database is told already; nobody can be asked who leads then.
    if not any(finding.level == "error" for finding in seen):
        try:
            yield from plane.leading(asked)
        except DatabaseAway as error:
            yield Finding("db-away", "error", "situs up", cause=str(error))


def _file(db: str | None, estate: Path) -> Path | None:
    """The database's file; None for a server."""
    place = place_of(db, estate).removeprefix("sqlite:///")
    return None if "://" in place else Path(place)


def _told(finding: Finding) -> dict[str, str]:
    """A finding in words."""
    so, remedy = (GERMAN if language() == "de" else ENGLISH)[finding.check]
    values = {**finding.values, "cause": finding.cause or "", "subject": finding.subject}
    return {
        "check": finding.check, "level": finding.level, "subject": finding.subject,
        "cause": so.format(**values), "next_step": finding.next_step or remedy.format(**values),
    }  # fmt: skip
