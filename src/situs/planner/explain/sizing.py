"""How far a lever must be turned: the smallest size that wins, and nothing that is not needed.

A size is set so that the site wins by more than a tie.  What is then taken back is taken back as long as the
site wins at all, so that no smaller change flips the decision, if only by a hair.
"""

from __future__ import annotations

from situs.planner.explain.levers import Lever
from situs.planner.explain.model import Change
from situs.planner.explain.pricing import in_proportion, smallest_share
from situs.planner.explain.smaller import SMALLER, comes_in_steps, smaller
from situs.planner.explain.trial import Changes, Trial, key_of, same_lever

FINE = 1e-3
"""How exactly a size is found, as a share of it."""

MOST_ROUNDS = 4
"""Of tightening all parts of an offer; two are nearly always enough."""

FIRST_STEP = 1.0 / 1024.0
"""Of a lever's largest size, where the search begins."""


def turned(trial: Trial, lever: Lever, before: Changes) -> Change | None:
    """The lever at the smallest size that wins, on top of other changes; None: none does."""
    if lever.prices:
        start, full = trial.race(before), trial.race((*before, lever.change(lever.most)))
        if in_proportion(start, full):
            share = smallest_share(start, full)
            if share is None:
                return None
            change = lever.change(share * lever.most)
            if trial.wins((*before, change)):
                return change
    size = _smallest_size(trial, lever, before)
    return None if size is None else lever.change(size)


def _smallest_size(trial: Trial, lever: Lever, before: Changes) -> float | None:
    """By doubling and halving; exact for whole sizes, to a ten-thousandth for others."""

    def wins(size: float) -> bool:
        return trial.wins((*before, lever.change(size)))

    least = min(1.0 if lever.whole else lever.most * FIRST_STEP, lever.most)
    if not wins(least) and not wins(lever.most):
        return None
    low, high = 0.0, least
    while not wins(high):
        low, high = high, min(high * 2.0, lever.most)
    while high - low > (1.0 if lever.whole else FINE * high):
        middle = (low + high) / 2.0
        middle = float(round(middle)) if lever.whole else middle
        low, high = (low, middle) if wins(middle) else (middle, high)
    return high


def shrunk(trial: Trial, changes: Changes) -> Changes:
    """Every lever turned back as far as the others allow."""
    for number, change in enumerate(changes):
        others = (*changes[:number], *changes[number + 1 :])
        if trial.wins(others):
            return shrunk(trial, others)
        for lever in trial.levers(others, rivals=change.kind == "rival"):
            if same_lever(lever.change(lever.most), change):
                less = turned(trial, lever, others)
                if less is not None:
                    changes = (*changes[:number], less, *changes[number + 1 :])
                break
    return changes


def pruned(trial: Trial, changes: Changes) -> Changes:
    """Without the parts that are not needed."""
    for number in range(len(changes)):
        others = (*changes[:number], *changes[number + 1 :])
        if trial.wins(others, by_a_hair=True):
            return pruned(trial, others)
    return changes


def tightened(trial: Trial, changes: Changes) -> Changes:
    """With every part as small as the others let it be."""
    for _ in range(MOST_ROUNDS):
        # A part that shrinks may let another shrink: a smaller cut attracts fewer who want the same room.
        tighter = _tightened_once(trial, changes)
        if key_of(tighter) == key_of(changes):
            break
        changes = tighter
    return changes


def _tightened_once(trial: Trial, changes: Changes) -> Changes:
    for number, change in enumerate(changes):
        before, after = changes[:number], changes[number + 1 :]
        less = smaller(change)
        if comes_in_steps(change):
            while less is not None and trial.wins((*before, less, *after), by_a_hair=True):
                change, less = less, smaller(less)
        elif less is not None and trial.wins((*before, less, *after), by_a_hair=True):
            change = _least_share(trial, change, before, after)
        changes = (*before, change, *after)
    return changes


def _least_share(trial: Trial, change: Change, before: Changes, after: Changes) -> Change:
    """The change at the smallest share of its size that wins, by halving."""
    low, high = 0.0, SMALLER
    while high - low > FINE:
        middle = (low + high) / 2.0
        less = smaller(change, middle)
        if less is not None and trial.wins((*before, less, *after), by_a_hair=True):
            high = middle
        else:
            low = middle
    return smaller(change, high) or change
