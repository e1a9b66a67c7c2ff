"""``situs pipeline``: jobs that follow jobs, each where rules, room, data and cost put it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from situs.cli.asking import DetachOption
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.pipelined import WORDS, amount, end, show, size, values, watch
from situs.cli.plane import ByOption, DbOption, ReasonOption, duration
from situs.cli.server import ServerOption, control_plane, control_plane_that_acts
from situs.cli.tables import table as new_table

group = typer.Typer(name="pipeline", help="Jobs that follow jobs, with their data.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="The pipeline.", metavar="PIPELINE")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="pipeline")


@group.command("run")
def run_command(
    file: Annotated[
        Path, typer.Argument(help="YAML file or folder with its workloads: and datasets:.", metavar="FILE")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of this run of it.", show_default="made from the file's")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say where all would go, and run nothing.")
    ] = False,
    detach: DetachOption = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run stages one after the other, each as soon as what it needs is there, and show how that goes.

    All stages are decided about together, with the ways of what goes from one to the next. Ctrl-C only stops showing.
    The exit code is 0 when all is done or serves, 1 when a stage failed or has no place, 130 after Ctrl-C.

    Examples:

      situs pipeline run churn.yaml

      situs pipeline run churn.yaml --name churn-may --detach

      situs pipeline run churn.yaml --dry-run --json
    """
    from situs.control.asked import fresh_name

    plane = control_plane_that_acts(server, db, estate, by, acts=not dry_run).pipelines()
    chosen = name or fresh_name((str(file),))
    looked = plane.look(file, chosen) if dry_run else plane.submit(file, chosen)
    if dry_run or looked.is_refused or detach or not as_json:
        show(looked, as_json)
    if looked.is_refused:
        raise typer.Exit(1)
    if not (dry_run or detach):
        raise typer.Exit(watch(plane, chosen, as_json=as_json))


@group.command("show")
def show_command(
    pipeline: NameArgument,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """How each stage of a pipeline stands: where it is, what it made, what it cost.

    Examples:

      situs pipeline show churn-may

      situs pipeline show churn-may --json
    """
    plane = control_plane(server, db, estate)
    billed = plane.pipelines().one(pipeline)
    if as_json:
        emit_json(values(billed))
        return
    words, now, found = WORDS[language()], plane.clock(), billed.standing
    table = new_table(*words["columns"])
    for stage in found.stages:
        since = (stage.run.ended_at or stage.run.started_at or stage.run.placed_at) if stage.run else None
        table.add_row(
            stage.name, ", ".join(stage.needs), words["states"][stage.state],
            stage.site or (f"({stage.planned})" if stage.state == "waiting" else ""),
            duration((now - since).total_seconds()) if since else "",
            ", ".join(f"{each.dataset} ({size(each.size_gb)})" for each in stage.made),
            amount(billed.bills[stage.name].cost),
        )  # fmt: skip
    console.print(table)
    end(billed)


@group.command("ls")
def ls_command(
    estate: EstateOption = HERE, db: DbOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """All pipelines, and how they stand.

    Examples:

      situs pipeline ls
    """
    from situs.control.pipelines.billing import total

    found = control_plane(server, db, estate).pipelines().everything()
    if as_json:
        emit_json([values(billed) for billed in found])
        return
    words = WORDS[language()]
    if not found:
        console.print(words["none"])
        return
    table = new_table(*words["all"])
    for billed in found:
        each = billed.standing
        done = sum(stage.is_satisfied for stage in each.stages)
        cost, currency = total(billed.bills)
        table.add_row(
            each.name, words["states"][each.state], f"{done}/{len(each.stages)}", each.by,
            f"{amount(cost)} {currency or ''}".strip(),
        )  # fmt: skip
    console.print(table)


@group.command("stop")
def stop_command(
    pipeline: NameArgument, reason: ReasonOption = None, estate: EstateOption = HERE, db: DbOption = None,
    server: ServerOption = None, by: ByOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Have nothing of a pipeline run any more; what it made is kept, and `retry` goes on with it.

    Examples:

      situs pipeline stop churn-may
    """
    changed = control_plane(server, db, estate, by).pipelines().stop(pipeline, reason)
    _acted(pipeline, "stopping", changed, as_json)


@group.command("retry")
def retry_command(
    pipeline: NameArgument, estate: EstateOption = HERE, db: DbOption = None,
    server: ServerOption = None, by: ByOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Try stages again that failed or were stopped, and go on from there; what is done is not done again.

    Examples:

      situs pipeline retry churn-may
    """
    again = control_plane(server, db, estate, by).pipelines().retry(pipeline)
    if as_json:
        emit_json({"name": pipeline, "again": list(again)})
        return
    console.print(WORDS[language()]["again"].format(stages=", ".join(again)), markup=False)


@group.command("rm")
def rm_command(
    pipeline: NameArgument, estate: EstateOption = HERE, db: DbOption = None,
    server: ServerOption = None, by: ByOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Have nothing of a pipeline run, and remove all that it made; its history stays.

    Examples:

      situs pipeline rm churn-may
    """
    changed = control_plane(server, db, estate, by).pipelines().remove(pipeline)
    _acted(pipeline, "removing", changed, as_json)


def _acted(name: str, which: str, changed: bool, as_json: bool) -> None:
    if as_json:
        emit_json({"name": name, "changed": changed})
    else:
        console.print(WORDS[language()][which if changed else "already"].format(name=name), markup=False)
