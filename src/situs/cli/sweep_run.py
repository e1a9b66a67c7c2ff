"""``situs sweep run``: parameters are drawn, and an array of trials is made of them."""

from __future__ import annotations

from typing import Annotated

import typer

from situs.cli.asking import (
    AcceleratorOption,
    CodeOption,
    CommandArgument,
    DetachOption,
    GpuMemoryOption,
    ImageOption,
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
from situs.cli.data_names import complete_versions
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, emit_json, error_console, language
from situs.cli.place import show as show_place
from situs.cli.plane import ByOption, DbOption, person
from situs.cli.sent import must_be_sent, packages_of, pairs, tell_left_out, tell_written_out
from situs.cli.server import ServerOption, must_be_here
from situs.cli.swept import HERE_ALONE, WORDS, watch


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
        str,
        typer.Option(
            help="How values are drawn: random, latin (each range evenly), grid, or gp (learns from reports)."
        ),
    ] = "random",
    seed: Annotated[int, typer.Option(help="The same values are drawn for the same seed.")] = 0,
    min_steps: Annotated[int, typer.Option(help="No trial is judged before this step.", min=1)] = 1,
    max_steps: Annotated[
        int | None, typer.Option(help="Nor from this one on, which is a trial's last.", min=2)
    ] = None,
    reduction: Annotated[
        int, typer.Option(help="Of those that reach a rung of asha, one in so many goes on.", min=2)
    ] = 3,
    patience: Annotated[
        int | None,
        typer.Option(
            help="A trial that has not become better for so many steps ends too.", min=1, show_default="any"
        ),
    ] = None,
    gpu: Annotated[float, typer.Option("--gpu", help="Accelerators of each trial.", min=0)] = 0.0,
    accelerator: AcceleratorOption = None,
    gpu_memory: GpuMemoryOption = "0GiB",
    cpu: Annotated[float, typer.Option(help="Processors of each trial.", min=0)] = 1.0,
    memory: MemoryOption = "0GiB",
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            help="Dataset that trials read: NAME or NAME@latest; may be given again.",
            autocompletion=complete_versions,
        ),
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
    image: ImageOption = None,
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

      situs sweep run train.py --draw 'lr=log(1e-4,1e-1)' --trials 40 --at-once 4 --sampler gp --minimise loss

      situs sweep run train.py --choose lr=0.1,0.01 --sampler grid --minimise loss --stop none --detach
    """
    from situs.control.arrays.making import Wanted
    from situs.control.asked import Asked, fresh_name, workload_of
    from situs.control.foreseen import foreseen_run
    from situs.control.here import here as open_here
    from situs.control.shipping import snapshot
    from situs.control.sweeps import drawing, making
    from situs.model.plan import Fit

    must_be_here(HERE_ALONE, server, db, estate)
    ranges = drawing.pairs(draw or (), "--draw")
    lists = {each: drawing.listed(text) for each, text in drawing.pairs(choose or (), "--choose").items()}
    goal, rule = making.goal_of(minimise, maximise), making.rule_of(stop)
    judged = making.Judged(*goal, rule, min_steps, max_steps, reduction, patience)
    making.check(judged)
    parameters = drawing.drawn(ranges, lists, trials, sampler, seed)
    taken = snapshot(code, include or (), state or ())
    lock = packages_of(taken, packages, no_env=no_env)
    asked = Asked(
        tuple(command), gpu, tuple(accelerator or ()), gpu_memory, cpu, memory, hours=hours, data=tuple(data or ()),
        env=pairs(env or ()), state=tuple(state or ()), retries=retries, timeout_s=timeout, use_case=use_case,
        packages=lock, python=python, secrets=pairs(secret or (), "--secret"), image=image,
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
        show_place(foreseen_run(wanted.name, placed, hours, place.folder), as_json)
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
