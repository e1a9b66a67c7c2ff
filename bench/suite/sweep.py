"""A sweep with early stop beside Optuna's: the same trials, the same rule, the same program, on this machine.

Optuna reads a report the instant it is made and has no site, no bill and nothing to survive; what that costs here is
what these figures say.  Its ``best`` for the same trials is what early stop may lose.
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
    mine, theirs, peer = [], [], ""
    with tempfile.TemporaryDirectory(prefix="situs-sweep-") as folder:
        for seed in protocol.seeds:
            peer, found = optuna_trials.swept(TRIALS, seed)
            theirs.append(found)
            mine.append(ours.swept(Path(folder) / str(seed), TRIALS, seed))
    extra: dict[str, object] = {"seeds": list(protocol.seeds), "trials": TRIALS}
    for name, unit in (
        ("best", "loss on unseen digits"),
        ("steps", "steps trained"),
        ("wall_s", "s for 20 trials"),
    ):
        own = [float(getattr(found, name)) for found in mine]
        other = [float(getattr(found, name)) for found in theirs]
        yield Figure(
            f"sweep.{name.removesuffix('_s')}", statistics.median(own), unit, peer, statistics.median(other),
            {**extra, "worst": max(own)},
        )  # fmt: skip
