"""How pipelines are told of: where all would be, what becomes of each stage, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from situs.cli.output import emit_json, error_console, language
from situs.cli.plane import DETACHED
from situs.model.amount import plain as exact

if TYPE_CHECKING:
    from situs.client.control_plane import Pipelines
    from situs.control.pipelines.billing import Billed
    from situs.control.pipelines.looking import Foreseen
    from situs.control.pipelines.standing import StageStanding

LOOK_S = 0.3
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


def show(looked: Foreseen, as_json: bool) -> None:
    """Where all stages would be, or why some cannot be anywhere."""
    from situs.planner.explain.wording import say
    from situs.planner.explain.wording.decisions import DECISIONS

    if as_json:
        emit_json(_looked_values(looked))
        return
    for stage in looked.stages:
        if stage.site is not None:
            _note(
                "after" if stage.needs else "goes", stage=stage.name, site=stage.site, pool=stage.pool,
                needs=", ".join(stage.needs), why=DECISIONS[language()][stage.reason],
            )  # fmt: skip
            continue
        _note("nowhere", stage=stage.name)
        for site, refusal in stage.refused.items():
            _note("refused", site=site, text=say(refusal, language()))
    if not looked.is_refused:
        _note("cost", cost=amount(looked.cost), currency=looked.currency, transfer=amount(looked.transfer))


def _looked_values(looked: Foreseen) -> dict[str, Any]:
    stages = [
        {
            "name": stage.name, "workload": stage.workload, "needs": list(stage.needs), "site": stage.site,
            "pool": stage.pool, "cost": exact(stage.cost),
            "refused": {
                site: {"rule": refusal.rule, "details": refusal.details}
                for site, refusal in stage.refused.items()
            },
        }
        for stage in looked.stages
    ]  # fmt: skip
    return {
        "name": looked.name, "currency": looked.currency, "cost": exact(looked.cost),
        "transfer": exact(looked.transfer), "stages": stages,
    }  # fmt: skip


def values(billed: Billed) -> dict[str, Any]:
    """How it stands and what it has cost, for programs."""
    from situs.control.pipelines.billing import total

    found, bills = billed.standing, billed.bills
    _, currency = total(bills)
    return {
        "name": found.name, "state": found.state, "by": found.by, "at": found.at.isoformat(),
        "currency": currency,
        "stages": [
            {
                "name": stage.name, "workload": stage.workload, "needs": list(stage.needs), "state": stage.state,
                "planned": stage.planned, "site": stage.site, "hours": bills[stage.name].hours,
                "cost": exact(bills[stage.name].cost), "transfer": exact(bills[stage.name].transfer),
                "exit_code": stage.run.exit_code if stage.run else None,
                "made": [{"dataset": m.dataset, "site": m.site, "size_gb": m.size_gb} for m in stage.made],
            }
            for stage in found.stages
        ],
    }  # fmt: skip


def watch(plane: Pipelines, name: str, *, as_json: bool) -> int:
    """Tell of each stage what becomes of it, until nothing more does; gives the exit code."""
    told: dict[str, str] = {}
    ran: set[str] = set()
    try:
        while True:
            billed = plane.one(name)
            found = billed.standing
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
        emit_json(values(billed))
    else:
        end(billed)
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
            words["made"].format(name=each.dataset, size=size(each.size_gb), site=each.site)
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


def end(billed: Billed) -> None:
    """How it ended, where it did, and what it cost."""
    from situs.control.pipelines.billing import total

    words, found = WORDS[language()]["end"], billed.standing
    if found.state in words:
        cost, currency = total(billed.bills)
        text = words[found.state].format(name=found.name, cost=amount(cost), currency=currency or "")
        error_console.print(text.strip(), style="dim", soft_wrap=True, markup=False)


def size(gb: float) -> str:
    """In the largest unit that has at least one of it."""
    for unit, in_gb in (("GB", 1.0), ("MB", 1e-3), ("kB", 1e-6)):
        if gb >= in_gb:
            return f"{gb / in_gb:.3g} {unit}"
    return f"{gb * 1e9:.0f} B"


def amount(cost: Decimal) -> str:
    """Money as it is shown."""
    return f"{cost:.4f}" if cost else "0"


def _note(which: str, **details: object) -> None:
    text = WORDS[language()][which].format(**details)
    error_console.print(text, style="dim", soft_wrap=True, markup=False)
