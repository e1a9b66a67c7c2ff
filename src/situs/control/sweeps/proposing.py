"""What the next trial of a sweep with a model tries: a function of what was drawn and reported before.

Nothing else goes into it but the seed and the trial's number, so it can be drawn again from the records.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from situs.control.sweeps.learning import Place, Seen, gains
from situs.control.sweeps.rules import decider
from situs.control.sweeps.space import Axis, axes_of
from situs.store.arrays import Member, Value
from situs.store.sweeps import Report, Sweep

SPREAD = 1000
"""Candidates that are drawn from everywhere."""
BEST, NEAR = 5, 20
"""Around so many of the best trials so many each are drawn besides, at each of these distances:"""
WIDTHS = (0.15, 0.05, 0.015)


def proposed(
    sweep: Sweep, number: int, before: Sequence[Member], reports: Sequence[tuple[int, Report]]
) -> dict[str, Value]:  # fmt: skip
    """The parameters of one trial. ``before``: those of lower numbers; ``reports``: each with its number."""
    space = axes_of(sweep.drawn)
    rng = random.Random(f"{sweep.drawn['seed']}/{number}")  # noqa: S311 - it draws parameters, not keys
    places = {member.name: _place(space, member.parameters) for member in before}
    come = _come(sweep, places, [report for _, report in reports])
    seen = [each for _, each in come]
    candidates = [{name: axis.at(rng.random()) for name, axis in space.items()} for _ in range(SPREAD)]
    if not seen:
        return candidates[0]
    last_step = sweep.last_step or max(each.step for each in seen)
    rule = decider(sweep)
    verdicts = [verdict for seq, report in reports for verdict in rule.take(seq, report)]
    over = {verdict.member for verdict in verdicts if verdict.verdict == "stops"}
    over |= {member for member, each in come if each.step == last_step}
    value = {member: each.value for member, each in come}
    by_value = sorted((member for member in before if member.name in value), key=lambda one: value[one.name])
    for member in by_value[:BEST]:
        for width in WIDTHS:
            candidates += [_near(space, member.parameters, width, rng) for _ in range(NEAR)]
    tried = [member.parameters for member in before]
    new = [candidate for candidate in candidates if candidate not in tried] or candidates
    running = [place for member, place in places.items() if member not in over]
    expected = gains(seen, running, [_place(space, each) for each in new], last_step)
    return new[int(expected.argmax())]


def _come(sweep: Sweep, places: Mapping[str, Place], reports: Sequence[Report]) -> list[tuple[str, Seen]]:
    """The best that each member has come to by each rung, and by the last step, in the order of reading."""
    sign = 1.0 if sweep.goal == "minimise" else -1.0
    best: dict[str, tuple[float, int]] = {}
    rungs: dict[str, int] = {}
    found: list[tuple[str, Seen]] = []
    for report in reports:
        member, step = report.member, report.step
        if step is None or member not in places:
            continue
        value = float("inf") if report.value is None else sign * report.value
        if member not in best or value < best[member][0]:
            best[member] = value, step
        rung = rungs.get(member, sweep.first_step)
        while rung <= step:
            found.append((member, Seen(places[member], rung, best[member][0])))
            rung = _after(rung, sweep)
        if sweep.patience is not None and step - best[member][1] >= sweep.patience:
            # It has come as far as it does, whatever step it was to end at.
            while sweep.last_step is not None and rung <= sweep.last_step:
                found.append((member, Seen(places[member], rung, best[member][0])))
                rung = _after(rung, sweep)
        rungs[member] = rung
    return found


def _after(rung: int, sweep: Sweep) -> int:
    following = rung * sweep.reduction
    if sweep.last_step is None or rung >= sweep.last_step:
        return following
    return min(following, sweep.last_step)


def _place(space: Mapping[str, Axis], parameters: Mapping[str, Value]) -> Place:
    return tuple(number for name, axis in space.items() for number in axis.place(parameters[name]))


def _near(
    space: Mapping[str, Axis], parameters: Mapping[str, Value], width: float, rng: random.Random
) -> dict[str, Value]:
    return {name: axis.near(parameters[name], width, rng) for name, axis in space.items()}
