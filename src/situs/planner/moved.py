"""The moves of a plan, each with where from, where to, its bill and what it saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from situs.model.plan import Move, amount
from situs.model.quantity import HOURS_PER_MONTH
from situs.model.workload import Workload
from situs.planner.compile.candidates import Candidates, Option
from situs.planner.given import Given


def moves_of(candidates: Candidates, name: str, given: Given) -> Iterator[Move]:
    """Of one workload: those of its units that leave where they are."""
    workload = candidates.world.intent.workloads[name]
    leaving = _leaving(candidates, name, workload, given)
    stay_cost = _stay_cost(candidates.options_of(candidates.class_of(name)))
    for share in given.shares:
        left = share.units if share.option.bill is not None else 0
        while left and leaving:
            source = min(leaving)
            units = min(left, leaving[source])
            yield _move(candidates, name, share.option, source, units, stay_cost.get(source))
            leaving[source] -= units
            leaving += Counter()
            left -= units


def _leaving(candidates: Candidates, name: str, workload: Workload, given: Given) -> Counter[str]:
    """Units by the site that they leave."""
    if workload.current is None:
        return Counter()
    split = candidates.world.split.get(name)
    if split is None:
        return Counter({workload.current.site: workload.count})
    there: Counter[str] = Counter()
    for (site, _), units in split.items():
        there[site] += units
    for share in given.shares:
        if share.option.stays:
            there[share.option.place.site] -= share.units
    return +there


def _stay_cost(options: Iterable[Option]) -> dict[str, float]:
    """The least that staying costs, by site."""
    least: dict[str, float] = {}
    for option in options:
        if option.stays:
            site = option.place.site
            least[site] = min(option.listed_cost, least.get(site, option.listed_cost))
    return least


def _move(
    candidates: Candidates, name: str, option: Option, source: str, units: int, stay_cost: float | None
) -> Move:
    bill = option.bill
    assert bill is not None
    months = candidates.world.horizon_h / HOURS_PER_MONTH
    there = option.listed_cost - option.move
    return Move(
        workload=name,
        source=source,
        target=option.place.site,
        units=units,
        bill={
            "transfer": amount(bill.transfer * units),
            "downtime": amount(bill.downtime * units),
            "lost_work": amount(bill.lost_work * units),
            "people": amount(bill.people * units),
        },
        saving_per_month=None if stay_cost is None else amount((stay_cost - there) * units / months),
    )
