"""What pools of a site say of its accelerators, beside what was found there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from situs.control.doctor.finding import Finding
from situs.intent.importing.accelerators import accelerator_name
from situs.model.estate import OnDemand, Pool, Site, Spot

ANY = ""
"""What has no model: a site may call its accelerators by a kind alone, such as Slurm's ``gpu`` without a type."""
KIND = "gpu"
"""What those without a model are called."""
UNLIMITED = 10**9


def accelerators(name: str, site: Site, found: Mapping[str, int], now: datetime) -> Iterator[Finding]:
    """Where both differ, for each model."""
    there, least, most = Counter[str](), Counter[str](), Counter[str]()
    for text, count in found.items():
        there[_model(text)] += count
    for pool in site.pools.values():
        is_there = pool.available_from is None or pool.available_from <= now
        if is_there and pool.node is not None and pool.node.accelerators and pool.accelerator:
            model = _model(pool.accelerator)
            least[model] += pool.count * pool.node.accelerators
            most[model] += _most_nodes(pool) * pool.node.accelerators
    missing, left = least - there, there - least
    for model in sorted(missing, reverse=True):
        # Named ones first: those without a model take whatever is left.
        for source in [ANY] if model else sorted(left):
            taken = min(missing[model], left[source])
            missing[model] -= taken
            left[source] -= taken
    for model in sorted(most):
        if missing[model]:
            values = {"declared": least[model], "found": least[model] - missing[model]}
            yield Finding("accelerators-fewer", "error", name, {"model": model or KIND, **values})
        elif not (least[model] or there[model] or there[ANY]):
            yield Finding("accelerators-none", "warning", name, {"model": model or KIND})
    room = most - least
    for model in sorted(+left):
        if left[model] > room[ANY] + (room[model] if model else room.total()):
            values = {"declared": least[model], "found": there[model]}
            yield Finding("accelerators-more", "hint", name, {"model": model or KIND, **values})


def _model(text: str) -> str:
    """One name for a model; a name without a digit is that of a kind."""
    name = accelerator_name(text)
    return name if any(letter.isdigit() for letter in name) else ANY


def _most_nodes(pool: Pool) -> int:
    """How many there may be by now or later."""
    if pool.limit is None and isinstance(pool.price, OnDemand | Spot):
        return UNLIMITED
    return max(pool.count, pool.limit or 0)
