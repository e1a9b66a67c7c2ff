"""The race between two plans: the best one with a workload at a site, and the best one without.

Both are whole plans: whoever is pushed out elsewhere, every node that is bought and every replica that is
opened or closed counts.  The site wins when the plan with it is the cheaper one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from situs.model.intent import Intent
from situs.planner.compile.candidates import Candidates, Option, candidates
from situs.planner.compile.world import World
from situs.planner.exact import Demand, Fixed, optimum
from situs.planner.explain.held import Held
from situs.planner.problem import Ints, Placement, Problem

TIE = 1e-6
"""Costs closer than this, as a share of the larger, are the same to people."""
HAIR = 1e-9
"""Costs closer than this, as a share of the larger, are the same to the exact search."""


@dataclass(frozen=True)
class Runner:
    """The workload and the site that are asked about, and how many units stand there already."""

    workload: str
    site: str
    units: int
    """of the workload's class at the site in the plan that is explained"""


@dataclass(frozen=True, eq=False)
class Race:
    """One estate, looked at for one workload and one site."""

    runner: Runner
    candidates: Candidates
    problem: Problem
    """the candidates' problem, or a variant of it with other costs or capacities"""
    held: Held
    """what stays where it is on both sides"""

    @property
    def number(self) -> int:
        """The workload's class."""
        return self.candidates.class_of(self.runner.workload)

    @cached_property
    def columns(self) -> Ints:
        """Columns of the class at the site; empty when it cannot be there."""
        if self.candidates.problem_class[self.number] < 0:
            return np.zeros(0, dtype=np.int64)
        return np.asarray(
            [
                column
                for column in self.candidates.columns_of(self.number)
                if self.candidates.options[column].place.site == self.runner.site
            ],
            dtype=np.int64,
        )

    @property
    def options(self) -> Sequence[Option]:
        """What the columns mean."""
        return [self.candidates.options[column] for column in self.columns]

    @cached_property
    def units(self) -> int:
        """Units at the site that are no news: fewer when a change has split the class."""
        return min(self.runner.units, self.candidates.classes[self.number].count - 1)

    @cached_property
    def there(self) -> Placement | None:
        """The best plan with one more unit at the site; None when there is none."""
        if not len(self.columns):
            return None
        return optimum(self.problem, Demand(self.columns, least=self.units + 1), fixed=self.fixed)

    @cached_property
    def elsewhere(self) -> Placement | None:
        """The best plan without; None when there is none."""
        return optimum(self.problem, Demand(self.columns, most=self.units), fixed=self.fixed)

    @cached_property
    def fixed(self) -> Fixed:
        """What the held classes have in this estate."""
        return self.held.fixed(self.candidates)

    @property
    def margin(self) -> float:
        """Less than this is a tie."""
        scale = max((abs(p.cost) for p in (self.there, self.elsewhere) if p is not None), default=0.0)
        return TIE * max(1.0, scale)

    @property
    def lead(self) -> float | None:
        """What the plan with the site costs more than the one without; negative: the site wins. None: it
        cannot be there at all."""
        if self.there is None:
            return None
        return -np.inf if self.elsewhere is None else self.there.cost - self.elsewhere.cost

    @property
    def won(self) -> bool:
        """Whether the site wins, by more than a tie."""
        return self.lead is not None and self.lead < -self.margin

    @property
    def won_by_a_hair(self) -> bool:
        """Whether the site wins at all, if only by what the exact search can tell apart."""
        return self.lead is not None and self.lead < -HAIR * max(1.0, self.margin / TIE)

    def with_problem(self, **changed: object) -> Race:
        """The same race on a variant of the problem."""
        problem = replace(self.problem, **changed)  # type: ignore[arg-type]
        return Race(self.runner, self.candidates, problem, self.held)


def race(base: Race, intent: Intent) -> Race:
    """The same race in an estate that is a little different."""
    world = base.candidates.world
    found = candidates(World(intent, world.facts, world.at, world.off, world.split))
    return Race(base.runner, found, found.problem, base.held)
