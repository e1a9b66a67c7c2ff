"""Drawing parameters: from ranges and from lists, the same ones for the same seed wherever that is done.

Python's own generator is used, whose numbers are promised to stay the same; what was drawn is kept with the sweep
anyway.  A Latin hypercube cuts each range in as many parts as there are trials and draws once from each part, so that
no part of any single range is left out, as happens when all is left to chance.  ``gp`` begins with one of a few trials,
and learns from what these report where to draw the others (:mod:`situs.control.sweeps.learning`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Literal

from situs.control.arrays.member import LARGEST, read
from situs.control.sweeps.space import axes
from situs.model.error import InputError
from situs.store.arrays import Value

Sampler = Literal["random", "latin", "grid", "gp"]
SAMPLERS: tuple[Sampler, ...] = ("random", "latin", "grid", "gp")
START = 2
"""So many trials for each parameter are drawn evenly before a Gaussian process has anything to learn from."""


def drawn(
    ranges: Mapping[str, str], lists: Mapping[str, Sequence[Value]], trials: int | None, sampler: str, seed: int
) -> list[dict[str, Value]]:  # fmt: skip
    """The parameters of each trial; none of those that are drawn later. Raises InputError that says what is wrong.

    ``ranges``: what each is drawn from, such as ``log(1e-4,1e-1)``; ``lists``: of each, one is chosen; ``trials``:
    how many; None: one for each combination, which only a grid knows.
    """
    if sampler not in SAMPLERS:
        raise InputError(f"there is no sampler {sampler!r}; use {', '.join(SAMPLERS)}")
    space = axes(ranges, lists)
    if sampler == "grid":
        return _grid(ranges, lists, trials)
    if trials is None or not 1 <= trials <= LARGEST:
        raise InputError(f"say how many trials there are, from 1 to {LARGEST}")
    rng = random.Random(seed)  # noqa: S311 - it draws parameters, not keys
    now = min(trials, max(2, START * len(space))) if sampler == "gp" else trials
    columns = {name: [axis.at(share) for share in _shares(rng, now, sampler)] for name, axis in space.items()}
    # The others are drawn when they are handed in, from what was reported by then.
    later: list[dict[str, Value]] = [{} for _ in range(trials - now)]
    return [{name: columns[name][trial] for name in space} for trial in range(now)] + later


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """From ``NAME=WHAT`` to what belongs to each name. Raises InputError."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, what = each.partition("=")
        if not equals or not what:
            raise InputError(f"{option} {each!r}: write NAME=..., as in {option} {_example(option)}")
        if name in found:
            raise InputError(f"{option} {each!r}: the parameter {name!r} is given twice")
        found[name] = what
    return found


def listed(text: str) -> list[Value]:
    """The values of ``A,B,C``; numbers where they read as such."""
    return [read(part) for part in text.split(",")]


def _example(option: str) -> str:
    return "lr=log(1e-4,1e-1)" if option == "--draw" else "kernel=rbf,linear"


def _grid(
    ranges: Mapping[str, str], lists: Mapping[str, Sequence[Value]], trials: int | None
) -> list[dict[str, Value]]:
    if ranges:
        raise InputError(f"a grid has values, not ranges: write --choose {next(iter(ranges))}=A,B,C")
    size = math.prod(len(values) for values in lists.values())
    if size > LARGEST:
        raise InputError(f"{size} trials are more than {LARGEST}; draw some of them at random")
    if trials is not None and trials != size:
        raise InputError(f"the grid has {size} trials, not {trials}; leave --trials out, or draw at random")
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def _shares(rng: random.Random, trials: int, sampler: str) -> list[float]:
    if sampler == "random":
        return [rng.random() for _ in range(trials)]
    parts = list(range(trials))
    rng.shuffle(parts)
    return [(part + rng.random()) / trials for part in parts]
