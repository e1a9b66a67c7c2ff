"""``situs pipeline``: jobs that follow jobs, each where rules, room, data and cost put it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from situs.cli.beginning import have_control, have_sites
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.plane import ByOption, DbOption, ReasonOption, duration, opened, person
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.control.pipelines.document import Pipeline
    from situs.control.pipelines.looking import Looked
    from situs.control.pipelines.standing import StageStanding, Standing
    from situs.store.database import Database

LOOK_S = 0.3
DETACHED = 130
WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "goes": "{stage} goes to {site}/{pool}: {why}", "after": "{stage} goes to {site}/{pool} after {needs}: {why}",
        "cost": "costs about {cost} {currency}, and {transfer} {currency} for the way of its data",
        "nowhere": "there is no place for {stage}:", "refused": "  not {site}: {text}",
        "moved": "{stage} runs at {site}, as {planned} has no room", "runs": "{stage} runs at {site}",
        "done": "{stage} is done{made}", "made": "; {name} of {size} is at {site}",
        "serves": "{stage} serves at {site}",
        "failed": "{stage} failed with exit code {code}; `situs logs {workload}` shows what it wrote",
        "stopped": "{stage} was stopped",
        "end": {
            "done": "{name} is done; cost {cost} {currency}", "serving": "{name} serves; cost so far {cost} {currency}",
            "failed": "{name} failed; `situs pipeline retry {name}` tries again; cost so far {cost} {currency}",
            "stopped": "{name} was stopped; cost {cost} {currency}", "removed": "{name} was removed",
        },
        "detached": "{name} goes on; `situs pipeline show {name}` tells how it stands, `situs pipeline stop {name}` "
        "ends it",
        "stopping": "{name} is to end", "removing": "{name} is removed with all that it made; its history stays",
        "already": "that was so already", "again": "tried again: {stages}",
        "columns": ("stage", "after", "stands", "site", "for", "makes", "cost"),
        "all": ("pipeline", "stands", "stages", "by", "cost"), "none": "no pipelines yet; `situs pipeline run FILE`",
        "states": {
            "waiting": "waiting", "starting": "starting", "running": "running", "ending": "ending",
            "serving": "serving", "done": "done", "failed": "failed", "stopped": "stopped", "removed": "removed",
        },
    },
    "de": {
        "goes": "{stage} kommt nach {site}/{pool}, weil {why}",
        "after": "{stage} kommt nach {site}/{pool}, nach {needs}, weil {why}",
        "cost": "kostet etwa {cost} {currency}, dazu {transfer} {currency} für den Weg der Daten",
        "nowhere": "für {stage} gibt es keinen Ort:", "refused": "  nicht {site}: {text}",
        "moved": "{stage} läuft in {site}, denn in {planned} ist kein Platz", "runs": "{stage} läuft in {site}",
        "done": "{stage} ist fertig{made}", "made": "; {name} mit {size} liegt in {site}",
        "serves": "{stage} bedient Anfragen in {site}",
        "failed": "{stage} scheiterte mit Code {code}; `situs logs {workload}` zeigt, was es geschrieben hat",
        "stopped": "{stage} wurde angehalten",
        "end": {
            "done": "{name} ist fertig; Kosten {cost} {currency}",
            "serving": "{name} bedient Anfragen; Kosten bisher {cost} {currency}",
            "failed": "{name} ist gescheitert; `situs pipeline retry {name}` versucht das Gescheiterte erneut; Kosten "
            "bisher {cost} {currency}",
            "stopped": "{name} wurde angehalten; Kosten {cost} {currency}", "removed": "{name} wurde entfernt",
        },
        "detached": "{name} läuft weiter; `situs pipeline show {name}` sagt, wie es steht, `situs pipeline stop "
        "{name}` beendet es",
        "stopping": "{name} soll enden", "removing": "{name} ist entfernt mit allem, was es gemacht hat; die "
        "Geschichte bleibt",
        "already": "das war schon so", "again": "neuer Versuch: {stages}",
        "columns": ("Stufe", "nach", "Stand", "Ort", "seit", "macht", "Kosten"),
        "all": ("Pipeline", "Stand", "Stufen", "durch", "Kosten"), "none": "noch keine Pipelines; `situs pipeline run "
        "DATEI`",
        "states": {
            "waiting": "wartet", "starting": "beginnt", "running": "läuft", "ending": "endet",
            "serving": "bedient", "done": "fertig", "failed": "gescheitert", "stopped": "angehalten",
            "removed": "entfernt",
        },
    },
}  # fmt: skip

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
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Do not wait for it.")] = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
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
    from situs.control.here import here as open_here
    from situs.control.pipelines.document import read
    from situs.control.pipelines.handing_in import submit
    from situs.control.pipelines.looking import NoWay, look
    from situs.control.submitting import ground_of

    place, who = open_here(estate, db, new=True), person(by)
    has_estate = have_sites(place, who)
    with place.database.read() as connection:
        ground = ground_of(connection)
    chosen = name or fresh_name((str(file),))
    pipeline, files = read(file, ground.kept.intent, chosen)
    if dry_run:
        looked = look(place.database, pipeline)
        _show(pipeline, looked, as_json)
        raise typer.Exit(1 if looked.refused else 0)
    have_control(place, replan=has_estate)
    try:
        looked = submit(place.database, pipeline, files, who)
    except NoWay as error:
        _show(pipeline, error.looked, as_json)
        raise typer.Exit(1) from None
    if detach or not as_json:
        _show(pipeline, looked, as_json)
    if not detach:
        raise typer.Exit(_watch(place.database, chosen, as_json=as_json))


@group.command("show")
def show_command(
    pipeline: NameArgument, estate: EstateOption = HERE, db: DbOption = None, as_json: JsonOption = False
) -> None:
    """How each stage of a pipeline stands: where it is, what it made, what it cost.

    Examples:

      situs pipeline show churn-may

      situs pipeline show churn-may --json
    """
    from situs.control.pipelines import standing
    from situs.store.database import clock

    database = opened(db, estate)
    found = standing.read(database, pipeline)
    if as_json:
        emit_json(_values(found))
        return
    with database.read() as connection:
        now = clock(connection)
    words = WORDS[language()]
    table = new_table(*words["columns"])
    for stage in found.stages:
        since = (stage.run.ended_at or stage.run.started_at or stage.run.placed_at) if stage.run else None
        table.add_row(
            stage.name, ", ".join(stage.needs), words["states"][stage.state],
            stage.site or (f"({stage.planned})" if stage.state == "waiting" else ""),
            duration((now - since).total_seconds()) if since else "",
            ", ".join(f"{each.dataset} ({_size(each.size_gb)})" for each in stage.made), _amount(stage.cost),
        )  # fmt: skip
    console.print(table)
    _end(found)


@group.command("ls")
def ls_command(estate: EstateOption = HERE, db: DbOption = None, as_json: JsonOption = False) -> None:
    """All pipelines, and how they stand.

    Examples:

      situs pipeline ls
    """
    from situs.control.pipelines import standing

    found = standing.read_all(opened(db, estate))
    if as_json:
        emit_json([_values(each) for each in found])
        return
    words = WORDS[language()]
    if not found:
        console.print(words["none"])
        return
    table = new_table(*words["all"])
    for each in found:
        done = sum(stage.is_satisfied for stage in each.stages)
        cost = sum((stage.cost for stage in each.stages), Decimal(0))
        table.add_row(
            each.name, words["states"][each.state], f"{done}/{len(each.stages)}", each.by,
            f"{_amount(cost)} {each.currency or ''}".strip(),
        )  # fmt: skip
    console.print(table)


@group.command("stop")
def stop_command(
    pipeline: NameArgument, reason: ReasonOption = None, estate: EstateOption = HERE, db: DbOption = None,
    by: ByOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Have nothing of a pipeline run any more; what it made is kept, and `retry` goes on with it.

    Examples:

      situs pipeline stop churn-may
    """
    from situs.control.pipelines.handing_in import stop

    _acted(pipeline, "stopping", stop(opened(db, estate), pipeline, person(by), reason), as_json)


@group.command("retry")
def retry_command(
    pipeline: NameArgument, estate: EstateOption = HERE, db: DbOption = None, by: ByOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Try stages again that failed or were stopped, and go on from there; what is done is not done again.

    Examples:

      situs pipeline retry churn-may
    """
    from situs.control.pipelines.handing_in import retry

    again = retry(opened(db, estate), pipeline, person(by))
    if as_json:
        emit_json({"name": pipeline, "again": again})
        return
    console.print(WORDS[language()]["again"].format(stages=", ".join(again)), markup=False)


@group.command("rm")
def rm_command(
    pipeline: NameArgument, estate: EstateOption = HERE, db: DbOption = None, by: ByOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Have nothing of a pipeline run, and remove all that it made; its history stays.

    Examples:

      situs pipeline rm churn-may
    """
    from situs.control.pipelines.handing_in import remove

    _acted(pipeline, "removing", remove(opened(db, estate), pipeline, person(by)), as_json)


def _acted(name: str, which: str, changed: bool, as_json: bool) -> None:
    if as_json:
        emit_json({"name": name, "changed": changed})
    else:
        console.print(WORDS[language()][which if changed else "already"].format(name=name), markup=False)


def _show(pipeline: Pipeline, looked: Looked, as_json: bool) -> None:
    """Where all stages would be, or why some cannot be anywhere."""
    from situs.control.pipelines.standing import in_order
    from situs.planner.explain.wording import say
    from situs.planner.explain.wording.decisions import DECISIONS

    cost = sum((looked.cost(stage) for stage in pipeline.stages), Decimal(0))
    if as_json:
        emit_json(_looked_values(pipeline, looked, cost))
        return
    for stage in in_order(pipeline):
        if (at := looked.place(stage)) is not None:
            needs, decision = pipeline.needs[stage], looked.plan.decision(looked.names[stage])
            _note(
                "after" if needs else "goes", stage=stage, site=at.site, pool=at.pool, needs=words_of(needs),
                why=DECISIONS[language()][decision.reason],
            )  # fmt: skip
            continue
        _note("nowhere", stage=stage)
        for site, refusal in looked.refused[stage].items():
            _note("refused", site=site, text=say(refusal, language()))
    if not looked.refused:
        _note(
            "cost", cost=_amount(cost), currency=looked.plan.currency, transfer=_amount(looked.handing_over())
        )


def words_of(names: tuple[str, ...]) -> str:
    """Several names as a reader has them."""
    return ", ".join(names)


def _looked_values(pipeline: Pipeline, looked: Looked, cost: Decimal) -> dict[str, Any]:
    stages = []
    for stage in pipeline.stages:
        at = looked.place(stage)
        stages.append(
            {
                "name": stage, "workload": looked.names[stage], "needs": list(pipeline.needs[stage]),
                "site": at.site if at else None, "pool": at.pool if at else None, "cost": str(looked.cost(stage)),
                "refused": {
                    site: {"rule": refusal.rule, "details": refusal.details}
                    for site, refusal in looked.refused.get(stage, {}).items()
                },
            }
        )  # fmt: skip
    return {
        "name": pipeline.name, "currency": looked.plan.currency, "cost": str(cost),
        "transfer": str(looked.handing_over()), "stages": stages,
    }  # fmt: skip


def _values(found: Standing) -> dict[str, Any]:
    return {
        "name": found.name, "state": found.state, "by": found.by, "at": found.at.isoformat(),
        "currency": found.currency,
        "stages": [
            {
                "name": stage.name, "workload": stage.workload, "needs": list(stage.needs), "state": stage.state,
                "planned": stage.planned, "site": stage.site, "hours": stage.hours, "cost": str(stage.cost),
                "transfer": str(stage.transfer), "exit_code": stage.run.exit_code if stage.run else None,
                "made": [{"dataset": m.dataset, "site": m.site, "size_gb": m.size_gb} for m in stage.made],
            }
            for stage in found.stages
        ],
    }  # fmt: skip


def _watch(database: Database, name: str, *, as_json: bool) -> int:
    """Tell of each stage what becomes of it, until nothing more does; gives the exit code."""
    from situs.control.pipelines import standing

    told: dict[str, str] = {}
    ran: set[str] = set()
    try:
        while True:
            found = standing.read(database, name)
            for stage in found.stages:
                if told.get(stage.workload) != stage.state and not as_json:
                    _tell(stage, ran)
                told[stage.workload] = stage.state
            if found.is_over or found.state == "serving":
                break
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        _note("detached", name=name)
        return DETACHED
    if as_json:
        emit_json(_values(found))
    else:
        _end(found)
    return 0 if found.state in ("done", "serving") else 1


def _tell(stage: StageStanding, ran: set[str]) -> None:
    """``ran``: stages of which it was told where they run; others are added."""
    words = WORDS[language()]
    if stage.state in ("running", "done", "failed") and stage.workload not in ran:
        ran.add(stage.workload)
        elsewhere = stage.planned and stage.site != stage.planned
        _note("moved" if elsewhere else "runs", stage=stage.name, site=stage.site, planned=stage.planned)
    if stage.state == "done":
        made = "".join(
            words["made"].format(name=each.dataset, size=_size(each.size_gb), site=each.site)
            for each in stage.made
        )
        _note("done", stage=stage.name, made=made)
    elif stage.state == "serving":
        _note("serves", stage=stage.name, site=stage.site)
    elif stage.state == "failed":
        code = stage.run.exit_code if stage.run is not None else None
        _note("failed", stage=stage.name, code=code, workload=stage.workload)
    elif stage.state == "stopped":
        _note("stopped", stage=stage.name)


def _end(found: Standing) -> None:
    words = WORDS[language()]["end"]
    if found.state in words:
        cost = _amount(sum((stage.cost for stage in found.stages), Decimal(0)))
        text = words[found.state].format(name=found.name, cost=cost, currency=found.currency or "")
        error_console.print(text.strip(), style="dim", soft_wrap=True, markup=False)


def _size(gb: float) -> str:
    for unit, in_gb in (("GB", 1.0), ("MB", 1e-3), ("kB", 1e-6)):
        if gb >= in_gb:
            return f"{gb / in_gb:.3g} {unit}"
    return f"{gb * 1e9:.0f} B"


def _amount(cost: Decimal) -> str:
    return f"{cost:.4f}" if cost else "0"


def _note(which: str, **details: object) -> None:
    text = WORDS[language()][which].format(**details)
    error_console.print(text, style="dim", soft_wrap=True, markup=False)
