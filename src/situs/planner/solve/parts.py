"""Classes worked on in parts, at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from situs.planner.problem import Ints

T = TypeVar("T")

PARTS = 2
"""Always as many, whatever the machine, so that sums over them are always the same."""

WORTH_IT = 50_000
"""With fewer columns, handing them out takes longer than working on them."""


def parts_of(starts: Ints) -> list[tuple[int, int]]:
    """Classes from one to another, with about as many columns each; ``starts`` (I+1,) is where their columns begin."""
    at = np.searchsorted(starts, np.linspace(0, int(starts[-1]), PARTS + 1)[1:-1]).tolist()
    return list(pairwise([0, *at, len(starts) - 1]))


def each_part(starts: Ints, work: Callable[[int, int, int], T]) -> list[T]:
    """What ``work`` gives for each part, called with its number, its first class and the one behind its last."""
    jobs = [(number, begin, end) for number, (begin, end) in enumerate(parts_of(starts))]
    return at_once(work, jobs, worth_it=int(starts[-1]) >= WORTH_IT)


def at_once(work: Callable[..., T], jobs: list[tuple[Any, ...]], *, worth_it: bool = True) -> list[T]:
    """What ``work`` gives for each of the jobs; it must be compiled, or they wait for each other."""
    if not worth_it:
        return [work(*job) for job in jobs]
    return [each.result() for each in [_pool().submit(work, *job) for job in jobs]]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(PARTS)
