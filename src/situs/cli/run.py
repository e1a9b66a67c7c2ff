"""``situs run``: one line that finds a place for a script, runs it there and shows what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.asking import (
    AcceleratorOption,
    CodeOption,
    CommandArgument,
    CpuOption,
    DataOption,
    DetachOption,
    EnvOption,
    GpuMemoryOption,
    GpuOption,
    IncludeOption,
    MemoryOption,
    NoEnvOption,
    PackagesOption,
    PriorityOption,
    PythonOption,
    SecretOption,
    SiteOption,
    TimeoutOption,
    UseCaseOption,
    WaitOption,
)
from situs.cli.beginning import have_control, have_sites
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, emit_json, error_console, language
from situs.cli.place import show, shown, tell_unrented
from situs.cli.plane import ByOption, DbOption, folder_of, person, place_of
from situs.cli.sent import must_be_sent, packages_of, pairs, tell_left_out, tell_written_out
from situs.cli.server import ServerOption, must_be_here, on_the_spot
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.cli.counter import Unanswered
    from situs.control.arrays.making import Wanted
    from situs.control.here import Here
    from situs.control.shipping import Snapshot
    from situs.model.workload import Workload

WORDS = {
    "en": {
        "queued": "{name} waits for its turn in {queue}, with priority {priority}",
    },
    "de": {
        "queued": "{name} wartet in {queue}, bis es dran ist, mit Vorrang {priority}",
    },
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run_command)


def run_command(
    command: CommandArgument,
    gpu: GpuOption = 0.0,
    accelerator: AcceleratorOption = None,
    gpu_memory: GpuMemoryOption = "0GiB",
    cpu: CpuOption = 1.0,
    memory: MemoryOption = "0GiB",
    nodes: Annotated[int, typer.Option(help="Nodes it runs on at once.", min=1)] = 1,
    data: DataOption = None,
    hours: Annotated[
        float | None, typer.Option(help="How long it is likely to take; for the estimate.", min=0.001)
    ] = None,
    site: SiteOption = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run.", show_default="made from the script")
    ] = None,
    env: EnvOption = None,
    secret: SecretOption = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="File it goes on from when it is started again, such as a checkpoint."),
    ] = None,
    retries: Annotated[int, typer.Option(help="How often it is started again after it failed.", min=0)] = 0,
    timeout: TimeoutOption = None,
    use_case: UseCaseOption = None,
    queue: Annotated[
        str | None, typer.Option(help="Queue whose quota it waits for and uses.", metavar="QUEUE")
    ] = None,
    priority: PriorityOption = 50,
    array: Annotated[
        list[str] | None,
        typer.Option(
            "--array",
            metavar="N or NAME=A,B",
            help="Run it N times, or once for each value; given again: for each combination.",
        ),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option("--at-once", help="So many of an array run at once.", min=1, show_default="all"),
    ] = None,
    code: CodeOption = HERE,
    include: IncludeOption = None,
    packages: PackagesOption = None,
    no_env: NoEnvOption = False,
    python: PythonOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say where it would go, and run nothing.")
    ] = False,
    wait: WaitOption = False,
    detach: DetachOption = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a script where rules, room and cost put it, and show what it writes until it ends.

    The folder's files are sent as git sees them. Ctrl-C only stops showing: it runs on, `situs logs -f` shows it
    again and `situs stop` ends it. The exit code is that of the script; 130 after Ctrl-C, 1 without a place.

    Examples:

      situs run train.py

      situs run train.py --gpu 1 --data patients@latest -- --epochs 3

      situs run train.py --gpu 1 --hours 8 --dry-run

      situs run train.py --detach --json

      situs run train.py --gpu 1 --queue research --priority 80

      situs run train.py --array lr=0.1,0.01,0.001 --at-once 2 -- --lr {lr}
    """
    from situs.cli.counter import Unanswered, handed_in
    from situs.control.asked import Asked, fresh_name, workload_of
    from situs.control.counter.line import called
    from situs.control.shipping import snapshot

    must_be_here("situs run", server, db, estate)
    taken = snapshot(code, include or (), state or ())
    lock = packages_of(taken, packages, no_env=no_env)
    words = tuple(command)
    asked = Asked(
        words, gpu, tuple(accelerator or ()), gpu_memory, cpu, memory, nodes, hours, tuple(data or ()),
        pairs(env or ()), tuple(state or ()), retries, timeout, use_case, lock, python,
        pairs(secret or (), "--secret"),
    )  # fmt: skip
    must_be_sent(words[0], taken, code)
    tell_written_out(asked.env)
    tell_left_out(taken)
    if at_once is not None and not array:
        raise InputError("--at-once is for arrays; say --array N too")
    chosen, who, unanswered = name or fresh_name(words), person(by), None
    if not (dry_run or wait or queue or array) and (line := called(folder_of(estate))) is not None:
        told = {
            "by": who,
            "sites": site,
            "hours": hours,
            "follow": not detach,
            "database": place_of(db, estate),
        }
        try:
            ended_with = handed_in(line, chosen, asked, taken.archive, told, as_json=as_json)
        except Unanswered as left:
            unanswered = left
        else:
            raise typer.Exit(ended_with)
    from situs.control import submitting
    from situs.control.here import here as open_here

    workload, place = workload_of(asked), open_here(estate, db, new=True)
    if unanswered is not None and submitting.found(place.database, chosen) is not None:
        raise typer.Exit(_resumed(place, chosen, unanswered, detach=detach, as_json=as_json))
    has_estate = have_sites(place, who)
    only = frozenset(site) if site else None
    if array:
        from situs.control.arrays.making import Wanted
        from situs.control.arrays.member import grid

        members = Wanted(chosen, grid(array), at_once, queue, priority, only)
        raise typer.Exit(
            _as_array(place, who, members, workload, taken, has_estate, hours, dry_run, detach, as_json)
        )
    if dry_run:
        looked = submitting.look(place.database, chosen, workload, only)
        show(chosen, looked, hours, as_json)
        if not as_json:
            tell_unrented(looked)
        return
    have_control(place, replan=has_estate)
    if queue is not None:
        raise typer.Exit(
            _in_queue(place, who, chosen, workload, taken, queue, priority, only, detach, as_json)
        )
    submit = submitting.submit_when_there_is_room if wait else submitting.submit
    try:
        placed = submit(place.database, chosen, workload, {".": taken.archive}, who, only)
    except submitting.NoPlace as refused:
        show(chosen, refused.placed, hours, as_json)
        return
    if detach:
        show(chosen, placed, hours, as_json)
        return
    from situs.cli.attached import watch

    raise typer.Exit(
        watch(on_the_spot(place), chosen, shown(chosen, placed, hours, as_json), as_json=as_json)
    )


def _in_queue(
    place: Here, who: str, name: str, workload: Workload, taken: Snapshot, queue: str, priority: int,
    only: frozenset[str] | None, detach: bool, as_json: bool,
) -> int:  # fmt: skip
    """Hand it in to a queue, unless it can never run; gives the exit code."""
    from situs.cli.attached import watch
    from situs.control import submitting
    from situs.control.queues.handing_in import hand_in_work
    from situs.model.plan import Fit

    if only:
        raise InputError(
            "a queue says where its runs may be (sites:); leave --site out, or take another queue"
        )
    placed = submitting.look(place.database, name, workload)
    if placed.fit is Fit.NEVER:
        show(name, placed, None, as_json)
    hand_in_work(place.database, queue, name, workload, {".": taken.archive}, priority, who)
    told: dict[str, object] = {"name": name, "queue": queue, "priority": priority}
    if not as_json:
        _note("queued", name=name, queue=queue, priority=priority)
    if detach:
        if as_json:
            emit_json(told)
        return 0
    return watch(on_the_spot(place), name, told, as_json=as_json)


def _as_array(
    place: Here, who: str, wanted: Wanted, workload: Workload, taken: Snapshot, has_estate: bool, hours: float | None,
    dry_run: bool, detach: bool, as_json: bool,
) -> int:  # fmt: skip
    """Make an array of it, unless its members can never run; gives the exit code."""
    from situs.cli.arrayed import hand_in
    from situs.control.arrays.making import look
    from situs.model.plan import Fit

    placed = look(place.database, wanted, workload)
    if dry_run or placed.fit is Fit.NEVER:
        show(wanted.name, placed, hours, as_json)
        return 0
    have_control(place, replan=has_estate)
    return hand_in(place, wanted, workload, {".": taken.archive}, who, detach=detach, as_json=as_json)


def _resumed(place: Here, name: str, left: Unanswered, *, detach: bool, as_json: bool) -> int:
    """A control plane that ended meanwhile had handed it in already; gives the exit code."""
    from situs.cli.attached import watch

    told = left.told or {"name": name}
    if left.told is None:
        # It ended before anybody was told, perhaps before it had begun anything.
        have_control(place, replan=True)
    if detach:
        if as_json:
            emit_json(told)
        return 0
    return watch(on_the_spot(place), name, told, as_json=as_json, since=left.since)


def _note(which: str, **details: object) -> None:
    text = WORDS[language()][which].format(**details)
    error_console.print(text, style="dim", soft_wrap=True, markup=False)
