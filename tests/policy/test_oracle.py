"""2,000 random cases: the engine and the oracle agree on every rule at every site, both ways."""

from __future__ import annotations

from collections import Counter

import pytest

from situs.facts import load
from situs.model.intent import Intent
from situs.policy import Policy
from tests.policy.cases import RandomCase, random_case
from tests.policy.oracle import BUILTIN, CEDAR, Oracle

CASES = 2000
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_engine_and_oracle_agree(part: int) -> None:
    for seed in range(part, CASES, PARTS):
        assert_agreement(seed, random_case(seed))


def assert_agreement(seed: int, case: RandomCase) -> None:
    policy = Policy(Intent.model_validate(case.estate), load(), case.at, case.off)
    oracle = Oracle(case.estate, case.at, set(case.off))
    for name in case.estate["workloads"]:
        mask, asked = policy.workload_mask(name), oracle.workload(name)
        for site, allowed in zip(policy.sites, mask, strict=True):
            expected = oracle.refusing(asked, site)
            found = {refusal.rule for refusal in policy.workload_refusals(name, site)}
            assert found == expected, f"case {seed}: {name} at {site}"
            assert bool(allowed) == (not expected), f"case {seed}: {name} at {site}"
    for name in case.estate["datasets"]:
        mask, asked = policy.dataset_mask(name), oracle.dataset(name)
        for site, allowed in zip(policy.sites, mask, strict=True):
            expected = oracle.refusing(asked, site)
            found = {refusal.rule for refusal in policy.dataset_refusals(name, site)}
            assert found == expected, f"case {seed}: {name} at {site}"
            assert bool(allowed) == (not expected), f"case {seed}: {name} at {site}"
        for source in policy.sites:
            for target in policy.sites:
                may_go = not policy.transfer_refusals(name, source, target)
                assert may_go == oracle.may_go(name, source, target), (
                    f"case {seed}: {name} {source} → {target}"
                )


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
