"""2,000 random cases: the engine and the oracle agree on every rule at every site, both ways."""

from __future__ import annotations

from collections import Counter

import pytest

from situs.facts import load
from tests.policy.agreement import answers
from tests.policy.cases import random_case
from tests.policy.oracle import BUILTIN, CEDAR, Oracle

CASES = 2000
PARTS = 8
QUICK = 3
"""The rest of the parts belong to the slow tests."""


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=[pytest.mark.slow] if part >= QUICK else []) for part in range(PARTS)]
)
def test_engine_and_oracle_agree(part: int) -> None:
    for seed in range(part, CASES, PARTS):
        assert [answer for answer in answers(random_case(seed), load()) if not answer.agreed] == [], seed


def test_cases_meet_every_rule_both_ways() -> None:
    """An agreement says nothing about a rule that never, or always, refuses."""
    refused: Counter[str] = Counter()
    asked = 0
    for seed in range(600):
        case = random_case(seed)
        oracle = Oracle(case.estate, case.at, set(case.off))
        for name in case.estate["workloads"]:
            for site in case.estate["sites"]:
                asked += 1
                for rule in oracle.refusing(oracle.workload(name), site):
                    text = case.estate["rules"].get(rule, {}).get("cedar")
                    refused[text or rule] += 1
    assert asked > 3000
    assert all(5 <= refused[rule] < asked * 0.9 for rule in [*BUILTIN, *CEDAR]), refused
