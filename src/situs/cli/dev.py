"""``situs dev``: an interactive session where the data may be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.asking import (
    AcceleratorOption,
    CodeOption,
    CpuOption,
    DataOption,
    EnvOption,
    GpuMemoryOption,
    GpuOption,
    ImageOption,
    IncludeOption,
    MemoryOption,
    PackagesOption,
    PythonOption,
    SecretOption,
    SiteOption,
    TimeoutOption,
    UseCaseOption,
    WaitOption,
)
from situs.cli.beginning import have_control, have_sites
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.place import show, show_looked, shown
from situs.cli.plane import ByOption, DbOption, person
from situs.cli.sent import packages_of, pairs, tell_left_out, tell_written_out
from situs.cli.server import ServerOption, must_be_here
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.control.asked import Asked
    from situs.control.here import Here
    from situs.control.shipping import Snapshot

STEM = ("dev",)
IDLE_MIN = 60.0
"""Lunch is shorter, and a night is longer."""
WORDS = {
    "en": {"begun": "{name} begins; `situs dev {name}` comes to it, `situs stop {name}` ends it"},
    "de": {"begun": "{name} beginnt; `situs dev {name}` geht hin, `situs stop {name}` beendet es"},
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dev")(dev_command)


def dev_command(
    session: Annotated[
        str | None,
        typer.Argument(
            help="Session to come back to; none: a new one.", metavar="[SESSION]", show_default=False
        ),
    ] = None,
    gpu: GpuOption = 0.0,
    accelerator: AcceleratorOption = None,
    gpu_memory: GpuMemoryOption = "0GiB",
    cpu: CpuOption = 1.0,
    memory: MemoryOption = "0GiB",
    data: DataOption = None,
    hours: Annotated[
        float | None, typer.Option(help="How long it is likely to be used; for the estimate.", min=0.001)
    ] = None,
    idle: Annotated[
        float,
        typer.Option(
            help="Minutes with nothing typed, shown or computed after which it ends; 0: never.", min=0
        ),
    ] = IDLE_MIN,
    timeout: TimeoutOption = None,
    site: SiteOption = None,
    forward: Annotated[
        str | None,
        typer.Option(
            metavar="[HERE:]PORT",
            help="Instead of the terminal: lead a port of this machine to one where the session is.",
        ),
    ] = None,
    jupyter: Annotated[
        bool,
        typer.Option(
            "--jupyter",
            help="Instead of the terminal: run Jupyter in the session, and lead a port of this machine to it.",
        ),
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of a new session.", show_default="made up")] = None,
    env: EnvOption = None,
    secret: SecretOption = None,
    use_case: UseCaseOption = None,
    code: CodeOption = HERE,
    include: IncludeOption = None,
    packages: PackagesOption = None,
    no_env: Annotated[
        bool, typer.Option("--no-env", help="Install nothing: work with what is there.")
    ] = False,
    python: PythonOption = None,
    image: ImageOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say where it would go, and begin nothing.")
    ] = False,
    wait: WaitOption = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Begin it without going there.")] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Work at a terminal at the site where rules, room and cost put the session, or come back to one.

    The folder's files are sent as git sees them; `situs cp` brings files back. Ctrl-] three times leaves the session
    running, as does closing the window; `exit` or `situs stop` ends it.

    Examples:

      situs dev --gpu 1 --data patients@latest

      situs dev dev-3fa9c1

      situs dev --site hospital --idle 240 --detach

      situs dev dev-3fa9c1 --forward 8888

      situs dev --gpu 1 --jupyter
    """
    from situs.cli.visiting import forward as lead
    from situs.cli.visiting import must_have_terminal, notebooks, visit
    from situs.control.here import here as open_here

    must_be_here("situs dev", server, db, estate)
    if jupyter and (detach or dry_run or forward is not None):
        raise InputError(
            "--jupyter stays with the session, so it goes with none of --detach, --dry-run and --forward; "
            "`situs dev SESSION --jupyter` has it run in a session that is there"
        )
    if session is not None:
        if name or gpu or data or site or dry_run or detach:
            raise InputError(
                f"{session} is as it was begun; say `situs dev {session}` alone, or name a new one with --name"
            )
        if forward is not None:
            raise typer.Exit(lead(open_here(estate, db), session, forward, as_json=as_json))
        if jupyter:
            raise typer.Exit(notebooks(open_here(estate, db), session, {"name": session}, as_json=as_json))
        must_have_terminal()
        raise typer.Exit(visit(open_here(estate, db), session, {"name": session}, as_json=as_json))
    if forward is not None:
        raise InputError("--forward is for a session that is there: `situs dev SESSION --forward 8888`")
    from situs.control.asked import Asked, fresh_name
    from situs.control.shipping import snapshot

    if not (dry_run or detach or jupyter):
        must_have_terminal()
    taken = snapshot(code, include or (), ())
    lock = packages_of(taken, packages, no_env=no_env)
    asked = Asked(
        STEM, gpu, tuple(accelerator or ()), gpu_memory, cpu, memory, hours=hours, data=tuple(data or ()),
        env=pairs(env or ()), timeout_s=timeout, use_case=use_case, packages=lock,
        python=python, secrets=pairs(secret or (), "--secret"), image=image,
    )  # fmt: skip
    tell_written_out(asked.env)
    tell_left_out(taken)
    place, who, chosen = open_here(estate, db, new=True), person(by), name or fresh_name(STEM)
    told = _begun(
        place, who, chosen, asked, idle, taken, frozenset(site) if site else None, dry_run=dry_run, wait=wait,
        as_json=as_json, told_now=dry_run or detach,
    )  # fmt: skip
    if told is None:
        return
    if detach:
        if not as_json:
            console.print(WORDS[language()]["begun"].format(name=chosen), soft_wrap=True, markup=False)
        return
    raise typer.Exit((notebooks if jupyter else visit)(place, chosen, told, as_json=as_json))


def _begun(
    place: Here, who: str, name: str, asked: Asked, idle_min: float, taken: Snapshot, only: frozenset[str] | None,
    *, dry_run: bool, wait: bool, as_json: bool, told_now: bool,
) -> dict[str, object] | None:  # fmt: skip
    """Hand it in where one can come to it; gives what was told, None when it was only looked. Exits without a place.

    ``told_now``: nothing follows that would tell a program of it.
    """
    from situs.control import submitting
    from situs.control.connect import by_kind
    from situs.control.foreseen import foreseen_run
    from situs.control.sessions.beginning import content, possible, session_of

    workload = session_of(asked, idle_min)
    has_estate = have_sites(place, who)
    with place.database.read() as connection:
        sites = submitting.ground_of(connection).kept.intent.sites
    if only is not None and (strange := sorted(only - set(sites))):
        raise InputError(f"the estate has no site {strange[0]!r}; it has {', '.join(sorted(sites))}")
    where = possible(sites, by_kind(place.folder), only)
    if dry_run:
        looked = submitting.look(place.database, name, workload, where)
        show_looked(foreseen_run(name, looked, asked.hours, place.folder), as_json)
        return None
    have_control(place, replan=has_estate)
    submit = submitting.submit_when_there_is_room if wait else submitting.submit
    try:
        placed = submit(place.database, name, workload, content(taken.archive), who, where)
    except submitting.NoPlace as refused:
        show(foreseen_run(name, refused.placed, asked.hours, place.folder), as_json)
        raise typer.Exit(1) from None
    told = shown(foreseen_run(name, placed, asked.hours, place.folder), as_json)
    if told_now and as_json:
        emit_json(told)
    return told
