"""From a plan to what is wanted of each unit: a pure function of the plan, the estate and where units are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from situs.control.rolling import replacing
from situs.control.unhealthy import is_restarting
from situs.control.wanted import Place, Unit, Wanted
from situs.control.wanted import place_of as where
from situs.model.intent import Intent
from situs.model.plan import Assignment, Decision
from situs.model.workload import Shape, Workload
from situs.store.plans import Kept
from situs.store.runs import Phase, Run

HOURS_A_MONTH = 730.0


class Standing(NamedTuple):
    """Where a unit is or was last, and whether it is still there."""

    place: Place
    phase: Phase
    run: Run | None = None


def wanted_units(
    decisions: Iterable[Decision],
    intent: Intent,
    specs: Mapping[tuple[str, str], str],
    refused: Mapping[tuple[str, str], str],
    there: Mapping[Unit, Standing],
    health_of: Callable[[Run], str | None] = lambda _: None,
) -> dict[Unit, Wanted]:
    """``specs``: (workload, shape) -> hash of what is run; ``refused``: (workload, site) -> why; ``there``: where
    units are or were last; ``health_of``: the path at which a run of an older version says that it is ready."""
    makers = {o.dataset: name for name, w in intent.workloads.items() for o in w.outputs}
    wanted: dict[Unit, Wanted] = {}
    ours: dict[str, dict[Unit, Standing]] = {}
    for unit, standing in there.items():
        ours.setdefault(unit.workload, {})[unit] = standing
    for decision in decisions:
        name = decision.workload
        workload = intent.workloads[name]
        if workload.run is None:
            continue
        made = {makers[i.dataset] for i in workload.inputs if i.dataset in makers}
        needs = sorted((made | set(workload.after)) - {name})
        rolling = is_rolling(workload)
        replaced = _replaced(workload, decision, specs, ours.get(name, {}), health_of) if rolling else None
        if replaced is not None:
            # Each unit that goes on is named, so none has to wait for all that take over.
            given, old = replaced
            wanted |= old
        else:
            given = (taken_over if rolling else allotted)(name, decision.assignments, ours.get(name, {}))
        for unit, assignment in given.items():
            place = place_of(assignment)
            wanted[unit] = Wanted(
                unit, place, specs[name, place.shape],
                service=workload.service is not None,
                health=workload.run.health if workload.service is not None else None,
                check=workload.run.health_check,
                rolling=rolling and replaced is None,
                listen=workload.service.listen if workload.service is not None else None,
                drain_s=workload.service.drain if workload.service is not None else 0.0,
                retries=workload.run.retries, final=workload.run.final,
                not_before=assignment.start, every_s=_every_s(workload),
                needs=tuple(n for n in needs if n in intent.workloads and intent.workloads[n].run is not None),
                refused=refused.get((name, place.site)),
                leased=workload.lease is not None,
                restart=workload.site_loss.restart or not workload.run.state,
            )  # fmt: skip
    return wanted


def is_rolling(workload: Workload) -> bool:
    """Whether others may take over from its units before these end."""
    assert workload.run is not None
    return workload.service is not None and not workload.run.state and workload.lease is None


def _replaced(
    workload: Workload, decision: Decision, specs: Mapping[tuple[str, str], str], there: Mapping[Unit, Standing],
    health_of: Callable[[Run], str | None],
) -> tuple[dict[Unit, Assignment], dict[Unit, Wanted]] | None:  # fmt: skip
    """Units of the version that is wanted, and those of an older one that go on; None when none of these is there."""
    name, service = decision.workload, workload.service
    assert service is not None
    assert workload.run is not None
    known = {unit.number: standing.run for unit, standing in there.items() if standing.run}
    places = {place_of(assignment): assignment for assignment in decision.assignments}
    versions = {place: specs[name, place.shape] for place in places}
    if all(not run.alive or run.spec in versions.values() for run in known.values()):
        return None
    health = {
        number: workload.run.health if run.spec in versions.values() else health_of(run)
        for number, run in known.items()
    }
    serving = frozenset(
        number
        for number, run in known.items()
        if run.phase == "placed" and (run.started_at is not None if health[number] is None else run.is_ready)
    )
    units = {place: assignment.units for place, assignment in places.items()}
    found = replacing(units, versions, known, serving, service.rolling)
    if found is None:
        return None
    old = {
        Unit(name, number): Wanted(
            Unit(name, number), where(run), run.spec, service=True, health=health[number],
            check=workload.run.health_check, listen=service.listen,
            drain_s=service.drain, plan=run.plan,
        )
        for number in found.old
        for run in [known[number]]
    }  # fmt: skip
    return {Unit(name, number): places[place] for number, place in found.new.items()}, old


def allotted(
    workload: str, assignments: Sequence[Assignment], there: Mapping[Unit, Standing]
) -> dict[Unit, Assignment]:
    """Which unit goes where: each stays where it is as long as there is room, the others fill what is left.

    Doing this again while they move gives the same: who stays is settled by number, not by how far it is.
    """
    room = {place_of(assignment): assignment.units for assignment in assignments}
    by_place = {place_of(assignment): assignment for assignment in assignments}
    known = sorted(unit for unit in there if unit.workload == workload)
    given: dict[Unit, Assignment] = {}
    for unit in known:
        place = there[unit].place
        if room.get(place, 0):
            room[place] -= 1
            given[unit] = by_place[place]
    free = [place for place, units in room.items() for _ in range(units)]
    numbers = [unit.number for unit in known if unit not in given]
    taken = {unit.number for unit in known}
    numbers += [k for k in range(len(known) + len(free)) if k not in taken]
    for number, place in zip(numbers, free, strict=False):
        given[Unit(workload, number)] = by_place[place]
    return given


def taken_over(
    workload: str, assignments: Sequence[Assignment], there: Mapping[Unit, Standing]
) -> dict[Unit, Assignment]:
    """Which unit goes where when no unit moves: each new place gets a unit of its own, beside those that are there.

    A unit that runs keeps its place if that is wanted, and one that is started anew there its number; other places go
    to numbers that nobody runs under.
    """
    room = {place_of(assignment): assignment.units for assignment in assignments}
    by_place = {place_of(assignment): assignment for assignment in assignments}
    ours = {unit.number: standing for unit, standing in there.items() if unit.workload == workload}
    given: dict[Unit, Assignment] = {}
    placed = [number for number, standing in sorted(ours.items()) if standing.phase == "placed"]
    anew = [number for number, standing in sorted(ours.items()) if is_restarting(standing.run)]
    for number in (*placed, *anew):
        place = ours[number].place
        if room.get(place, 0):
            room[place] -= 1
            given[Unit(workload, number)] = by_place[place]
    free = [place for place, units in room.items() for _ in range(units)]
    over = (n for n in count() if Unit(workload, n) not in given)
    over = (n for n in over if n not in ours or ours[n].phase not in ("placed", "leaving"))
    for place, number in zip(free, over, strict=False):
        given[Unit(workload, number)] = by_place[place]
    return given


def spec_of(workload: Workload, shape: Shape, files: Mapping[str, str]) -> str:
    """A hash of all that makes a run another one: the program, its files and surroundings, and its size."""
    run = workload.run
    assert run is not None
    # What came later is left out where it says nothing, so that what runs is not taken for another thing.
    later = {name for name in ("code", "packages", "python", "secrets", "image") if not getattr(run, name)}
    content = {
        "run": run.model_dump(mode="json", exclude={"retries", "final", "grace", "health_check", *later}),
        "shape": shape.model_dump(mode="json", exclude={"name", "throughput", "accelerator"}),
        **({"lease": True} if workload.lease else {}),
        "files": {name: files.get(name) for name in (*run.files, *filter(None, [run.code]))},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def specs_of(kept: Kept, names: Iterable[str]) -> dict[tuple[str, str], str]:
    """(workload, shape) -> hash of what is run, of these workloads of a plan's estate."""
    return {
        (name, shape.name): spec_of(workload, shape, kept.files)
        for name in names
        if (workload := kept.intent.workloads[name]).run is not None
        for shape in workload.shapes
    }


def place_of(assignment: Assignment) -> Place:
    """The place of an assignment."""
    return Place(assignment.site, assignment.pool, assignment.shape)


def _every_s(workload: Workload) -> float | None:
    often = workload.job.per_month if workload.job else None
    return HOURS_A_MONTH * 3600 / often if often else None
