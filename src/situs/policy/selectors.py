"""Rules that users write as selectors: what they are about, where it may be, and how much control it needs."""

from __future__ import annotations

from datetime import datetime

from situs.model.estate import Site
from situs.model.rule import Match, Rule
from situs.policy.control import control
from situs.policy.subject import Subject
from situs.policy.surroundings import Surroundings


def in_force(rule: Rule, at: datetime) -> bool:
    """Whether the rule holds at an instant."""
    return (rule.valid_from is None or rule.valid_from <= at) and (
        rule.valid_until is None or at < rule.valid_until
    )


def applies(match: Match | None, subject: Subject) -> bool:
    """Whether a rule is about a subject; without a selector it is about all."""
    if match is None:
        return True
    return (
        (not match.name or subject.name in match.name)
        and (not match.stage or subject.stage in match.stage)
        and (not match.use_case or subject.use_case in match.use_case)
        and (not match.category or bool(match.category & subject.label.categories))
        and (match.min_level is None or subject.label.level >= match.min_level)
    )


def selects(match: Match, name: str, site: Site, around: Surroundings) -> bool:
    """Whether a site is meant by a selector."""
    return all(meant for _, _, _, meant in _fields(match, name, site, around))


def refusal(rule: Rule, name: str, site: Site, around: Surroundings) -> dict[str, str] | None:
    """Why the rule keeps a site out, as values for the sentence; None where it does not."""
    if rule.only_at is not None:
        for field, wanted, there, meant in _fields(rule.only_at, name, site, around):
            if not meant:
                return {"why": "only-at", "field": field, "wanted": wanted, "there": there}
    if rule.never_at is not None and selects(rule.never_at, name, site, around):
        # All fields hold; each alone would lift the refusal, and the first is named.
        fields = _fields(rule.never_at, name, site, around) or [("name", "*", name, True)]
        field, wanted, there, _ = fields[0]
        return {"why": "never-at", "field": field, "wanted": wanted, "there": there}
    score = control(site).score
    if rule.min_control is not None and score < rule.min_control:
        return {"why": "control", "wanted": f"{rule.min_control:g}", "there": f"{score:g}"}
    return None


def _fields(match: Match, name: str, site: Site, around: Surroundings) -> list[tuple[str, str, str, bool]]:
    """For each field that is given: its name, what is wanted, what the site has, and whether it holds."""
    held = frozenset(c.scheme for c in site.certificates if c.valid_from <= around.at < c.valid_until)
    found = [
        ("name", match.name, name, name in match.name),
        ("kind", match.kind, site.kind.value, site.kind.value in match.kind),
        ("operator", match.operator, site.operator, site.operator in match.operator),
        ("country", match.country, site.country, site.country in around.countries(match.country)),
        ("certificate", match.certificate, ", ".join(sorted(held)) or "—", bool(match.certificate & held)),
    ]
    return [
        (field, ", ".join(sorted(wanted)), there, meant) for field, wanted, there, meant in found if wanted
    ]
