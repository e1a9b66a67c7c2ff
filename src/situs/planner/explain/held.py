"""What stays where it is while a question is asked, so that it can be asked of a large estate too.

A question about one workload at one site concerns those who share pools, limits or data with it; the rest of
the estate hardly notices.  So in an estate that is too large to be decided exactly again and again, the rest
is held where the plan has it, and the question is put to the neighbourhood alone.  Small estates are free
altogether: nothing is held there, and the answer is exact.

Who is near is a guess made before the answer is known: a change may attract somebody who was held, such as new
accelerators that others lack too.  So what was found is decided again with nothing held, where that can be
done, and those who then stir are let go for another round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from situs.planner.compile.candidates import Candidates, Option
from situs.planner.decide import Decided
from situs.planner.exact import Fixed
from situs.planner.problem import Placement

FREE_COLUMNS = 300
"""So many options are decided exactly within a tenth of a second or so; a question takes a hundred decisions."""

WHOLE_COLUMNS = 3_000
"""So many options are still decided exactly in a second or so, which is enough for the checks at the end."""

Names = tuple[str, ...]
Place = tuple[object, ...]


@dataclass(frozen=True)
class Held:
    """Classes that stay, by the names of their workloads, and what each has where."""

    units: Mapping[Names, Mapping[Place, int]]

    def fixed(self, candidates: Candidates) -> Fixed:
        """The same in an estate that is a little different. A class that cannot have all its places is free."""
        columns: list[int] = []
        units: list[int] = []
        classes: list[int] = []
        unplaced: list[int] = []
        for number, entry in enumerate(candidates.classes):
            known = self.units.get(entry.names)
            if known is None or candidates.problem_class[number] < 0:
                continue
            own = candidates.columns_of(number)
            there = {_place(candidates.options[column]): column for column in own}
            if not known.keys() <= there.keys():
                continue
            columns += own
            units += [known.get(_place(candidates.options[column]), 0) for column in own]
            classes.append(int(candidates.problem_class[number]))
            unplaced.append(entry.count - sum(known.values()))
        return Fixed(*(np.asarray(part, dtype=np.int64) for part in (columns, units, classes, unplaced)))

    def stirred(self, candidates: Candidates, placement: Placement) -> frozenset[Names]:
        """Held classes that have something else in a placement of the whole estate."""
        fixed = self.fixed(candidates)
        elsewhere = fixed.columns[placement.units[fixed.columns] != fixed.units]
        return frozenset(candidates.classes[candidates.options[column].number].names for column in elsewhere)

    def without(self, names: frozenset[Names]) -> Held:
        """The same with some classes let go."""
        return Held({entry: places for entry, places in self.units.items() if entry not in names})


def held(decided: Decided, workload: str, site: str) -> Held:
    """All classes but those nearest to the question."""
    candidates, placement = decided.candidates, decided.solution.placement
    if len(candidates.options) <= FREE_COLUMNS:
        return Held({})
    free = _nearest(candidates, placement, workload, site)
    units: dict[Names, Mapping[Place, int]] = {}
    for number, entry in enumerate(candidates.classes):
        if number not in free and candidates.problem_class[number] >= 0:
            units[entry.names] = {
                _place(candidates.options[column]): int(placement.units[column])
                for column in candidates.columns_of(number)
                if placement.units[column]
            }
    return Held(units)


def _nearest(candidates: Candidates, placement: Placement, workload: str, site: str) -> frozenset[int]:
    """Classes that share most with the workload, as many as can be decided exactly."""
    asked = candidates.class_of(workload)
    shared = _shared(candidates, placement, asked, site)
    count: Counter[int] = Counter()
    for column in np.flatnonzero(placement.units):
        number = candidates.options[column].number
        count[number] += len(shared & _touched(candidates, int(column)))
    free, columns = {asked}, len(candidates.columns_of(asked))
    for number, score in sorted(count.items(), key=lambda item: (-item[1], item[0])):
        columns += len(candidates.columns_of(number)) if number != asked else 0
        if columns > FREE_COLUMNS or not score:
            break
        free.add(number)
    return frozenset(free)


def _shared(
    candidates: Candidates, placement: Placement, asked: int, site: str
) -> frozenset[tuple[str, int]]:
    """Rows at the site, rows that the workload takes from, and opens that it needs or might need."""
    there = {
        ("row", row)
        for row, name in candidates.rows.items()
        if isinstance(name, tuple) and name[0] in ("pool", "storage") and name[1] == site
    }
    capacity = {
        ("row", row)
        for row, name in candidates.rows.items()
        if isinstance(name, tuple) and name[0] in ("pool", "storage", "volume")
    }
    own: set[tuple[str, int]] = set()
    for column in candidates.columns_of(asked):
        touched = _touched(candidates, column)
        # Of capacity elsewhere only what it has today is in question.
        own |= touched if placement.units[column] else touched - capacity
    return frozenset(there | own)


def _touched(candidates: Candidates, column: int) -> set[tuple[str, int]]:
    """Rows and opens of a column."""
    problem = candidates.problem
    rows = problem.target_row[problem.col_target[column]]
    takes = problem.demand[problem.col_variant[column]] > 0
    extra = problem.extra_row[problem.extra_indptr[column] : problem.extra_indptr[column + 1]]
    opens = problem.need_open[problem.need_indptr[column] : problem.need_indptr[column + 1]]
    return {
        *(("row", int(row)) for row in rows[takes] if row >= 0),
        *(("row", int(row)) for row in extra),
        *(("open", int(open_)) for open_ in opens),
    }


def _place(option: Option) -> Place:
    """Where and how; the same in an estate that is a little different."""
    return (
        option.place.site,
        option.place.name,
        option.fitting.shape.name,
        option.start_h,
        option.way.reads,
        option.way.writes,
        option.stays,
    )
