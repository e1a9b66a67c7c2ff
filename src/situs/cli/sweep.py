"""``situs sweep``: trials with drawn parameters, of which the hopeless end early."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from situs.cli.asking import (
    AcceleratorOption,
    CodeOption,
    CommandArgument,
    DetachOption,
    GpuMemoryOption,
    IncludeOption,
    MemoryOption,
    NoEnvOption,
    PackagesOption,
    PriorityOption,
    PythonOption,
    SecretOption,
    SiteOption,
    UseCaseOption,
)
from situs.cli.beginning import have_control, have_sites
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.place import show as show_place
from situs.cli.plane import ByOption, DbOption, ReasonOption, opened, person
from situs.cli.sent import must_be_sent, packages_of, pairs, tell_left_out, tell_written_out
from situs.cli.server import ServerOption, must_be_here
from situs.cli.swept import WORDS, show, table_of, values, watch

if TYPE_CHECKING:
    from situs.store.arrays import End


class BeginsWithScript(TyperGroup):
    """``situs sweep train.py`` is ``situs sweep run train.py``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What is no command, nor the question for help, is what is to be run."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(
    name="sweep", cls=BeginsWithScript, no_args_is_help=True,
    help="Tune: trials with drawn parameters, of which the hopeless end early.",
)  # fmt: skip
HERE_ALONE = "situs sweep"
NameArgument = Annotated[str, typer.Argument(help="The sweep.", metavar="SWEEP")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="sweep")


@group.command("run")
def run_command(
    command: CommandArgument,
    draw: Annotated[
        list[str] | None,
        typer.Option(
            "--draw",
            metavar="NAME=RANGE",
            help="Drawn from uniform(0,1), log(1e-4,1e-1), int(2,8) or logint(16,1024); may be given again.",
        ),
    ] = None,
    choose: Annotated[
        list[str] | None,
        typer.Option("--choose", metavar="NAME=A,B", help="One of these; may be given again."),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="How many.", min=1, show_default="all of a grid")] = None,
    minimise: Annotated[str | None, typer.Option(help="What they report, the less the better.")] = None,
    maximise: Annotated[str | None, typer.Option(help="What they report, the more the better.")] = None,
    stop: Annotated[
        str, typer.Option(help="Rule by which the hopeless end early: asha, median or none.")
    ] = "asha",
    at_once: Annotated[
        int | None, typer.Option("--at-once", help="So many run at once.", min=1, show_default="all")
    ] = None,
    sampler: Annotated[
        str, typer.Option(help="How values are drawn: random, latin (each range evenly) or grid.")
    ] = "random",
    seed: Annotated[int, typer.Option(help="The same values are drawn for the same seed.")] = 0,
    min_steps: Annotated[int, typer.Option(help="No trial is judged before this step.", min=1)] = 1,
    max_steps: Annotated[
        int | None, typer.Option(help="Nor from this one on, which is a trial's last.", min=2)
    ] = None,
    reduction: Annotated[
        int, typer.Option(help="Of those that reach a rung of asha, one in so many goes on.", min=2)
    ] = 3,
    gpu: Annotated[float, typer.Option("--gpu", help="Accelerators of each trial.", min=0)] = 0.0,
    accelerator: AcceleratorOption = None,
    gpu_memory: GpuMemoryOption = "0GiB",
    cpu: Annotated[float, typer.Option(help="Processors of each trial.", min=0)] = 1.0,
    memory: MemoryOption = "0GiB",
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="Dataset that trials read: NAME or NAME@latest; may be given again."),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(help="How long a trial is likely to take; for the estimate.", min=0.001)
    ] = None,
    site: SiteOption = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the sweep.", show_default="made from the script")
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option("--env", help="Variable of their environment; may be given again.", metavar="A=B"),
    ] = None,
    secret: SecretOption = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="File a trial goes on from when it is started again."),
    ] = None,
    retries: Annotated[int, typer.Option(help="How often one is started again after it failed.", min=0)] = 0,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which one is ended.", min=1)] = None,
    use_case: UseCaseOption = None,
    queue: Annotated[
        str | None, typer.Option(help="Queue whose quota trials wait for and use.", metavar="QUEUE")
    ] = None,
    priority: PriorityOption = 50,
    code: CodeOption = HERE,
    include: IncludeOption = None,
    packages: PackagesOption = None,
    no_env: NoEnvOption = False,
    python: PythonOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say where the first would go, and run nothing.")
    ] = False,
    detach: DetachOption = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a script with drawn parameters, so many at once, and end those early that others do better than.

    The word `run` may be left out.

    A trial reports by adding lines `STEP VALUE` to the file that SITUS_REPORT names; its parameters are in braces in
    its arguments, and in SITUS_PARAM_NAME. Ctrl-C only stops showing. The exit code is 0 when none has failed and one
    has reported, 130 after Ctrl-C.

    Examples:

      situs sweep run train.py --draw 'lr=log(1e-4,1e-1)' --trials 40 --at-once 4 --minimise loss -- --lr {lr}

      situs sweep run train.py --draw 'depth=int(2,8)' --choose kernel=rbf,linear --trials 20 --maximise accuracy

      situs sweep run train.py --choose lr=0.1,0.01 --sampler grid --minimise loss --stop none --detach
    """
    from situs.control.arrays.making import Wanted
    from situs.control.asked import Asked, fresh_name, workload_of
    from situs.control.here import here as open_here
    from situs.control.shipping import snapshot
    from situs.control.sweeps import drawing, making
    from situs.model.plan import Fit

    must_be_here(HERE_ALONE, server, db, estate)
    ranges = drawing.pairs(draw or (), "--draw")
    lists = {each: drawing.listed(text) for each, text in drawing.pairs(choose or (), "--choose").items()}
    goal, rule = making.goal_of(minimise, maximise), making.rule_of(stop)
    judged = making.Judged(*goal, rule, min_steps, max_steps, reduction)
    making.check(judged)
    parameters = drawing.drawn(ranges, lists, trials, sampler, seed)
    taken = snapshot(code, include or (), state or ())
    lock = packages_of(taken, packages, no_env=no_env)
    asked = Asked(
        tuple(command), gpu, tuple(accelerator or ()), gpu_memory, cpu, memory, hours=hours, data=tuple(data or ()),
        env=pairs(env or ()), state=tuple(state or ()), retries=retries, timeout_s=timeout, use_case=use_case,
        packages=lock, python=python, secrets=pairs(secret or (), "--secret"),
    )  # fmt: skip
    must_be_sent(command[0], taken, code)
    tell_written_out(asked.env)
    tell_left_out(taken)
    workload, place, who = workload_of(asked), open_here(estate, db, new=True), person(by)
    has_estate = have_sites(place, who)
    only = frozenset(site) if site else None
    wanted = Wanted(name or fresh_name(tuple(command)), parameters, at_once, queue, priority, only)
    placed = making.look(place.database, wanted, workload)
    if dry_run or placed.fit is Fit.NEVER:
        show_place(wanted.name, placed, hours, as_json)
        return
    have_control(place, replan=has_estate)
    how = making.described(ranges, lists, sampler, seed)
    making.make(place.database, wanted, judged, how, workload, {".": taken.archive}, who)
    if not as_json:
        said = WORDS[language()]["made"].format(name=wanted.name, size=len(parameters))
        error_console.print(said, soft_wrap=True, markup=False)
    if not detach:
        raise typer.Exit(watch(place.database, wanted.name, as_json=as_json))
    if as_json:
        emit_json({"name": wanted.name, "size": len(parameters), "at_once": at_once, "queue": queue})


@group.command("show")
def show_command(
    sweep: NameArgument, estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """How each trial of a sweep stands, the best first; the exit code is 1 when one has failed.

    Examples:

      situs sweep show tries

      situs sweep show tries --json
    """
    from situs.control.sweeps import standing

    must_be_here(HERE_ALONE, server, db, estate)
    view = standing.read(opened(db, estate), sweep)
    if as_json:
        emit_json(values(view))
    else:
        show(view)
    if view.counts.get("failed"):
        raise typer.Exit(1)


@group.command("ls")
def ls_command(
    estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """All sweeps, and the best trial of each.

    Examples:

      situs sweep ls
    """
    from situs.control.sweeps import standing

    must_be_here(HERE_ALONE, server, db, estate)
    views = standing.read_all(opened(db, estate))
    if as_json:
        emit_json([values(view) for view in views])
    elif views:
        console.print(table_of(views))
    else:
        console.print(WORDS[language()]["none"])


@group.command("stop")
def stop_command(
    sweep: NameArgument, reason: ReasonOption = None, estate: EstateOption = HERE, db: DbOption = None,
    server: ServerOption = None, by: ByOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Have all trials of a sweep end, and begin no more; what they wrote and reported is kept.

    Examples:

      situs sweep stop tries
    """
    must_be_here(HERE_ALONE, server, db, estate)
    _end(sweep, "stopped", reason, estate, db, by, as_json)


@group.command("rm")
def rm_command(
    sweep: NameArgument, estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None,
    by: ByOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Have all trials of a sweep end, and nothing of them kept at their sites; its history stays.

    Examples:

      situs sweep rm tries
    """
    must_be_here(HERE_ALONE, server, db, estate)
    _end(sweep, "removed", None, estate, db, by, as_json)


def _end(
    name: str, act: End, reason: str | None, estate: Path, db: str | None, by: str | None, as_json: bool
) -> None:
    from situs.control.arrays import making as arrays
    from situs.control.sweeps import making

    database = opened(db, estate)
    making.must_be_sweep(database, name)
    changed = arrays.end(database, name, act, person(by), reason)
    if as_json:
        emit_json({"name": name, "changed": changed})
        return
    which = ("stopping" if act == "stopped" else "removing") if changed else "already"
    console.print(WORDS[language()][which].format(name=name), markup=False)
