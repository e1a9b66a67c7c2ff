"""The demonstration from beginning to end: decide, run, ask, refuse, report, clean up."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from situs.demo.folder import own_folder
from situs.facts import load as load_facts
from situs.intent import load
from situs.model.amount import plain as exact
from situs.model.error import SitusError
from situs.model.intent import Intent
from situs.model.plan import Assignment, Plan
from situs.model.refusal import Refusal
from situs.planner.analysis.whatif import per_month
from situs.planner.compile.world import World
from situs.planner.decide import Decided, decide
from situs.policy import Sentence
from situs.policy import say as say_why
from situs.report import board
from situs.sites.run import Refused, Runner, Step

QUESTIONS = 20
"""Pictures that the service at the edge is asked about."""


@dataclass(frozen=True)
class Told:
    """What came of it."""

    plan: Plan
    steps: tuple[Step, ...]
    why: dict[str, str]
    refused_question: str
    refusals: tuple[Sentence, ...]
    answer: str
    report: Path

    def summary(self) -> dict[str, Any]:
        """For programs."""
        return {
            "plan": self.plan.id,
            "cost_per_month": str(round(per_month(self.plan), 6)),
            "gap": self.plan.gap,
            "steps": [
                {
                    "workload": step.workload,
                    "site": step.assignment.site,
                    "pool": step.assignment.pool,
                    "seconds": step.status.usage.wall_s if step.status.usage else None,
                    "cost": exact(step.cost),
                    "why": self.why[step.workload],
                }
                for step in self.steps
            ],
            "refused": [sentence.reason for sentence in self.refusals],
            "answer": self.answer,
            "report": str(self.report),
        }


def tell(out: Path, language: str, *, keep: bool, say: Callable[[str], object]) -> Told:
    """Run the demonstration; whatever happens, nothing of it goes on running afterwards."""
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        with own_folder(keep=keep) as folder, as_file(files("situs.demo")) as package:
            try:
                return _tell(package, folder, out, language, say)
            finally:
                if keep:
                    say(WORDS[language]["kept"].format(folder=folder))
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(package: Path, folder: Path, out: Path, language: str, say: Callable[[str], object]) -> Told:
    intent = load(package / "estate.yaml").intent
    facts = load_facts()
    words = WORDS[language]
    counts = {part: len(getattr(intent, part)) for part in ("sites", "datasets", "workloads")}
    say(f"[bold]1[/] {words['decide'].format(**counts)}")
    decided = decide(intent, facts, intent.settings.at or datetime.now(UTC))
    world = decided.candidates.world
    runner = Runner(decided.plan, intent, folder, package, lambda a: hourly_rate(world, a), world.policy)
    pictures = _place_data(runner, intent)
    steps: list[Step] = []
    try:
        runner.place_replicas()
        say(f"[bold]2[/] {words['run']}")
        for name in runner.order():
            step = runner.run(name)
            steps.append(step)
            say(f"  {name} → {step.assignment.site}/{step.assignment.pool}")
            say(f"    [dim]{_last_line(runner, step)}[/]")
        service = next(step for step in steps if step.address)
        say(f"[bold]3[/] {words['ask'].format(site=service.assignment.site, n=QUESTIONS)}")
        right = _ask(service, *pictures)
        steps = [runner.stop(step) if step.address else step for step in steps]
        say(f"[bold]4[/] {words['attempt']}")
        refusals = _attempt(runner, decided.plan)
    finally:
        runner.stop_all()
    report = _write_report(out, decided, intent, language)
    return Told(
        plan=decided.plan,
        steps=tuple(steps),
        why={step.workload: _why(decided, step.workload, language) for step in steps},
        refused_question=words["refused"],
        refusals=tuple(say_why(refusal, language) for refusal in refusals),
        answer=words["answer"].format(right=right, n=QUESTIONS),
        report=report,
    )


def _last_line(runner: Runner, step: Step) -> str:
    return (runner.output(step).splitlines() or [""])[-1]


def hourly_rate(world: World, assignment: Assignment) -> Decimal:
    """What one node of the place costs an hour: its rent, or its share of being owned."""
    place = next(p for p in world.places if (p.site, p.name) == (assignment.site, assignment.pool))
    hourly = float(world.pools.hourly[place.index])
    rate = hourly if hourly else world.node_month_cost(place) / 730.0
    return Decimal(str(round(rate, 6)))


def _place_data(runner: Runner, intent: Intent) -> tuple[np.ndarray, np.ndarray]:
    """Put the source data where the estate says they are; gives pictures to ask about."""
    from sklearn.datasets import load_breast_cancer, load_digits

    digits = load_digits()
    cancer = load_breast_cancer()
    for name, x, y in (
        ("patients", cancer.data, cancer.target),
        ("shop-images", digits.data[:-QUESTIONS], digits.target[:-QUESTIONS]),
    ):
        for site in intent.datasets[name].replicas:
            path = runner.data(site, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                np.savez(file, x=x, y=y)
    return digits.data[-QUESTIONS:], digits.target[-QUESTIONS:]


def _ask(service: Step, x: np.ndarray, y: np.ndarray) -> int:
    """How many pictures the service reads right."""
    request = urllib.request.Request(  # noqa: S310 - our own loopback address
        f"{service.address}/predict",
        data=json.dumps({"records": x.tolist()}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        classes = json.loads(answer.read())["classes"]
    return int(np.sum(np.asarray(classes) == y))


def _attempt(runner: Runner, plan: Plan) -> tuple[Refusal, ...]:
    """Insist on training patient data in the public cloud; gives why that was refused."""
    shop = plan.decision("shop-prepare").assignments[0]
    elsewhere = (
        plan.decision("patients-train")
        .assignments[0]
        .model_copy(update={"site": "public-cloud", "pool": shop.pool, "basis": shop.basis})
    )
    try:
        step = runner.run("patients-train", elsewhere)
    except Refused as refused:
        return refused.refusals
    raise SitusError(f"patient data were trained on at {step.assignment.site}: the rules did not hold")


WORDS = {
    "en": {
        "decide": "decide: {sites} sites, {datasets} datasets, {workloads} workloads",
        "run": "run: every step where it may live, in order",
        "ask": "ask the service at {site}: {n} pictures over HTTP",
        "attempt": "try to train on patient data in the public cloud",
        "refused": "patients-train in public-cloud",
        "answer": "{right} of {n} pictures read right by the model in the shop",
        "kept": "kept: {folder}",
    },
    "de": {
        "decide": "entscheiden: {sites} Orte, {datasets} Datensätze, {workloads} Arbeitslasten",
        "run": "ausführen: jeder Schritt dort, wo er sein darf, der Reihe nach",
        "ask": "den Dienst am Ort {site} fragen: {n} Bilder über HTTP",
        "attempt": "versuchen, mit Patientendaten in der Public Cloud zu trainieren",
        "refused": "patients-train in der public-cloud",
        "answer": "{right} von {n} Bildern hat das Modell im Laden richtig gelesen",
        "kept": "behalten: {folder}",
    },
}
WHY = {
    "en": {
        "only-place": "the only place that the rules and its data allow",
        "cheapest": "the cheapest of the places it may be",
        "cheapest-with-data": "the cheapest place, its data included",
        "shared-constraint": "the best for all together, though not for it alone",
        "stays-move-does-not-pay": "a move would not pay its bill",
        "held-by-minimum-runtime": "it has not run its minimum time",
        "scarce-capacity": "capacity is scarce, and others are worth more",
        "no-place": "there is no place it may be",
    },
    "de": {
        "only-place": "der einzige Ort, den Regeln und Daten erlauben",
        "cheapest": "der günstigste der erlaubten Orte",
        "cheapest-with-data": "der günstigste Ort, die Daten eingerechnet",
        "shared-constraint": "das Beste für alle zusammen, wenn auch nicht für sie allein",
        "stays-move-does-not-pay": "ein Umzug würde sich nicht bezahlt machen",
        "held-by-minimum-runtime": "die Mindestlaufzeit ist noch nicht um",
        "scarce-capacity": "Kapazität ist knapp, und anderes ist mehr wert",
        "no-place": "es gibt keinen erlaubten Ort",
    },
}


def _why(decided: Decided, workload: str, language: str) -> str:
    decision = decided.plan.decision(workload)
    refused = ", ".join(f"{rule} ({count})" for rule, count in decision.refused.items())
    elsewhere = "; refused elsewhere by " if language == "en" else "; anderswo abgelehnt durch "
    return WHY[language][decision.reason] + (elsewhere + refused if refused else "")


def _write_report(out: Path, decided: Decided, intent: Intent, language: str) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    path = out / "board.html"
    new = path.with_suffix(".new")
    new.write_text(board(decided, intent, decided.candidates.world.facts, language), encoding="utf-8")
    new.replace(path)
    return path.resolve()
