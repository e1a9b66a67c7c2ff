"""Sweeps with early stop beside Optuna's, with the same program on this machine.

``sweep``: the same trials by the same rule, so that what differs is who decides, and how soon.  ``sweep.learned``: each
draws by its own model from the same ranges, here a Gaussian process with patience, there the tree-structured Parzen
estimator that is Optuna's usual one.  Optuna reads a report the instant it is made and has no site, no bill and nothing
to survive.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Figure, Protocol
from bench.peers import optuna_trials
from bench.sweeps import ours

TRIALS = 20


def figures(protocol: Protocol) -> Iterator[Figure]:
    for learned in (False, True):
        yield from _compared(protocol, learned=learned)


def _compared(protocol: Protocol, *, learned: bool) -> Iterator[Figure]:
    mine, theirs, peer = [], [], ""
    with tempfile.TemporaryDirectory(prefix="situs-sweep-") as folder:
        for seed in protocol.seeds:
            peer, found = optuna_trials.swept(TRIALS, seed, learned=learned)
            theirs.append(found)
            mine.append(ours.swept(Path(folder) / str(seed), TRIALS, seed, learned=learned))
    extra: dict[str, object] = {"seeds": list(protocol.seeds), "trials": TRIALS}
    kind = "sweep.learned" if learned else "sweep"
    for name, unit in (
        ("best", "loss on unseen digits"),
        ("steps", "steps trained"),
        ("wall_s", "s for 20 trials"),
    ):
        own = [float(getattr(found, name)) for found in mine]
        other = [float(getattr(found, name)) for found in theirs]
        extra = {**extra, "each": own, "peer_each": other}
        yield Figure(
            f"{kind}.{name.removesuffix('_s')}", statistics.median(own), unit, peer, statistics.median(other),
            {**extra, "worst": max(own)},
        )  # fmt: skip
