"""``situs data``: what data there are and where, and bringing them to where runs read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from situs.cli.data_names import complete_data, complete_sites
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.plane import ByOption, DbOption, duration, folder_of, is_there, opened, person
from situs.cli.server import ServerOption, must_be_here
from situs.model.error import InputError, SitusError

if TYPE_CHECKING:
    from situs.control.data.bringing import Brought
    from situs.control.data.known import Known, Listed, MayNotBeThere
    from situs.store.database import Database

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "columns": ("data", "level", "site", "size", "files", "SHA-256", "age", "what to do"),
        "none": "the estate has no data; `datasets:` describes them",
        "missing": "missing", "nowhere": "nowhere", "undeclared": "the estate does not say so",
        "put": "{dataset} is at {site}: {size}, {files}, SHA-256 {sha256}",
        "same": "{dataset} was at {site} already: {size}, {files}, SHA-256 {sha256}",
        "would": "{dataset} would go to {site}: {size}, {files}; nothing was copied",
        "strange": "the estate does not say that {dataset} is at {site}, so runs elsewhere do not count on it; "
        "add it to its `replicas:`",
        "got": "{dataset} of {site} is copied to {target}: {size}, {files}, SHA-256 {sha256}",
        "sure": "remove {dataset} at {site} ({size}, {files})?",
        "last": "it is the only copy that is here; remove {dataset} at {site} ({size}, {files}) all the same?",
        "removed": "{dataset} is no longer at {site}", "kept": "nothing was removed", "already": "that was so already",
        "files": "{n} file|{n} files", "copying": "copying",
        "may": "it may be at {sites}: `situs data put {dataset} PATH --site {first}`",
        "nowhere-allowed": "no site of the estate may have it; `situs explain` and its label tell why",
    },
    "de": {
        "columns": ("Daten", "Stufe", "Ort", "Größe", "Dateien", "SHA-256", "Alter", "was zu tun ist"),
        "none": "der Bestand hat keine Daten; `datasets:` beschreibt sie",
        "missing": "fehlen", "nowhere": "nirgends", "undeclared": "im Bestand steht das nicht",
        "put": "{dataset} liegt in {site}: {size}, {files}, SHA-256 {sha256}",
        "same": "{dataset} lag schon in {site}: {size}, {files}, SHA-256 {sha256}",
        "would": "{dataset} käme nach {site}: {size}, {files}; kopiert wurde nichts",
        "strange": "im Bestand steht nicht, dass {dataset} in {site} liegt, also rechnet sonst nichts damit; "
        "unter `replicas:` ergänzen",
        "got": "{dataset} von {site} ist nach {target} kopiert: {size}, {files}, SHA-256 {sha256}",
        "sure": "{dataset} in {site} löschen ({size}, {files})?",
        "last": "das ist die einzige Kopie hier; {dataset} in {site} trotzdem löschen ({size}, {files})?",
        "removed": "{dataset} liegt nicht mehr in {site}", "kept": "gelöscht wurde nichts",
        "already": "das war schon so", "files": "{n} Datei|{n} Dateien", "copying": "kopiert",
        "may": "sein darf es in {sites}: `situs data put {dataset} PFAD --site {first}`",
        "nowhere-allowed": "kein Ort des Bestands darf es haben; warum, sagen `situs explain` und das Label",
    },
}  # fmt: skip

NameArgument = Annotated[
    str,
    typer.Argument(
        help="Name of the data, as in the estate's `datasets:`.", metavar="NAME", autocompletion=complete_data
    ),
]
group = typer.Typer(name="data", help="Data that runs read, and where they are.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="data")


@group.command("ls")
def ls_command(
    estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """All data of the estate: label, where they are, how large, which version; and which are missing.

    Examples:

      situs data ls

      situs data ls -C examples/clinic-group --json
    """
    from situs.control.data.known import listed

    must_be_here("situs data", server, db, estate)
    rows = list(listed(_known(db, estate), folder_of(estate)))
    if as_json:
        emit_json([_values(row) for row in rows])
        return
    words = WORDS[language()]
    if not rows:
        console.print(words["none"])
        return
    from situs.cli.tables import table as new_table

    table = new_table(*words["columns"])
    for row in rows:
        table.add_row(*_cells(row, words))
    console.print(table, markup=False)


@group.command("put")
def put_command(
    name: NameArgument,
    path: Annotated[Path, typer.Argument(help="A file, or a folder of files.", metavar="PATH")],
    site: Annotated[
        list[str] | None,
        typer.Option(
            "--site",
            help="Where they are to be; may be given again.",
            show_default="where the estate says they are",
            autocompletion=complete_sites,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say where they would go, and copy nothing.")
    ] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a version of data to its sites; runs that begin from then on read it.

    The rules are asked first. What was there before stays until all of the new version is there, also when this is
    killed. A run that waits for the data begins by itself.

    Examples:

      situs data put patients visits.csv

      situs data put patients ./export --site hospital

      situs data put patients ./export --dry-run --json
    """
    from situs.control.data.bringing import bring
    from situs.control.data.known import MayNotBeThere, sites_for
    from situs.control.data.source import source

    must_be_here("situs data", server, db, estate)
    known = _known(db, estate)
    try:
        sites = sites_for(known, name, site or ())
    except MayNotBeThere as refused:
        raise _refused(refused, as_json) from None
    found, words = source(path.resolve()), WORDS[language()]
    if dry_run:
        told = [
            {"dataset": name, "site": each, "files": found.files, "bytes": found.size_bytes} for each in sites
        ]
        if as_json:
            emit_json({"dry_run": True, "put": told})
        for each in () if as_json else sites:
            _say("would", dataset=name, site=each, **_sizes(found.size_bytes, found.files, words))
        return
    database = opened(db, estate, new=True)
    with _bar(found.size_bytes * len(sites), quiet=as_json) as told_of:
        done = bring(database, folder_of(estate), name, found, sites, person(by), told_of)
    if as_json:
        emit_json({"dry_run": False, "put": [_brought(each) for each in done]})
        return
    for brought in done:
        at = brought.replica
        _say(
            "put" if brought.changed else "same", dataset=name, site=at.site, sha256=at.sha256,
            **_sizes(at.size_bytes, at.files, words),
        )  # fmt: skip
        if at.site not in known.intent.datasets[name].replicas:
            error_console.print(
                words["strange"].format(dataset=name, site=at.site), style="dim", soft_wrap=True, markup=False
            )


@group.command("get")
def get_command(
    name: NameArgument,
    dest: Annotated[
        Path, typer.Argument(help="Where they are copied to: a new path, or a folder.", metavar="DEST")
    ],
    site: Annotated[
        str | None,
        typer.Option(
            "--site",
            help="Whose copy.",
            show_default="the first that has one",
            autocompletion=complete_sites,
        ),
    ] = None,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the version of data that runs read to a path of this machine. Who did it is an event.

    Examples:

      situs data get patients visits.csv

      situs data get patients ./export --site hospital
    """
    from situs.control.data.bringing import take

    must_be_here("situs data", server, db, estate)
    known = _known(db, estate)
    known.must_be_data(name)
    if site is not None:
        known.must_be_site(site)
    target = dest / name if dest.is_dir() else dest
    if target.exists():
        raise InputError(f"{target} is there already; give a path where nothing is")
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent} to copy to")
    database = opened(db, estate, new=True)
    with _bar(None, quiet=as_json) as told_of:
        at, content = take(database, folder_of(estate), name, site, target, person(by), told_of)
    if as_json:
        emit_json(
            {
                "dataset": name, "site": at, "path": str(target), "sha256": content.sha256, "files": content.files,
                "bytes": content.size_bytes,
            }
        )  # fmt: skip
        return
    sizes = _sizes(content.size_bytes, content.files, WORDS[language()])
    _say("got", dataset=name, site=at, target=target, sha256=content.sha256, **sizes)


@group.command("rm")
def rm_command(
    name: NameArgument,
    site: Annotated[
        str, typer.Option("--site", help="Where they are removed.", autocompletion=complete_sites)
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove data from a site. The estate is not changed: where it says that they are there, they are missing then.

    Examples:

      situs data rm patients --site hospital

      situs data rm patients --site hospital --yes --json
    """
    from situs.control.data.bringing import remove
    from situs.control.data.replicas import Replicas

    must_be_here("situs data", server, db, estate)
    known, words = _known(db, estate), WORDS[language()]
    known.must_be_site(site)
    replicas = Replicas(folder_of(estate))
    at = replicas.find(site, name)
    if at is None:
        known.must_be_data(name)
    elif not yes:
        others = [other for other, dataset in replicas.at_sites() if dataset == name and other != site]
        asked = words["sure" if others else "last"].format(
            dataset=name, site=site, **_sizes(at.size_bytes, at.files, words)
        )
        if not _agreed(asked):
            console.print(words["kept"])
            raise typer.Exit(1)
    changed = at is not None and remove(
        opened(db, estate, new=True), folder_of(estate), name, site, person(by)
    )
    if as_json:
        emit_json({"changed": changed})
        return
    _say("removed" if changed else "already", dataset=name, site=site)


def _known(db: str | None, estate: Path) -> Known:
    from situs.control.data.known import known

    database: Database | None = opened(db, estate) if is_there(db, estate) else None
    return known(database, estate)


def _refused(refused: MayNotBeThere, as_json: bool) -> SitusError | typer.Exit:
    """Why they may not be there, by which rule, and where they may."""
    from situs.planner.explain.wording import say

    if as_json:
        emit_json(
            {
                "error": str(refused), "dataset": refused.dataset, "site": refused.site,
                "rules": [refusal.rule for refusal in refused.refusals], "may_be_at": list(refused.allowed),
            }
        )  # fmt: skip
        return typer.Exit(1)
    words = WORDS[language()]
    why = "; ".join(f"{say(refusal, language())} ({refusal.rule})" for refusal in refused.refusals)
    if refused.allowed:
        sites, first = ", ".join(refused.allowed), refused.allowed[0]
        after = words["may"].format(sites=sites, dataset=refused.dataset, first=first)
    else:
        after = words["nowhere-allowed"]
    return SitusError(f"{refused.dataset} → {refused.site}: {why}; {after}")


def _agreed(question: str) -> bool:
    try:
        return typer.confirm(question, default=False, err=True)
    except typer.Abort:
        # Nobody is there to be asked.
        raise InputError("nobody answered; --yes says so beforehand") from None


@contextmanager
def _bar(size_bytes: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """How far copying is, where somebody sees it."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=error_console, transient=True, disable=quiet or not error_console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task(WORDS[language()]["copying"], total=size_bytes)
        yield lambda size: bar.advance(task, size)


def _cells(row: Listed, words: Mapping[str, Any]) -> tuple[str, ...]:
    at, level = row.replica, str(row.level)
    if row.site is None:
        return (
            row.dataset,
            level,
            words["nowhere"],
            "",
            "",
            "",
            "",
            f"`situs data put {row.dataset} PATH --site SITE`",
        )
    if at is None:
        put = f"`situs data put {row.dataset} PATH --site {row.site}`"
        return (row.dataset, level, row.site, words["missing"], "", "", "", put)
    age = duration((datetime.now(UTC) - at.at).total_seconds())
    note = "" if row.declared else words["undeclared"]
    digest = at.sha256[:12] if at.sha256 is not None else "?"
    return (row.dataset, level, row.site, size_of(at.size_bytes), f"{at.files:,}", digest, age, note)


def _values(row: Listed) -> dict[str, Any]:
    """A row for programs."""
    at = row.replica
    return {
        "dataset": row.dataset, "level": row.level, "site": row.site, "declared": row.declared,
        "present": at is not None, "bytes": at.size_bytes if at else None, "files": at.files if at else None,
        "sha256": at.sha256 if at else None, "at": at.at.isoformat() if at else None,
    }  # fmt: skip


def _brought(done: Brought) -> dict[str, Any]:
    """What came of bringing it to one site, for programs."""
    at = done.replica
    return {
        "dataset": at.dataset, "site": at.site, "bytes": at.size_bytes, "files": at.files, "sha256": at.sha256,
        "at": at.at.isoformat(), "changed": done.changed, "before": done.before,
    }  # fmt: skip


def _sizes(size_bytes: int, files: int, words: Mapping[str, Any]) -> dict[str, str]:
    from situs.model.plural import counted

    return {"size": size_of(size_bytes), "files": counted(words["files"], files)}


def size_of(size_bytes: int) -> str:
    """In the largest unit of which there is at least one; decimal, as the estate's `size_gb` is."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} B"


def _say(what: str, **values: object) -> None:
    console.print(WORDS[language()][what].format(**values), soft_wrap=True, markup=False)
