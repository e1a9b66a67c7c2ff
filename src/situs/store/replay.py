"""Making a recorded plan again, and telling two plans apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from situs.facts import Facts
from situs.model.plan import Decision, Plan
from situs.planner.decide import decide
from situs.report.texts import TEXTS
from situs.store.records import Records

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "made-from": "made from", "facts": "facts", "workload": "workload", "replica": "replica",
        "purchase": "purchase", "cost": "cost", "field": "field", "total": "total",
        "situs": "situs", "solver": "solver", "estate": "estate", "switched-off": "switched off",
        "instant": "instant", "gap-wanted": "gap wanted",
        "other-facts": "facts {name}: it used {before}, here is {after}",
        "other-origin": "{name}: it was made with {before}, this is {after}",
        "stopped": "it was stopped by time or by hand, so how far it came depended on the machine",
        "all-the-same": "all that was decided is the same",
        "from": "from {start}", "left-out": "left out ({reason})", "at": "{dataset} at {site}",
        "dropped": "dropped", "held": "held", "nodes": "{n} nodes",
    },
    "de": {
        "made-from": "entstanden aus", "facts": "Fakten", "workload": "Arbeitslast", "replica": "Kopie",
        "purchase": "Zukauf", "cost": "Kosten", "field": "Feld", "total": "zusammen",
        "situs": "situs", "solver": "Löser", "estate": "Bestand", "switched-off": "abgeschaltet",
        "instant": "Zeitpunkt", "gap-wanted": "gewünschte Lücke",
        "other-facts": "Fakten {name}: damals {before}, hier {after}",
        "other-origin": "{name}: damals {before}, hier {after}",
        "stopped": "die Zeit oder eine Hand hat ihn beendet; wie weit er kam, hing an der Maschine",
        "all-the-same": "alles, was entschieden wurde, ist gleich",
        "from": "ab {start}", "left-out": "ausgelassen ({reason})", "at": "{dataset} in {site}",
        "dropped": "gelöscht", "held": "gehalten", "nodes": "{n} Knoten",
    },
}  # fmt: skip

LONGEST_VALUE = 60
"""of a field that is no name and no figure; the files have the rest"""


@dataclass(frozen=True)
class Replayed:
    """What came of making a plan again."""

    same: bool
    """byte for byte"""
    before: Plan
    plan: Plan

    @property
    def differences(self) -> tuple[str, ...]:
        """What differs, as sentences; first what it was made from, then what came out."""
        return self.said("en")

    def said(self, language: str) -> tuple[str, ...]:
        """The differences in a language."""
        if self.same:
            return ()
        words = WORDS[language]
        causes = [_sentence(change, language) for change in origins(self.before, self.plan, language)]
        if self.before.status == "best-so-far":
            causes.append(words["stopped"])
        changes = [
            f"{c.what} {c.name}: {c.before} → {c.after}"
            for c in differences(self.before, self.plan, language)
        ]
        return (*causes, *(changes or [words["all-the-same"]]))


@dataclass(frozen=True)
class Changed:
    """One difference between two plans."""

    what: str
    """made from, facts; workload, replica, purchase, cost; field, where only something else differs"""
    name: str
    before: str
    after: str


def replay(records: Records, plan: Plan, facts: Facts) -> Replayed:
    """Decide again from the recorded estate with the given facts."""
    again = decide(
        records.intent_of(plan),
        facts,
        plan.at,
        off=plan.provenance.off,
        gap=plan.provenance.gap_wanted,
        parent=records.parent_of(plan),
        owner=plan.owner,
        reason=plan.reason,
        expires=plan.expires,
    ).plan
    return Replayed(again.id == plan.id, plan, again)


def _sentence(origin: Changed, language: str) -> str:
    words = WORDS[language]
    said = words["other-facts" if origin.what == words["facts"] else "other-origin"]
    return said.format(name=origin.name, before=origin.before, after=origin.after)


def origins(before: Plan, after: Plan, language: str = "en") -> tuple[Changed, ...]:
    """What two plans were made from that is not the same."""
    words = WORDS[language]
    old, new = before.provenance, after.provenance
    pairs = {
        "situs": (old.situs, new.situs),
        "solver": (old.solver, new.solver),
        "estate": (old.input_hash, new.input_hash),
        "switched-off": (", ".join(sorted(old.off)) or "—", ", ".join(sorted(new.off)) or "—"),
        "instant": (f"{before.at:%Y-%m-%dT%H:%MZ}", f"{after.at:%Y-%m-%dT%H:%MZ}"),
        "gap-wanted": (str(old.gap_wanted), str(new.gap_wanted)),
    }
    found = [Changed(words["made-from"], words[name], a, b) for name, (a, b) in pairs.items() if a != b]
    return (*found, *_by_name(words["facts"], old.facts, new.facts))


def differences(before: Plan, after: Plan, language: str = "en") -> tuple[Changed, ...]:
    """What two plans decide differently, by name."""
    words = WORDS[language]
    found = [
        *_by_name(words["workload"], _places(before, language), _places(after, language)),
        *_by_name(words["replica"], _replicas(before, words), _replicas(after, words)),
        *_by_name(words["purchase"], _purchases(before, words), _purchases(after, words)),
    ]
    if before.cost != after.cost:
        costs = _money(before.cost, before), _money(after.cost, after)
        found.append(Changed(words["cost"], words["total"], *costs))
    if not found:
        # Nothing went anywhere else, but two plans with two ids are never without a difference.
        left, right = before.model_dump(mode="json"), after.model_dump(mode="json")
        found = [
            Changed(words["field"], name, _short(left[name]), _short(right[name]))
            for name in left
            if name not in ("id", "provenance", "at") and left[name] != right[name]
        ]
    return tuple(found)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _by_name(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> Sequence[Changed]:
    names = sorted({*before, *after})
    return [
        Changed(what, name, before.get(name, "—"), after.get(name, "—"))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _places(plan: Plan, language: str) -> dict[str, str]:
    words = WORDS[language]
    return {
        decision.workload: ", ".join(
            f"{a.units}× {a.site}/{a.pool}"
            + (f" {words['from'].format(start=f'{a.start:%Y-%m-%dT%H:%MZ}')}" if a.start else "")
            for a in decision.assignments
        )
        or words["left-out"].format(reason=_reason(decision, language))
        for decision in plan.decisions
    }


def _reason(decision: Decision, language: str) -> str:
    """As programs know it, or in words."""
    return decision.reason if language == "en" else TEXTS[language][decision.reason]


def _replicas(plan: Plan, words: Mapping[str, str]) -> dict[str, str]:
    return {
        words["at"].format(dataset=r.dataset, site=r.site): words["dropped" if r.change == "drop" else "held"]
        for r in plan.replicas
    }


def _purchases(plan: Plan, words: Mapping[str, str]) -> dict[str, str]:
    return {f"{p.site}/{p.pool}": words["nodes"].format(n=p.nodes) for p in plan.purchases}


def _money(amount: Decimal, plan: Plan) -> str:
    return f"{amount:,.2f} {plan.currency}"
