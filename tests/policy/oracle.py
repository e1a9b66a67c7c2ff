"""The rules once more, read from their descriptions: one site, one subject, one question at a time.

It works on the plain values of an estate's files and on the catalogue of country groups as it stands on
disk.  It shares nothing with :mod:`situs.policy`, is slow, and is meant to be read beside the reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

Plain = dict[str, Any]
GROUPS = json.loads((files("situs.facts") / "data" / "groups.json").read_text())["groups"]

CEDAR: dict[str, Callable[[Plain, Plain], bool]] = {}
"""Cedar text -> the same in Python: whether it forbids (what is asked, the site)"""


def cedar(text: str) -> Callable[[Callable[[Plain, Plain], bool]], Callable[[Plain, Plain], bool]]:
    """Puts a predicate beside the Cedar text that means the same."""

    def note(predicate: Callable[[Plain, Plain], bool]) -> Callable[[Plain, Plain], bool]:
        CEDAR[text] = predicate
        return predicate

    return note


@cedar('forbid (principal, action, resource) when { resource.kind == "public" && principal.level >= 3 };')
def _not_in_public(what: Plain, site: Plain) -> bool:
    return site["kind"] == "public" and what["label"]["level"] >= 3


@cedar('forbid (principal is Workload, action, resource) when { principal.stage == "serve" } '
       'unless { ["DE", "FR"].contains(resource.country) };')  # fmt: skip
def _serve_at_home(what: Plain, site: Plain) -> bool:
    return what.get("stage") == "serve" and site["country"] not in ("DE", "FR")


@cedar(
    'forbid (principal, action, resource == Site::"site-1") when { principal.categories.contains("health") };'
)
def _health_not_at_one(what: Plain, site: Plain) -> bool:
    return site["name"] == "site-1" and "health" in what["label"]["categories"]


@cedar('forbid (principal, action, resource) when { !(resource has parent_country) };\n'
       'forbid (principal == Dataset::"data-0", action, resource) when { resource.clearance < 3 };')  # fmt: skip
def _known_parent(what: Plain, site: Plain) -> bool:
    known = site.get("parent_country") is not None
    return not known or (
        what["kind"] == "dataset" and what["name"] == "data-0" and site.get("clearance", 0) < 3
    )


@cedar('forbid (principal, action, resource) when { principal has jurisdictions } '
       'unless { resource.certificates.contains("C5") };')  # fmt: skip
def _certified_where_limited(what: Plain, site: Plain) -> bool:
    return what["label"]["jurisdictions"] is not None and "C5" not in site["held"]


@cedar('forbid (principal, action, resource) when { resource.operator_groups.contains("ADEQUATE") == false && '
       'resource has operator_country };')  # fmt: skip
def _adequate_operator(what: Plain, site: Plain) -> bool:
    return site.get("operator_country") is not None and not site["operator_adequate"]


class Oracle:
    """What may be where, by reading the rules aloud."""

    def __init__(self, estate: Plain, at: datetime, off: set[str]) -> None:
        self.estate = estate
        self.at = at
        self.end = at + timedelta(hours=estate["settings"]["horizon"])
        self.rules = {
            name: rule
            for name, rule in estate["rules"].items()
            if name not in off
            and (rule.get("valid_from") is None or _instant(rule["valid_from"]) <= at)
            and (rule.get("valid_until") is None or at < _instant(rule["valid_until"]))
        }
        self.off = set(off)
        for rule in self.rules.values():
            self.off |= set(rule.get("off", ()))

    # labels

    def label_of_dataset(self, name: str) -> Plain:
        dataset = self.estate["datasets"][name]
        signed = bool(dataset.get("declassified_by")) or "declassification" in self.off
        if dataset.get("declassified") is not None and signed:
            return _whole(dataset["declassified"])
        makers = [
            maker
            for maker, workload in self.estate["workloads"].items()
            if name in [output["dataset"] for output in workload.get("outputs", ())]
        ]
        if dataset.get("label") is not None:
            parts = [_whole(dataset["label"])]
        elif makers:
            parts = []
        else:
            parts = [_whole({})]
        return _joined(parts + [self.label_of_workload(maker) for maker in makers])

    def label_of_workload(self, name: str) -> Plain:
        workload = self.estate["workloads"][name]
        parts = [_whole(workload["label"])] if workload.get("label") is not None else []
        return _joined(
            parts + [self.label_of_dataset(item["dataset"]) for item in workload.get("inputs", ())]
        )

    # what is asked about

    def workload(self, name: str) -> Plain:
        workload = self.estate["workloads"][name]
        deadline = (workload.get("job") or {}).get("deadline")
        return {
            **workload,
            "kind": "workload",
            "name": name,
            "label": self.label_of_workload(name),
            "until": _instant(deadline) if deadline else self.end,
            "data": [item["dataset"] for item in workload.get("inputs", ())],
        }

    def dataset(self, name: str) -> Plain:
        label = self.label_of_dataset(name)
        return {"kind": "dataset", "name": name, "label": label, "until": self.end, "data": [name]}

    def refusing(self, what: Plain, name: str) -> set[str]:
        """Ids of all rules that keep ``what`` from site ``name``."""
        site = {"name": name, **self.estate["sites"][name]}
        site["held"] = {c["scheme"] for c in site.get("certificates", ()) if self._valid(c, self.at)}
        site["operator_adequate"] = site.get("operator_country") in self._countries(["ADEQUATE"])
        found = {rule for rule in BUILTIN if BUILTIN[rule](self, what, site)} - self.off
        for rule_name, rule in self.rules.items():
            if (
                rule_name not in self.off
                and self._about(rule.get("applies_to"), what)
                and self._user(rule, what, site)
            ):
                found.add(rule_name)
        return found

    def may_go(self, dataset: str, source: str, target: str) -> bool:
        """Whether a dataset may be sent from one site to another."""
        allowed = self.label_of_dataset(dataset)["jurisdictions"]
        link = self._link(source, target)
        if allowed is None or link is None or source == target or "transit" in self.off:
            return True
        if set(link.get("crosses", ())) <= self._countries(allowed):
            return True
        return all(
            self.estate["sites"][end].get("encryption", {}).get("in_transit", False)
            and (
                self.estate["sites"][end].get("operator", "self") == "self"
                or self.estate["sites"][end].get("key_custody") == "held_your_own"
            )
            for end in (source, target)
        )

    # what rules look up

    def _countries(self, names: Any) -> set[str]:
        """Names of groups stand for their members at the instant, by laws that are on."""
        found = set()
        for name in names:
            if name not in GROUPS:
                found.add(name)
                continue
            for member in GROUPS[name]["members"]:
                if member.get("law") not in self.off and self._valid(member, self.at):
                    found.add(member["country"])
        return found

    def _valid(self, entry: Plain, at: datetime) -> bool:
        until = entry.get("valid_until")
        return _instant(entry["valid_from"]) <= at and (until is None or at < _instant(until))

    def _link(self, source: str, target: str) -> Plain | None:
        ways: list[tuple[str, str, Plain]] = []
        for link in self.estate["links"]:
            ways.append((link["from"], link["to"], link))
            if link.get("both_ways"):
                ways.append((link["to"], link["from"], link))
        for ends in ((source, target), (source, "*"), ("*", target), ("*", "*")):
            for one, other, link in ways:
                if (one, other) == ends:
                    return link
        return None

    # rules of the estate

    def _about(self, match: Plain | None, what: Plain) -> bool:
        if match is None:
            return True
        if match.get("name") and what["name"] not in match["name"]:
            return False
        if match.get("stage") and what.get("stage") not in match["stage"]:
            return False
        if match.get("use_case") and what.get("use_case") not in match["use_case"]:
            return False
        if match.get("category") and not set(match["category"]) & set(what["label"]["categories"]):
            return False
        return match.get("min_level") is None or what["label"]["level"] >= match["min_level"]

    def _user(self, rule: Plain, what: Plain, site: Plain) -> bool:
        if rule.get("only_at") is not None and not self._means(rule["only_at"], site):
            return True
        if rule.get("never_at") is not None and self._means(rule["never_at"], site):
            return True
        if rule.get("min_control") is not None and _control(site) < rule["min_control"]:
            return True
        return rule.get("cedar") is not None and CEDAR[rule["cedar"]](what, site)

    def _means(self, match: Plain, site: Plain) -> bool:
        return (
            (not match.get("name") or site["name"] in match["name"])
            and (not match.get("kind") or site["kind"] in match["kind"])
            and (not match.get("operator") or site.get("operator", "self") in match["operator"])
            and (not match.get("country") or site["country"] in self._countries(match["country"]))
            and (not match.get("certificate") or bool(set(match["certificate"]) & site["held"]))
        )

    # built-in rules: True means refused

    def _jurisdiction_location(self, what: Plain, site: Plain) -> bool:
        allowed = what["label"]["jurisdictions"]
        return allowed is not None and site["country"] not in self._countries(allowed)

    def _jurisdiction_operator(self, what: Plain, site: Plain) -> bool:
        allowed = what["label"]["jurisdictions"]
        if allowed is None:
            return False
        if site.get("key_custody") == "held_your_own" and site.get("encryption", {}).get("in_use"):
            return False
        own = site.get("operator", "self") == "self"
        for country in (site.get("operator_country"), site.get("parent_country")):
            if country is None and own:
                continue
            if country not in self._countries(allowed):
                return True
        return False

    def _may_not_leave(self, what: Plain, site: Plain) -> bool:
        for name in what["data"]:
            dataset = self.estate["datasets"][name]
            there = dataset.get("replicas", [])
            if dataset.get("may_leave", True) is False and there and site["name"] not in there:
                return True
        return False

    def _purpose(self, what: Plain, site: Plain) -> bool:
        allowed = what["label"]["purposes"]
        return what["kind"] == "workload" and allowed is not None and what.get("purpose") not in allowed

    def _certificate(self, what: Plain, site: Plain) -> bool:
        """Walks through the residence, from the end of one certificate to the next."""
        for scheme in what["label"]["certificates"]:
            now = self.at
            while True:
                ends = [
                    _instant(c["valid_until"])
                    for c in site.get("certificates", ())
                    if c["scheme"] == scheme and self._valid(c, now)
                ]
                if not ends:
                    return True
                now = max(ends)
                if now >= what["until"]:
                    break
        return False

    def _administrators(self, what: Plain, site: Plain) -> bool:
        allowed = what["label"]["jurisdictions"]
        if allowed is None or what["label"]["level"] < 3:
            return False
        people = site.get("administrators", {})
        countries = people.get("countries", [])
        if not countries:
            return people.get("employer", "operator") != "self"
        return not set(countries) <= self._countries(allowed)

    def _clearance(self, what: Plain, site: Plain) -> bool:
        return site.get("clearance", 0) < what["label"]["level"]

    def _tenancy(self, what: Plain, site: Plain) -> bool:
        return "dedicated" in what["label"]["obligations"] and site.get("tenancy", "shared") == "shared"

    def _encryption(self, what: Plain, site: Plain) -> bool:
        label, has = what["label"], site.get("encryption", {})
        protected = label["level"] >= 3
        wanted = {
            "at_rest": protected or "encrypt-at-rest" in label["obligations"],
            "in_transit": protected or "encrypt-in-transit" in label["obligations"],
            "in_use": "confidential-computing" in label["obligations"],
        }
        return any(asked and not has.get(field, False) for field, asked in wanted.items())

    def _key_custody(self, what: Plain, site: Plain) -> bool:
        if site.get("operator", "self") == "self":
            return False
        custody = site.get("key_custody", "provider")
        if "hold-own-key" in what["label"]["obligations"]:
            return custody != "held_your_own"
        if "own-key" in what["label"]["obligations"] or what["label"]["level"] == 4:
            return custody == "provider"
        return False

    def _latency_limit(self, what: Plain, site: Plain) -> bool:
        for limit in what.get("latency", ()):
            link = self._link(site["name"], limit["location"])
            if link is None or link.get("latency") is None or link["latency"] > limit["limit"]:
                return True
        return False


BUILTIN: dict[str, Callable[[Oracle, Plain, Plain], bool]] = {
    "jurisdiction-location": Oracle._jurisdiction_location,
    "jurisdiction-operator": Oracle._jurisdiction_operator,
    "may-not-leave": Oracle._may_not_leave,
    "purpose": Oracle._purpose,
    "certificate": Oracle._certificate,
    "administrators": Oracle._administrators,
    "clearance": Oracle._clearance,
    "tenancy": Oracle._tenancy,
    "encryption": Oracle._encryption,
    "key-custody": Oracle._key_custody,
    "latency-limit": Oracle._latency_limit,
}


def _control(site: Plain) -> float:
    """Keys 35 %, administrators 25 %, law 25 %, way out 15 %."""
    own = site.get("operator", "self") == "self"
    custody = site.get("key_custody", "provider")
    keys = 1.0 if own or custody == "held_your_own" else {"provider": 0.0, "customer_managed": 0.5}[custody]
    employer = site.get("administrators", {}).get("employer", "operator")
    people = {"self": 1.0, "third_party": 0.3, "operator": 0.0}[employer]
    if site.get("encryption", {}).get("in_use"):
        people = max(people, 0.8)
    home = [site.get("operator_country") == site["country"], site.get("parent_country") == site["country"]]
    law = 1.0 if own else sum(home) / 2
    leave = max(0.0, 1.0 - site.get("exit_effort", 0.0) / 200.0)
    return round(0.35 * keys + 0.25 * people + 0.25 * law + 0.15 * leave, 6)


def _whole(label: Plain) -> Plain:
    """A label with what it leaves out: an unknown level is the highest."""
    return {
        "level": label.get("level", 4),
        "categories": set(label.get("categories", ())),
        "jurisdictions": None if label.get("jurisdictions") is None else set(label["jurisdictions"]),
        "purposes": None if label.get("purposes") is None else set(label["purposes"]),
        "obligations": set(label.get("obligations", ())),
        "certificates": set(label.get("certificates", ())),
    }


def _joined(labels: list[Plain]) -> Plain:
    """The strictest of all in every respect; of nothing it is a public label."""
    limits: Plain = {}
    for field in ("jurisdictions", "purposes"):
        given = [label[field] for label in labels if label[field] is not None]
        limits[field] = set.intersection(*given) if given else None
    return {
        "level": max((label["level"] for label in labels), default=0),
        **{
            field: set().union(*(label[field] for label in labels))
            for field in ("categories", "obligations", "certificates")
        },
        **limits,
    }


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
