"""``situs site list``, ``show`` and ``rm``: the sites of the estate, how they were seen last, and taking one out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import DbOption, duration, is_there, opened, plain
from situs.cli.server import ServerOption, must_be_here
from situs.cli.tables import table as new_table
from situs.model.error import InputError, Problem

if TYPE_CHECKING:
    from situs.control.views import Overview
    from situs.intent.loader import Loaded
    from situs.store.observations import Observation

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "list": ("site", "run by", "country", "reached by", "pools", "answers", "seen"), "yes": "yes",
        "no": "no", "never": "never", "ago": "{time} ago", "at": "{name}: {place}", "gone": "{file}: {name} is out",
    },
    "de": {
        "list": ("Ort", "betrieben", "Land", "erreicht über", "Pools", "antwortet", "gesehen"), "yes": "ja",
        "no": "nein", "never": "nie", "ago": "vor {time}", "at": "{name}: {place}",
        "gone": "{file}: {name} ist herausgenommen",
    },
}  # fmt: skip
NameArgument = Annotated[str, typer.Argument(help="The site.", metavar="SITE")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_command)
    app.command("show")(show_command)
    app.command("rm")(rm_command)


def list_command(
    estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """The sites of the estate, and how the control plane saw them last.

    Examples:

      situs site list -C examples/clinic-group

      situs site list --json
    """
    must_be_here("situs site", server, db, estate)
    loaded, words = _loaded(estate), WORDS[language()]
    seen = _seen(_overview(db, estate))
    if as_json:
        emit_json([_told(loaded, name, seen.get(name)) for name in loaded.intent.sites])
        return
    table, now = new_table(*words["list"]), datetime.now(UTC)
    for name, site in loaded.intent.sites.items():
        last = seen.get(name)
        ago = words["ago"].format(time=duration((now - last.at).total_seconds())) if last else words["never"]
        table.add_row(
            name, site.kind.value, site.country, site.adapter.kind, ", ".join(site.pools) or "—",
            (words["yes"] if last.ok else words["no"]) if last else "", ago,
        )  # fmt: skip
    console.print(table)


def show_command(
    name: NameArgument,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """One site: what the estate says of it, where that stands, and what was seen there last.

    Examples:

      situs site show frankfurt -C examples/clinic-group

      situs site show ward-1 --json
    """
    from situs.intent.dump import dump
    from situs.model.intent import Intent

    must_be_here("situs site", server, db, estate)
    loaded = _loaded(estate)
    _must_be_there(loaded, name)
    last = _seen(_overview(db, estate)).get(name)
    if as_json:
        emit_json(_told(loaded, name, last))
        return
    console.print(
        WORDS[language()]["at"].format(name=name, place=loaded.position("sites", name)), markup=False
    )
    typer.echo(dump(Intent(sites={name: loaded.intent.sites[name]})).rstrip())
    if last is not None:
        for part in (last.cause, last.next_step):
            if part:
                console.print(escape(part), soft_wrap=True)


def rm_command(
    name: NameArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a site out of the estate. Refused while something runs there, is to run there, or names it.

    Examples:

      situs site rm ward-1
    """
    from situs.intent.removing import without
    from situs.store.files import write_atomically

    must_be_here("situs site", server, db, estate)
    loaded = _loaded(estate)
    _must_be_there(loaded, name)
    _must_be_empty(_overview(db, estate), name)
    _must_be_unnamed(loaded, name)
    position = loaded.position("sites", name)
    assert position is not None
    file = Path(position.file)
    left = without(file.read_text(encoding="utf-8"), "sites", name, position.file)
    if not dry_run:
        if left:
            write_atomically(file, left.encode())
        else:
            file.unlink()
    if as_json:
        emit_json({"site": name, "file": position.file, "removed": not dry_run, "file_removed": not left})
        return
    console.print(
        WORDS[language()]["gone"].format(file=position.file, name=name), soft_wrap=True, markup=False
    )


def _loaded(estate: Path) -> Loaded:
    from situs.intent import load

    return load(estate)


def _overview(db: str | None, estate: Path) -> Overview | None:
    """How things stand; None where no control plane ever was."""
    from situs.control import views

    return views.overview(opened(db, estate)) if is_there(db, estate) else None


def _seen(overview: Overview | None) -> dict[str, Observation]:
    return {site.site: site for site in overview.sites} if overview else {}


def _told(loaded: Loaded, name: str, last: Observation | None) -> dict[str, Any]:
    site = loaded.intent.sites[name]
    return {
        "name": name, "at": str(loaded.position("sites", name)), "seen": plain(last),
        "site": site.model_dump(mode="json", by_alias=True, exclude_defaults=True),
    }  # fmt: skip


def _must_be_there(loaded: Loaded, name: str) -> None:
    from situs.intent.hints import Hints

    if name not in loaded.intent.sites:
        likely = Hints().likely(name, loaded.intent.sites)
        fix = likely or f"there are {', '.join(loaded.intent.sites) or 'none yet'}"
        raise InputError([Problem(f"the estate has no site {name!r}", fix=fix)])


def _must_be_empty(overview: Overview | None, name: str) -> None:
    units = overview.units if overview else ()
    there = {u.workload for u in units if u.site == name and u.standing not in ("done", "failed", "waiting")}
    planned = {u.workload for u in units if u.wanted_site == name}
    seen = _seen(overview).get(name)
    running = [key for key, state in seen.runs.items() if state in ("running", "queued")] if seen else []
    if there or running:
        who = ", ".join(sorted(there) or running)
        raise InputError(
            f"{name} still runs {who}; `situs drain {name}`, plan without it, apply, and wait until it is empty"
        )
    if planned:
        raise InputError(
            f"the plan in force puts {', '.join(sorted(planned))} at {name}; apply a plan without it first"
        )


def _must_be_unnamed(loaded: Loaded, name: str) -> None:
    from situs.intent import loads
    from situs.intent.dump import dump

    rest = {other: site for other, site in loaded.intent.sites.items() if other != name}
    try:
        loads(dump(loaded.intent.model_copy(update={"sites": rest})))
    except InputError as error:
        problems = [
            Problem(problem.what, fix=f"change that before {name} goes") for problem in error.problems
        ]
        raise InputError(problems) from None
