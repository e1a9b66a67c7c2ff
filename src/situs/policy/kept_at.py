"""Whether checkpoints may be kept where the estate wants them: they hold what was made of the inputs."""

from __future__ import annotations

from collections.abc import Iterator

from situs.model.error import InputError, Problem
from situs.model.intent import Intent
from situs.policy.engine import Policy
from situs.policy.written import Where


def check_kept_at(intent: Intent, policy: Policy, where: Where = lambda *_: None) -> None:
    """Raises InputError with each site that the rules refuse, and which they are, the dominant one first."""
    if problems := list(_problems(intent, policy, where)):
        raise InputError(problems)


def _problems(intent: Intent, policy: Policy, where: Where) -> Iterator[Problem]:
    for name, workload in sorted(intent.workloads.items()):
        sites = workload.checkpoint.kept_at if workload.checkpoint is not None else ()
        for number, site in enumerate(sites):
            if refusals := policy.checkpoint_refusals(name, site):
                rules = ", ".join(dict.fromkeys(refusal.rule for refusal in refusals))
                yield Problem(
                    f"checkpoints of {name!r} may not be kept at {site!r}: {rules}",
                    where("workloads", name, "checkpoint", "kept_at", number),
                    "name a site where the data that it reads may be",
                )
