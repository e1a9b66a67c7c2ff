"""``situs data``: what data there are and where, and bringing them to where runs read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.data_names import complete_data, complete_sites
from situs.cli.data_told import WORDS, as_brought, cells, refused, say_done, sizes, values
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.plane import ByOption, DbOption, folder_of, is_there, opened, person
from situs.cli.server import ServerOption, must_be_here
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.control.data.known import Known
    from situs.store.database import Database

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
        emit_json([values(row) for row in rows])
        return
    words = WORDS[language()]
    if not rows:
        console.print(words["none"])
        return
    from situs.cli.tables import table as new_table

    table = new_table(*words["columns"])
    for row in rows:
        table.add_row(*cells(row, words))
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
    except MayNotBeThere as why_not:
        raise refused(why_not, as_json) from None
    found, words = source(path.resolve()), WORDS[language()]
    if dry_run:
        told = [
            {"dataset": name, "site": each, "files": found.files, "bytes": found.size_bytes} for each in sites
        ]
        if as_json:
            emit_json({"dry_run": True, "put": told})
        for each in () if as_json else sites:
            say_done("would", dataset=name, site=each, **sizes(found.size_bytes, found.files, words))
        return
    database = opened(db, estate, new=True)
    with _bar(found.size_bytes * len(sites), quiet=as_json) as told_of:
        done = bring(database, folder_of(estate), name, found, sites, person(by), told_of)
    if as_json:
        emit_json({"dry_run": False, "put": [as_brought(each) for each in done]})
        return
    for brought in done:
        at = brought.replica
        say_done(
            "put" if brought.changed else "same", dataset=name, site=at.site, sha256=at.sha256,
            **sizes(at.size_bytes, at.files, words),
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
    say_done(
        "got", dataset=name, site=at, target=target, sha256=content.sha256,
        **sizes(content.size_bytes, content.files, WORDS[language()]),
    )  # fmt: skip


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
            dataset=name, site=site, **sizes(at.size_bytes, at.files, words)
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
    say_done("removed" if changed else "already", dataset=name, site=site)


def _known(db: str | None, estate: Path) -> Known:
    from situs.control.data.known import known

    database: Database | None = opened(db, estate) if is_there(db, estate) else None
    return known(database, estate)


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
