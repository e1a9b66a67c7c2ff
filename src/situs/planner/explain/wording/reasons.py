"""Reasons in words, English and German. What the rules say stands in :mod:`situs.policy.wording`."""

from __future__ import annotations

from situs.model.refusal import Refusal
from situs.planner.explain.wording.template import filled, names
from situs.policy import say as say_rule

REASONS: dict[str, dict[str, str]] = {
    "en": {
        "no-accelerator": "pool {pool} at {site} has {there} ({there_gib} GiB); wanted: {wanted} with {memory_gib} GiB",
        "no-accelerator/none": "pool {pool} at {site} has no accelerators",
        "node-too-small": "a node of {pool} at {site} has {there} {resource}; {wanted} are needed",
        "spot-availability": "pool {pool} at {site} is spot capacity, and {workload} must not be taken away without notice",
        "cannot-run-here": "{workload} cannot run on pool {pool} at {site} at all",
        "no-nodes": "pool {pool} at {site} has no nodes and may not get any",
        "cannot-nodes": "{workload} runs on several nodes at once, and a site of kind {kind} ({site}) cannot start that",
        "cannot-lease": "{workload} must never run twice (lease), and a site of kind {kind} ({site}) cannot hold a run to a lease",
        "cannot-image": "{workload} runs in an image, and a site of kind {kind} ({site}) runs no containers",
        "cannot-secrets": "{workload} needs secrets, and a site of kind {kind} ({site}) cannot hand them over",
        "no-pool": "{site} has no pools",
        "no-sites": "there is no site where {workload} could be",
        "data-reach": "there is no way between {site} and a copy of {dataset}",
        "minimum-runtime": "{workload} has run at {current} for {since_hours} h of the {hours} h before it may move",
        "cooldown": "{workload} moved {since_hours} h ago and stays for {hours} h",
        "fail-back": "{workload} was moved by an outage and may not return (fail_back is off)",
        "window": "on pool {pool} at {site} it would end {end_hours} h from now; the {limit} is in {latest_hours} h",
        "window-after": "it starts after {others}, so on pool {pool} at {site} it would end {end_hours} h from now; the {limit} is in {latest_hours} h",
        "after": "{workload} starts after {others}, and that does not end within the plan",
        "not-yet": "pool {pool} at {site} is there in {hours} h only",
        "own-budget": "it would cost {cost} {currency} a month on pool {pool} at {site}; its budget is {budget}",
        "capacity": "pool {pool} at {site} is full of work that is worth more there",
        "storage": "the storage at {site} is full",
        "spread": "the limit on how much may be in one place ({what}) is reached",
        "concentration": "the operator {what} has its full share already",
        "budget": "the budget of use case {what} is used up",
        "affinity": "it must be where {others} is, and that is better off elsewhere",
        "move-bill": "moving it costs {bill} {currency}, more than it would save in time",
        "cost": "the whole plan would cost {extra} {currency} a month more",
        "nothing-helps": "no change of price, capacity, limits or data at {site} makes it the best place for {workload}",
        "too-many-obstacles": "too much stands in the way of {workload} at {site} to name a smallest change",
        "too-large": "with {options} options the estate is too large to look for the smallest change",
        "full": "{resource} of pool {pool} at {site} (time slot {slot})",
        "pool": "capacity of pool {pool} at {site}",
        "spread-group": "limit on units of {group} in one {over}",
        "storage-full": "storage at {site}",
        "volume": "paid volume on the link {source} → {target}",
        "spread-full": "units of {group} in one {over}: {domain}",
        "concentration-full": "share of operator {operator}",
        "budget-full": "budget of use case {use_case}",
        "order": "start of {workload} after {others}",
        "own-budget-full": "budget of {workload} for all its units",
        "old-rates": "exchange rates ({currencies}) are {days} days old ({as_of}); --facts takes newer ones",
        "copies": "{dataset} has {copies} of the {wanted} copies it should have: there is no room or no place for more",
    },
    "de": {
        "no-accelerator": "Pool {pool} in {site} hat {there} ({there_gib} GiB); gewünscht: {wanted} mit {memory_gib} GiB",
        "no-accelerator/none": "Pool {pool} in {site} hat keine Beschleuniger",
        "node-too-small": "ein Knoten von {pool} in {site} hat {there} {resource}; nötig sind {wanted}",
        "spot-availability": "Pool {pool} in {site} ist Spot-Kapazität, und {workload} darf nicht ohne Ankündigung verschwinden",
        "cannot-run-here": "{workload} läuft auf Pool {pool} in {site} überhaupt nicht",
        "no-nodes": "Pool {pool} in {site} hat keine Knoten und darf keine bekommen",
        "cannot-nodes": "{workload} läuft auf mehreren Knoten zugleich, und das kann ein Ort der Art {kind} ({site}) nicht starten",
        "cannot-lease": "{workload} darf nie doppelt laufen (lease), und ein Ort der Art {kind} ({site}) kann einen Lauf nicht an eine Frist binden",
        "cannot-image": "{workload} läuft in einem Image, und ein Ort der Art {kind} ({site}) lässt keine Container laufen",
        "cannot-secrets": "{workload} braucht Geheimnisse, und ein Ort der Art {kind} ({site}) kann sie nicht übergeben",
        "no-pool": "{site} hat keine Pools",
        "no-sites": "es gibt keinen Ort, an dem {workload} sein könnte",
        "data-reach": "zwischen {site} und einer Kopie von {dataset} gibt es keinen Weg",
        "minimum-runtime": "{workload} läuft erst {since_hours} h von {hours} h in {current}, vorher darf es nicht umziehen",
        "cooldown": "{workload} ist vor {since_hours} h umgezogen und bleibt {hours} h",
        "fail-back": "{workload} ist wegen eines Ausfalls umgezogen und darf nicht zurück (fail_back ist aus)",
        "window": "auf Pool {pool} in {site} endete es in {end_hours} h; die Grenze ({limit}) ist in {latest_hours} h",
        "window-after": "es beginnt nach {others}, daher endete es auf Pool {pool} in {site} in {end_hours} h; die Grenze ({limit}) ist in {latest_hours} h",
        "after": "{workload} beginnt nach {others}, und das endet nicht innerhalb des Plans",
        "not-yet": "Pool {pool} in {site} gibt es erst in {hours} h",
        "own-budget": "auf Pool {pool} in {site} kostet es {cost} {currency} im Monat; das Budget ist {budget}",
        "capacity": "Pool {pool} in {site} ist voll mit Arbeit, die dort mehr wert ist",
        "storage": "der Speicher in {site} ist voll",
        "spread": "die Grenze, wie viel an einem Ort sein darf ({what}), ist erreicht",
        "concentration": "der Betreiber {what} hat schon seinen vollen Anteil",
        "budget": "das Budget des Anwendungsfalls {what} ist ausgeschöpft",
        "affinity": "es muss bei {others} sein, und das ist anderswo besser aufgehoben",
        "move-bill": "der Umzug kostet {bill} {currency}, mehr als er rechtzeitig einspart",
        "cost": "der ganze Plan kostete {extra} {currency} im Monat mehr",
        "nothing-helps": "keine Änderung an Preis, Kapazität, Grenzen oder Daten macht {site} zum besten Ort für {workload}",
        "too-many-obstacles": "{workload} steht in {site} zu viel im Weg, um eine kleinste Änderung zu nennen",
        "too-large": "mit {options} Möglichkeiten ist der Bestand zu groß, um die kleinste Änderung zu suchen",
        "full": "{resource} von Pool {pool} in {site} (Zeitfenster {slot})",
        "pool": "Kapazität von Pool {pool} in {site}",
        "spread-group": "Grenze für Einheiten von {group} an einem Ort ({over})",
        "storage-full": "Speicher in {site}",
        "volume": "bezahltes Volumen auf der Verbindung {source} → {target}",
        "spread-full": "Einheiten von {group} an einem Ort ({over}): {domain}",
        "concentration-full": "Anteil des Betreibers {operator}",
        "budget-full": "Budget des Anwendungsfalls {use_case}",
        "order": "Beginn von {workload} nach {others}",
        "own-budget-full": "Budget von {workload} für alle Einheiten",
        "old-rates": "Wechselkurse ({currencies}) sind {days} Tage alt ({as_of}); --facts nimmt neuere",
        "copies": "{dataset} hat {copies} von {wanted} gewünschten Kopien: für mehr fehlt Platz oder ein Ort",
    },
}  # fmt: skip


VALUES: dict[str, dict[str, str]] = {
    "en": {},
    "de": {
        "none": "keinen Beschleuniger", "any": "ein beliebiger", "cpu": "Kerne", "memory": "GiB Speicher",
        "memory_gib": "GiB Speicher", "accelerators": "Beschleuniger", "disk": "GB Platte", "disk_gb": "GB Platte",
        "nodes": "Knoten", "deadline": "Frist", "horizon": "Ende des Plans",
    },
}  # fmt: skip
"""Words that stand in the blanks; everything else there is a name or a figure."""

SPOKEN = ("there", "wanted", "resource", "limit")
"""Blanks that words stand in."""


def say(refusal: Refusal, language: str = "en") -> str:
    """A reason as a sentence part."""
    if is_of_a_rule(refusal):
        return say_rule(refusal, language).reason
    spoken = {
        name: VALUES[language].get(value, value) for name, value in refusal.details.items() if name in SPOKEN
    }
    # What is wanted of accelerators is of no interest where there are none of any sort.
    none = refusal.rule == "no-accelerator" and refusal.details["there"] == "none"
    template = REASONS[language][f"{refusal.rule}/none" if none else refusal.rule]
    return filled(template, {**refusal.details, **spoken})


def is_of_a_rule(refusal: Refusal) -> bool:
    """Whether a rule refuses, and not a machine, a clock or a price."""
    template = REASONS["en"].get(refusal.rule)
    # The rules' own refusals have details of their own, under the same id where they mean the same.
    return template is None or not names(template) <= refusal.details.keys()
