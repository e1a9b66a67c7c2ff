"""Where the engine and the oracle do not agree about a case, either way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from situs.facts import Facts
from situs.model.intent import Intent
from situs.policy import Policy
from tests.policy.cases import RandomCase
from tests.policy.oracle import Oracle


@dataclass(frozen=True)
class Answer:
    """One question to both: may this be there, or go that way?"""

    about: str
    engine: bool
    oracle: bool
    same_rules: bool = True
    """whether both name the same rules as refusing"""

    @property
    def agreed(self) -> bool:
        """Whether both say the same for the same reasons."""
        return self.engine == self.oracle and self.same_rules


def answers(case: RandomCase, facts: Facts) -> Iterator[Answer]:
    """Every workload and dataset of a case at every site, and every dataset over every link."""
    policy = Policy(Intent.model_validate(case.estate), facts, case.at, case.off)
    oracle = Oracle(case.estate, case.at, set(case.off))
    for name in case.estate["workloads"]:
        expected = oracle.workload(name)
        for site, allowed in zip(policy.sites, policy.workload_mask(name), strict=True):
            refusing = oracle.refusing(expected, site)
            found = {refusal.rule for refusal in policy.workload_refusals(name, site)}
            yield Answer(f"{name} at {site}", bool(allowed), not refusing, found == refusing)
    for name in case.estate["datasets"]:
        expected = oracle.dataset(name)
        for site, allowed in zip(policy.sites, policy.dataset_mask(name), strict=True):
            refusing = oracle.refusing(expected, site)
            found = {refusal.rule for refusal in policy.dataset_refusals(name, site)}
            yield Answer(f"{name} at {site}", bool(allowed), not refusing, found == refusing)
        for source in policy.sites:
            for target in policy.sites:
                may_go = not policy.transfer_refusals(name, source, target)
                yield Answer(f"{name} {source} → {target}", may_go, oracle.may_go(name, source, target))
