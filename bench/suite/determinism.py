"""The same estate, ten times: other files, other order, other hash seed, another process; one plan."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import situs.demo
from bench.figure import Figure, Protocol
from bench.instances.shuffled import sections_of, write_shuffled
from bench.instances.written import drawn_estate

RUNS = 10
TOP = Path(__file__).parents[2]
LIMIT_S = 300.0


def estates() -> dict[str, dict[str, Any]]:
    """What is planned: the demo, the example, and a larger drawn one."""
    return {
        "demo": sections_of(Path(situs.demo.__file__).parent),
        "example": sections_of(TOP / "examples" / "clinic-group"),
        "drawn": drawn_estate(sites=8, datasets=12, workloads=60, seed=0),
    }


def figures(protocol: Protocol) -> Iterator[Figure]:
    """How many different plans came out."""
    for name, sections in estates().items():
        hashes = [plan_hash(sections, seed) for seed in range(RUNS)]
        extra: dict[str, object] = {"bar": 1, "runs": RUNS, "hash": hashes[0]}
        yield Figure(f"determinism.{name}", len(set(hashes)), "different plans", extra=extra)


def plan_hash(sections: dict[str, Any], seed: int) -> str:
    """Of the plan that a process of its own makes of the files as this seed shuffles them."""
    with tempfile.TemporaryDirectory() as folder:
        write_shuffled(sections, Path(folder), seed)
        planned = subprocess.run(
            [sys.executable, "-m", "bench.plan_hash", folder],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            cwd=TOP,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
    if planned.returncode:
        raise RuntimeError(f"planning failed:\n{planned.stderr}")
    return planned.stdout.strip().splitlines()[-1]
