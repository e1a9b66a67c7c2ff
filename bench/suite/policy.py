"""What may be where: built-in and house rules over many sites and datasets, decided on one core.

Every decision of a large estate is held against the same rules written in Cedar; one that differs, and no
figure is printed.
Cedar is asked one question at a time, which is only waited for on the smaller estate.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.child import run_child
from bench.figure import Figure, Protocol
from bench.instances.ruled import AT, ruled_estate
from bench.peers.cedar import CedarPeer
from situs.facts import Facts, load
from situs.model.intent import Intent
from situs.policy import Policy
from tests.policy.agreement import answers
from tests.policy.cases import random_case

BAR_S = 2.0
CASES = 2000


@dataclass(frozen=True)
class Size:
    sites: int
    datasets: int
    beside_peer: bool

    @property
    def name(self) -> str:
        return f"{self.sites}x{self.datasets}"


SIZES = (Size(40, 100, beside_peer=True), Size(200, 1000, beside_peer=False))


@dataclass(frozen=True)
class Decided:
    time_s: float
    peer_s: float | None
    allowed: float
    """share of the pairs"""


def figures(protocol: Protocol) -> Iterator[Figure]:
    """Seconds from an estate that has been read to the last decision."""
    for size in SIZES:
        runs = [measure(size, seed) for seed in protocol.seeds]
        times = [run.time_s for run in runs]
        peers = [run.peer_s for run in runs if run.peer_s is not None]
        extra: dict[str, object] = {
            "worst": max(times),
            "bar": BAR_S,
            "seeds": len(protocol.seeds),
            "pairs": size.sites * size.datasets,
            "allowed": statistics.median(run.allowed for run in runs),
        }
        yield Figure(
            f"policy.{size.name}.time",
            statistics.median(times),
            "s",
            "Cedar, one question at a time" if peers else None,
            statistics.median(peers) if peers else None,
            extra,
        )
    yield from _wrong()


def _wrong() -> Iterator[Figure]:
    """Random estates against the tests' oracle, which shares no code with the engine; both ways of being wrong."""
    ran = run_child(_against_oracle, CASES)
    if ran.answer is None:
        raise TimeoutError("policy against the oracle: no answer")
    yield Figure(
        "policy.wrong",
        ran.answer.wrongly_allowed + ran.answer.wrongly_refused,
        "wrong decisions",
        "an oracle on plain values",
        0,
        {"bar": 0, "cases": CASES, **vars(ran.answer)},
    )


@dataclass(frozen=True)
class Agreement:
    decisions: int
    allowed: int
    wrongly_allowed: int
    wrongly_refused: int
    other_reasons: int
    """right, but not for the rules that the oracle names"""


def _against_oracle(cases: int) -> Agreement:
    facts = load()
    given = [answer for seed in range(cases) for answer in answers(random_case(seed), facts)]
    return Agreement(
        decisions=len(given),
        allowed=sum(answer.engine for answer in given),
        wrongly_allowed=sum(answer.engine and not answer.oracle for answer in given),
        wrongly_refused=sum(answer.oracle and not answer.engine for answer in given),
        other_reasons=sum(answer.engine == answer.oracle and not answer.same_rules for answer in given),
    )


def measure(size: Size, seed: int) -> Decided:
    """One estate, in a process of its own on one core."""
    ran = run_child(_on_one_core, size, seed)
    if ran.answer is None:
        raise TimeoutError(f"policy {size.name}, seed {seed}: no answer")
    return ran.answer


def _on_one_core(size: Size, seed: int) -> Decided:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return _decide(size, seed)


def _decide(size: Size, seed: int) -> Decided:
    intent, facts = ruled_estate(size.sites, size.datasets, seed), load()
    began = time.perf_counter()
    ours = _ours(intent, facts)
    time_s = time.perf_counter() - began

    peer, peer_s = CedarPeer(intent, facts, AT), None
    if size.beside_peer:
        began = time.perf_counter()
        theirs = peer.one_at_a_time()
        peer_s = time.perf_counter() - began
    else:
        theirs = peer.in_one_batch()
    wrong = int((ours != theirs).sum())
    if wrong:
        raise ValueError(f"policy {size.name}, seed {seed}: {wrong} decisions differ from Cedar's")
    return Decided(time_s, peer_s, float(ours.mean()))


def _ours(intent: Intent, facts: Facts) -> NDArray[np.bool_]:
    """(D, S), labels and laws included."""
    policy = Policy(intent, facts, AT)
    return np.stack([policy.dataset_mask(name) for name in sorted(intent.datasets)])
