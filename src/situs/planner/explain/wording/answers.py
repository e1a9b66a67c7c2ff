"""An answer in a sentence or two, English and German."""

from __future__ import annotations

from situs.model.plan import Decision
from situs.planner.explain.model import Explanation, WhyNot
from situs.planner.explain.wording.changes import say_offer
from situs.planner.explain.wording.decisions import DECISIONS
from situs.planner.explain.wording.reasons import say

ANSWERS = {
    "en": {
        "runs": "{name} runs at {places}, because {because}.",
        "left-out": "{name} is left out, because {because}.",
        "is-there": "{name} is at {site}.",
        "tie": "{site} would be as good for {name}; the difference is within the plan's proven gap.",
        "is-not": "{name} is not at {site}: {reason}.",
    },
    "de": {
        "runs": "{name} läuft in {places}, weil {because}.",
        "left-out": "{name} bleibt weg, weil {because}.",
        "is-there": "{name} ist in {site}.",
        "tie": "{site} wäre für {name} gleich gut; der Unterschied liegt in der bewiesenen Lücke.",
        "is-not": "{name} ist nicht in {site}: {reason}.",
    },
}


def say_explanation(explained: Explanation, language: str = "en") -> str:
    """Where a workload is, and why."""
    decision = explained.decision
    places = ", ".join(dict.fromkeys(f"{a.site}/{a.pool}" for a in decision.assignments))
    if not places:
        return say_left_out(decision, language)
    return ANSWERS[language]["runs"].format(
        name=explained.workload, places=places, because=DECISIONS[language][decision.reason]
    )


def say_left_out(decision: Decision, language: str = "en") -> str:
    """Why a workload, or some of its units, has no place."""
    units = sum(a.units for a in decision.assignments) + decision.unplaced
    some = f" ({decision.unplaced} / {units})" if units > 1 else ""
    return ANSWERS[language]["left-out"].format(
        name=f"{decision.workload}{some}", because=DECISIONS[language][decision.reason]
    )


def say_verdict(answer: WhyNot, language: str = "en") -> str:
    """Why a workload is not at a site: the dominant reason."""
    about = {"name": answer.workload, "site": answer.site}
    if answer.verdict in ("is-there", "tie"):
        return ANSWERS[language][answer.verdict].format(**about)
    return ANSWERS[language]["is-not"].format(**about, reason=say(answer.reasons[0], language))


def say_why_not(answer: WhyNot, language: str = "en") -> str:
    """The dominant reason, and the smallest change that was found."""
    verdict = say_verdict(answer, language)
    if not answer.offers:
        return verdict
    return f"{verdict} {say_offer(answer.offers[0], answer.site, language)}"
