"""Changes in words: what would have to be different, for a sentence that begins with "if"."""

from __future__ import annotations

from pydantic import JsonValue

from situs.planner.explain.edits import Edit, relative_size
from situs.planner.explain.model import Change, Counterfactual
from situs.planner.explain.wording.template import filled, plain

CHANGES: dict[str, dict[str, str]] = {
    "en": {
        "price/compute": "pool {pool} at {site} cost {after} instead of {before} (-{percent} %)",
        "price/electricity": "electricity at {site} cost {after} instead of {before} (-{percent} %)",
        "rival/price": "pool {pool} at {site} cost {after} instead of {before} (+{percent} %)",
        "rival/rule": "a rule of the house kept it out of {site}",
        "rival/capacity": "pool {pool} at {site} had fewer nodes (-{nodes})",
        "capacity": "pool {pool} at {site} had more nodes (+{nodes})",
        "spread": "{after} units of {group} instead of {before} were allowed in one {over}",
        "share": "operator {operator} might have {after_percent} % of all units instead of {before_percent} %",
        "budget/use-case": "use case {use_case} had a budget of {after} instead of {before}",
        "budget/own": "its budget were {after} instead of {before}",
        "payback": "a move had {after} months instead of {before} to pay",
        "data": "a copy of {dataset} stood at {site} already",
        "affinity": "it need not be together with {others}",
        "window/deadline": "the deadline were {after}",
        "window/horizon": "the plan looked {after} h ahead instead of {before}",
        "window/after": "{workload} did not wait for {others}",
        "window/pool": "pool {pool} at {site} were there now",
        "hardware/on-demand": "pool {pool} at {site} were on-demand at {price}",
    },
    "de": {
        "price/compute": "Pool {pool} in {site} {after} statt {before} kostete (-{percent} %)",
        "price/electricity": "Strom in {site} {after} statt {before} kostete (-{percent} %)",
        "rival/price": "Pool {pool} in {site} {after} statt {before} kostete (+{percent} %)",
        "rival/rule": "eine Regel des Hauses es von {site} fernhielte",
        "rival/capacity": "Pool {pool} in {site} weniger Knoten hätte (-{nodes})",
        "capacity": "Pool {pool} in {site} mehr Knoten hätte (+{nodes})",
        "spread": "{after} statt {before} Einheiten von {group} an einem Ort ({over}) erlaubt wären",
        "share": "Betreiber {operator} {after_percent} % statt {before_percent} % aller Einheiten haben dürfte",
        "budget/use-case": "der Anwendungsfall {use_case} ein Budget von {after} statt {before} hätte",
        "budget/own": "sein Budget {after} statt {before} wäre",
        "payback": "ein Umzug sich in {after} statt {before} Monaten lohnen müsste",
        "data": "eine Kopie von {dataset} schon in {site} läge",
        "affinity": "es nicht bei {others} sein müsste",
        "window/deadline": "die Frist {after} wäre",
        "window/horizon": "der Plan {after} statt {before} h vorausschaute",
        "window/after": "{workload} nicht auf {others} warten müsste",
        "window/pool": "Pool {pool} in {site} schon da wäre",
        "hardware/on-demand": "Pool {pool} in {site} on-demand für {price} zu haben wäre",
    },
}  # fmt: skip


EDITS: dict[str, dict[str, str]] = {
    "en": {
        "clearance": "{site} were approved for level {after} instead of {before}",
        "at_rest": "{site} encrypted data at rest",
        "in_transit": "{site} encrypted data in transit",
        "in_use": "{site} offered confidential computing",
        "key_custody": "key custody at {site} were {after} instead of {before}",
        "tenancy": "tenancy at {site} were {after} instead of {before}",
        "employer": "{site} were administered by own people",
        "countries": "administrators of {site} sat in {after} only",
        "certificates": "{site} held a certificate for {scheme} until {after}",
        "may_leave": "{dataset} might leave where it is",
        "declassified_by": "the lower label of {name} were signed",
        "administrators": "{site} were administered by own people",
        "purpose": "the purpose of {workload} were {after} instead of {before}",
        "purposes": "the label of {name} allowed the purposes {after} instead of {before}",
        "jurisdictions": "the label of {name} allowed {after} instead of {before}",
        "exception": "an exception from the rule {rule} were on record",
        "valid_until": "the rule {name} had ended",
        "links": "a measured latency of {after} ms between {site} and {location} were on record",
        "latency": "the latency limit of {workload} were {after} ms instead of {before} ms",
        "min_runtime": "{workload} might move after {after} h instead of {before} h",
        "cooldown": "a workload might move again after {after} h instead of {before} h",
        "fail_back": "what an outage has moved might return",
        "accelerator": "nodes of pool {pool} at {site} had {after} accelerators",
        "accelerator_memory": "accelerators of pool {pool} at {site} had {after} GiB of memory instead of {before} GiB",
        "accelerators": "nodes of pool {pool} at {site} had {after} accelerators instead of {before}",
        "cpu": "nodes of pool {pool} at {site} had {after} cores instead of {before}",
        "memory": "nodes of pool {pool} at {site} had {after} GiB of memory instead of {before} GiB",
        "disk": "nodes of pool {pool} at {site} had {after} GB of disk instead of {before} GB",
        "nodes": "{workload} ran on one node instead of {before}",
        "lease": "{workload} might run twice while nobody reaches its site",
    },
    "de": {
        "clearance": "{site} für Stufe {after} statt {before} zugelassen wäre",
        "at_rest": "{site} ruhende Daten verschlüsselte",
        "in_transit": "{site} Daten auf dem Weg verschlüsselte",
        "in_use": "{site} vertrauliches Rechnen böte",
        "key_custody": "die Schlüsselhoheit in {site} {after} statt {before} wäre",
        "tenancy": "die Maschinen in {site} {after} statt {before} wären",
        "employer": "{site} von eigenen Leuten verwaltet würde",
        "countries": "die Administratoren von {site} nur in {after} säßen",
        "certificates": "{site} bis {after} ein Zertifikat für {scheme} hätte",
        "may_leave": "{dataset} seinen Ort verlassen dürfte",
        "declassified_by": "das niedrigere Label von {name} unterschrieben wäre",
        "administrators": "{site} von eigenen Leuten verwaltet würde",
        "purpose": "der Zweck von {workload} {after} statt {before} wäre",
        "purposes": "das Label von {name} die Zwecke {after} statt {before} erlaubte",
        "jurisdictions": "das Label von {name} {after} statt {before} erlaubte",
        "exception": "eine Ausnahme von der Regel {rule} festgehalten wäre",
        "valid_until": "die Regel {name} beendet wäre",
        "links": "zwischen {site} und {location} eine gemessene Latenz von {after} ms festgehalten wäre",
        "latency": "die Latenzgrenze von {workload} {after} ms statt {before} ms wäre",
        "min_runtime": "{workload} nach {after} h statt {before} h umziehen dürfte",
        "cooldown": "eine Arbeitslast nach {after} h statt {before} h wieder umziehen dürfte",
        "fail_back": "zurück dürfte, was ein Ausfall bewegt hat",
        "accelerator": "Knoten von Pool {pool} in {site} Beschleuniger vom Typ {after} hätten",
        "accelerator_memory": "Beschleuniger von Pool {pool} in {site} {after} GiB statt {before} GiB Speicher hätten",
        "accelerators": "Knoten von Pool {pool} in {site} {after} statt {before} Beschleuniger hätten",
        "cpu": "Knoten von Pool {pool} in {site} {after} statt {before} Kerne hätten",
        "memory": "Knoten von Pool {pool} in {site} {after} GiB statt {before} GiB Arbeitsspeicher hätten",
        "disk": "Knoten von Pool {pool} in {site} {after} GB statt {before} GB Platte hätten",
        "nodes": "{workload} auf einem statt {before} Knoten liefe",
        "lease": "{workload} doppelt laufen dürfte, solange niemand seinen Ort erreicht",
    },
}  # fmt: skip
"""One value that is different, by what it is about."""

AND = {"en": " and ", "de": " und "}
OFFER = {"en": "{site} would win if {changes}.", "de": "{site} gewönne, wenn {changes}."}


def say_offer(offer: Counterfactual, site: str, language: str = "en") -> str:
    """One whole sentence: the site would win if."""
    changes = AND[language].join(say_change(change, language) for change in offer.changes)
    return OFFER[language].format(site=site, changes=changes)


def say_change(change: Change, language: str = "en") -> str:
    """What would have to be different, for a sentence that begins with "if"."""
    special = change.details.get("item") or change.details.get("lift")
    template = CHANGES[language].get(f"{change.kind}/{special}" if special else change.kind)
    if template is not None:
        return filled(template, {**change.details, **_figures(change)})
    return AND[language].join(_say_edit(change, edit, language) for edit in change.edits)


def _say_edit(change: Change, edit: Edit, language: str) -> str:
    keys = edit.path.strip("/").split("/")
    named = {"name": keys[1], "rule": change.rule or "", keys[0].removesuffix("s"): keys[1]}
    if "pools" in keys:
        named["pool"] = keys[3]
    return filled(EDITS[language][_about(keys)], {**change.details, **named, **_values(edit)})


def _about(keys: list[str]) -> str:
    """What a path is about: the last of its parts that is a word, or the list that it ends in."""
    if keys[0] == "rules" and len(keys) == 2:
        return "exception"
    if keys[0] == "links":
        return "links"
    within = [key for key in keys if key in ("certificates", "latency")]
    return within[0] if within else keys[-1]


def _values(edit: Edit) -> dict[str, str]:
    before, after = edit.was, edit.value
    if isinstance(after, dict) and "scheme" in after:
        return {"scheme": str(after["scheme"]), "after": plain(after["valid_until"])}
    if isinstance(after, dict) and "latency" in after:
        return {"location": str(after["to"]), "after": plain(after["latency"])}
    return {"before": plain(_price(before)), "after": plain(_price(after))}


def _price(value: JsonValue) -> JsonValue:
    """Of a whole price basis, its price; every other value as it is."""
    return value["price"] if isinstance(value, dict) and "price" in value else value


def _figures(change: Change) -> dict[str, str]:
    """What is said about a change as a whole; where it has several edits, the first stands for all."""
    first = change.edits[0]
    values = _values(first) | {"percent": f"{100.0 * relative_size(first):.1f}"}
    if isinstance(first.value, float) and isinstance(first.was, float):
        values |= {"after_percent": f"{100 * first.value:.4g}", "before_percent": f"{100 * first.was:.4g}"}
    steps = [
        abs(e.value - e.was) for e in change.edits if isinstance(e.value, int) and isinstance(e.was, int)
    ]
    # A pool that loses nodes keeps none below zero, so one of its numbers may change by less.
    return values | {"nodes": str(max(steps, default=1))}
