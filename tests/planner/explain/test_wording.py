"""Every reason and every change has words in both languages, and no blank is left open."""

from __future__ import annotations

from string import Formatter
from typing import get_args

import pytest

from bench.instances.small_estates import AT, random_estate
from situs.facts import load
from situs.model.plan import Decision, Part
from situs.model.refusal import Refusal
from situs.planner.decide import decide
from situs.planner.explain import explain, why_not
from situs.planner.explain.alternatives import Reason
from situs.planner.explain.model import Change, ChangeKind
from situs.planner.explain.wording import (
    ALTERNATIVES,
    say,
    say_conflict,
    say_explanation,
    say_offer,
    say_why_not,
)
from situs.planner.explain.wording.answers import ANSWERS
from situs.planner.explain.wording.changes import CHANGES, EDITS
from situs.planner.explain.wording.decisions import DECISIONS
from situs.planner.explain.wording.reasons import REASONS
from situs.report.texts import TEXTS

CATALOGUES = {"reasons": REASONS, "changes": CHANGES, "edits": EDITS, "answers": ANSWERS}


def blanks(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("name", CATALOGUES)
def test_german_says_the_same_as_english(name: str) -> None:
    english, german = CATALOGUES[name]["en"], CATALOGUES[name]["de"]
    assert set(english) == set(german)
    for key, template in english.items():
        assert blanks(template) == blanks(german[key]), key
        assert template != german[key]


def test_every_kind_has_words() -> None:
    reasons = get_args(Decision.model_fields["reason"].annotation)
    for language in ("en", "de"):
        assert set(reasons) == set(DECISIONS[language])
        assert {part.value for part in Part} <= set(TEXTS[language])
        assert set(ALTERNATIVES[language]) <= set(get_args(Reason))
        spoken = {key.split("/")[0] for key in CHANGES[language]} | {
            "rule",
            "hardware",
            "latency",
            "minimum-runtime",
        }
        assert spoken == set(get_args(ChangeKind))
    assert Change.model_fields["kind"].annotation == ChangeKind


@pytest.mark.parametrize("seed", range(8))
def test_what_is_said_about_an_estate_is_complete(seed: int) -> None:
    intent = random_estate(seed)
    decided = decide(intent, load(()), AT)
    for workload in sorted(intent.workloads):
        explained = explain(decided, workload)
        refusals = [other.refusal for other in explained.alternatives if other.refusal is not None]
        refusals += [bound.limit for bound in explained.binding]
        refusals += explained.decision.needs_lifting
        _are_whole_in_both([explained], say_explanation)
        _are_whole_in_both(refusals, lambda refusal, language: say(refusal, language))
        for other in explained.alternatives:
            assert other.refusal is not None or other.reason in ALTERNATIVES["de"]
        if explained.conflict is not None:
            _are_whole_in_both([explained.conflict], say_conflict)


@pytest.mark.parametrize("seed", range(4))
def test_offers_are_complete_sentences(seed: int) -> None:
    intent = random_estate(seed)
    decided = decide(intent, load(()), AT)
    workload = sorted(intent.workloads)[seed % len(intent.workloads)]
    for site in sorted(intent.sites):
        answer = why_not(decided, workload, site)
        _are_whole_in_both(answer.reasons, lambda refusal, language: say(refusal, language))
        _are_whole_in_both([answer], say_why_not)
        for offer in answer.offers:
            _are_whole_in_both([(offer, site)], lambda pair, language: say_offer(*pair, language))


def _are_whole_in_both(things, words) -> None:  # type: ignore[no-untyped-def]
    for thing in things:
        english, german = words(thing, "en"), words(thing, "de")
        assert english and german and english != german
        for sentence in (english, german):
            # What has no value is written as a question mark.
            assert "?" not in sentence, (sentence, thing)
            assert "{" not in sentence


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("none", "pool box at here has no accelerators"),
        ("T4", "pool box at here has T4 (16 GiB); wanted: H100 with 80 GiB"),
    ],
)
def test_what_is_wanted_of_accelerators_is_told_only_where_there_are_some(there: str, said: str) -> None:
    details = {"site": "here", "pool": "box", "there": there, "there_gib": "16", "wanted": "H100"}
    assert say(Refusal(rule="no-accelerator", details={**details, "memory_gib": "80"})) == said
