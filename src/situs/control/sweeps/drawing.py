"""Drawing parameters: from ranges and from lists, the same ones for the same seed wherever that is done.

Python's own generator is used, whose numbers are promised to stay the same; what was drawn is kept with the sweep
anyway.  A Latin hypercube cuts each range in as many parts as there are trials and draws once from each part, so that
no part of any single range is left out, as happens when all is left to chance.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Literal

from situs.control.arrays.member import LARGEST, checked_name, read
from situs.model.error import InputError
from situs.store.arrays import Value

Sampler = Literal["random", "latin", "grid"]
SAMPLERS: tuple[Sampler, ...] = ("random", "latin", "grid")
KINDS = ("uniform", "log", "int", "logint")
FORM = re.compile(r"\s*([a-z]+)\(\s*([^,()]+)\s*,\s*([^,()]+)\s*\)\s*")
HOW = "write it as uniform(0,1), log(1e-4,1e-1), int(2,8) or logint(16,1024)"
At = Callable[[float], Value]
"""From a number of [0, 1) to a value."""


def drawn(
    ranges: Mapping[str, str], lists: Mapping[str, Sequence[Value]], trials: int | None, sampler: str, seed: int
) -> list[dict[str, Value]]:  # fmt: skip
    """The parameters of each trial. Raises InputError that says what is wrong.

    ``ranges``: what each is drawn from, such as ``log(1e-4,1e-1)``; ``lists``: of each, one is chosen; ``trials``:
    how many; None: one for each combination, which only a grid knows.
    """
    if sampler not in SAMPLERS:
        raise InputError(f"there is no sampler {sampler!r}; use {', '.join(SAMPLERS)}")
    names: list[str] = []
    for name in (*ranges, *lists):
        names.append(checked_name(name, names))
    if not names:
        raise InputError("nothing is drawn: say --draw NAME=uniform(0,1) or --choose NAME=A,B")
    if sampler == "grid":
        return _grid(ranges, lists, trials)
    if trials is None or not 1 <= trials <= LARGEST:
        raise InputError(f"say how many trials there are, from 1 to {LARGEST}")
    axes: dict[str, At] = {name: _range(name, text) for name, text in ranges.items()}
    axes |= {name: _chosen(values) for name, values in lists.items()}
    rng = random.Random(seed)  # noqa: S311 - it draws parameters, not keys
    columns = {name: [at(share) for share in _shares(rng, trials, sampler)] for name, at in axes.items()}
    return [{name: columns[name][trial] for name in names} for trial in range(trials)]


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


def _chosen(values: Sequence[Value]) -> At:
    return lambda share: values[int(share * len(values))]


def _range(name: str, text: str) -> At:
    found = FORM.fullmatch(text)
    if found is None or found[1] not in KINDS:
        raise InputError(f"--draw {name}={text}: {HOW}")
    kind = found[1]
    try:
        low, high = float(found[2]), float(found[3])
    except ValueError:
        raise InputError(f"--draw {name}={text}: {found[2]} and {found[3]} are to be numbers") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"--draw {name}={text}: the first number is to be less than the second")
    if kind.startswith("log") and low <= 0:
        raise InputError(f"--draw {name}={text}: a logarithm needs numbers above 0")
    if kind == "uniform":
        return lambda share: min(low + share * (high - low), high)
    if kind == "log":
        return lambda share: _logarithmic(low, high, share)
    if not (low.is_integer() and high.is_integer()):
        raise InputError(f"--draw {name}={text}: {kind} needs whole numbers")
    first, last = int(low), int(high)
    if kind == "int":
        return lambda share: min(first + int(share * (last - first + 1)), last)
    # Each whole number gets the part of the range that is rounded to it.
    return lambda share: min(max(round(_logarithmic(low - 0.5, high + 0.5, share)), first), last)


def _logarithmic(low: float, high: float, share: float) -> float:
    return min(max(low * math.pow(high / low, share), low), high)
