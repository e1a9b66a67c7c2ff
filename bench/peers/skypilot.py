"""SkyPilot's optimizer, given the same machines, asked task by task as they arrive.

It decides for one task at a time, as its users have it do: what it picks is taken until that is full, and
then it is asked again without it, which is its own failover.  It rents a machine a task; here its tasks
share reserved nodes nevertheless, so that what it pays for them is the least it could be.
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from bench.figure import CannotMeasure
from situs.model.estate import Owned
from situs.planner.compile.candidates import Candidates
from situs.planner.compile.world import Place, World
from situs.planner.problem import Placement

PYTHON = Path(__file__).parents[2] / ".venv-skypilot" / "bin" / "python"
SCRIPT = Path(__file__).with_name("skypilot_choose.py")
SLICES = 8
"""An own node without accelerators is offered in eighths; with them, by the accelerator as well."""
HOURS_PER_MONTH = 730.0


@dataclass(frozen=True)
class Machine:
    """A row of the catalogue: a machine that one task may have to itself."""

    place: int
    """the pool's number in the world"""
    region: str
    """what is full together: the pool of an own site, the site and way to pay of a rented one"""
    name: str
    cpus: float
    memory_gib: float
    model: str
    accelerators: int
    usd_per_hour: float

    def row(self) -> dict[str, object]:
        """In SkyPilot's layout."""
        return {
            "InstanceType": self.name,
            "AcceleratorName": self.model,
            "AcceleratorCount": float(self.accelerators) if self.accelerators else "",
            "vCPUs": self.cpus,
            "MemoryGiB": self.memory_gib,
            "Price": self.usd_per_hour,
            "Region": self.region,
            "GpuInfo": self.model,
            "SpotPrice": "",
        }


@dataclass(frozen=True)
class Chosen:
    """SkyPilot's placement."""

    placement: Placement
    asked: int
    """how often its optimizer was asked"""
    wall_s: float


def skypilot_placement(problem: Candidates) -> Chosen:
    """Where SkyPilot puts every task."""
    machines = {machine.name: machine for machine in catalogue(problem.world)}
    with _skypilot([machine.row() for machine in machines.values()]) as sky:
        began = time.perf_counter()
        run = _Run(problem, machines, sky)
        for number in range(len(problem.classes)):
            run.place(number)
        return Chosen(run.placement(), sky.asked, time.perf_counter() - began)


def skypilot_version() -> str:
    """Of the one that is installed. Raises :class:`CannotMeasure` where none is."""
    if not PYTHON.exists():
        raise CannotMeasure("SkyPilot is not installed in .venv-skypilot: run `make peers` once")
    asking = "from importlib.metadata import version; print(version('skypilot'))"
    asked = subprocess.run([PYTHON, "-c", asking], capture_output=True, text=True, check=True, timeout=60)
    return asked.stdout.strip()


def catalogue(world: World) -> list[Machine]:
    """Every pool of the world as machines that a task may have."""
    return [machine for place in world.places for machine in _machines(world, place)]


def _machines(world: World, place: Place) -> Iterator[Machine]:
    pool, p = place.pool, place.index
    cpus, memory_gib, boards, _ = world.pools.node[p].tolist()
    model = pool.accelerator or ""
    if not isinstance(pool.price, Owned):
        price = float(world.pools.hourly[p])
        if world.pools.packs[p]:
            price = world.node_month_cost(place) / HOURS_PER_MONTH
        assert pool.price is not None
        region = f"{place.site}.{pool.price.basis}"
        name = f"{place.site}/{place.name}"
        yield Machine(p, region, name, cpus, memory_gib, model if boards else "", int(boards), price)
        return
    # Own nodes cost their electricity, so a slice of one costs its share of it.
    full = float(world.pools.busy_kw[p]) * world.kwh_price(place.site, 0.0, world.horizon_h)
    for count in range(int(boards) + 1):
        shares = [count / boards] if count else [part / SLICES for part in range(1, SLICES + 1)]
        for share in shares:
            yield Machine(
                p,
                f"{place.site}.{place.name}",
                f"{place.site}/{place.name}/{count}x{share:g}",
                cpus * share,
                memory_gib * share,
                model if count else "",
                count,
                full * share,
            )


class _Run:
    """What is taken so far."""

    def __init__(self, problem: Candidates, machines: Mapping[str, Machine], sky: _Asked) -> None:
        self.candidates, self.machines, self.sky = problem, machines, sky
        arrays = problem.problem
        self.units = np.zeros(len(arrays.col_cost), dtype=np.int64)
        bought = np.zeros(len(arrays.row_capacity), dtype=np.bool_)
        bought[arrays.buy_row] = True
        # What can be bought more of is never full.
        self.free = np.where(bought, np.inf, arrays.row_capacity)

    def place(self, number: int) -> None:
        """All units of a class, each time where SkyPilot says next."""
        left = self.candidates.classes[number].count
        column_at = {
            self.candidates.options[column].place.index: column
            for column in self.candidates.columns_of(number)
        }
        # A pool that has no room for one of them would only be picked to be refused.
        roomy = {place for place, column in column_at.items() if self._room(column)}
        requests = self._requests(number, roomy)
        blocked: list[str] = []
        while left and requests:
            name = self.sky.ask(requests, blocked)
            if name is None:
                return
            machine = self.machines[name]
            taken = min(left, self._room(column_at[machine.place]))
            self._take(column_at[machine.place], taken)
            left -= taken
            if left:
                blocked.append(machine.region)

    def _requests(self, number: int, places: set[int]) -> list[dict[str, object]]:
        """The task with every kind of accelerator it may use, in every region that offers it."""
        shape = self.candidates.classes[number].workload.shapes[0]
        least = math.ceil(shape.accelerators)
        sizes = {"cpus": shape.cpu, "memory": shape.memory}
        wanted = {name: f"{size!r}+" for name, size in sizes.items() if size > 0}
        offered = [machine for machine in self.machines.values() if machine.place in places]
        if not least:
            return [{**wanted, "region": region} for region in sorted({m.region for m in offered})]
        kinds = {(m.region, m.model, m.accelerators) for m in offered if m.accelerators >= least}
        return [
            {**wanted, "region": region, "accelerators": {model: count}}
            for region, model, count in sorted(kinds)
        ]

    def _room(self, column: int) -> int:
        arrays = self.candidates.problem
        amounts = arrays.demand[arrays.col_variant[column]]
        rows = arrays.target_row[arrays.col_target[column]]
        limited = (rows >= 0) & (amounts > 0)
        room = self.free[rows[limited]] / amounts[limited]
        return int(min(room.min(initial=np.inf), 2**40))

    def _take(self, column: int, units: int) -> None:
        arrays = self.candidates.problem
        rows = arrays.target_row[arrays.col_target[column]]
        limited = rows >= 0
        self.free[rows[limited]] -= units * arrays.demand[arrays.col_variant[column]][limited]
        self.units[column] += units

    def placement(self) -> Placement:
        """What was taken, with the nodes that takes."""
        arrays = self.candidates.problem
        owner = arrays.variant_class[arrays.col_variant]
        placed = np.bincount(owner, self.units, len(arrays.count)).astype(np.int64)
        unplaced = arrays.count - placed
        bought = self._bought()
        cost = arrays.fixed_cost + float(
            arrays.col_cost @ self.units + arrays.penalty @ unplaced + arrays.buy_cost @ bought
        )
        return Placement(self.units, unplaced, bought, np.zeros(len(arrays.open_cost), dtype=np.bool_), cost)

    def _bought(self) -> np.ndarray:
        arrays = self.candidates.problem
        used = np.zeros(len(arrays.row_capacity))
        for column in np.flatnonzero(self.units).tolist():
            rows = arrays.target_row[arrays.col_target[column]]
            limited = rows >= 0
            used[rows[limited]] += self.units[column] * arrays.demand[arrays.col_variant[column]][limited]
        lacking = np.maximum(0.0, used - arrays.row_capacity)[arrays.buy_row] / arrays.buy_amount
        owner = np.repeat(np.arange(len(arrays.buy_cost)), np.diff(arrays.buy_indptr))
        bought = np.zeros(len(arrays.buy_cost))
        np.maximum.at(bought, owner, np.ceil(lacking - 1e-9))
        return bought


class _Asked:
    """A running SkyPilot."""

    def __init__(
        self, process: subprocess.Popen[str], log: IO[str], rows: Sequence[Mapping[str, object]]
    ) -> None:
        self._process, self._log = process, log
        self.asked = 0
        assert process.stdin is not None
        process.stdin.write(json.dumps(rows) + "\n")

    def ask(self, requests: list[dict[str, object]], blocked: list[str]) -> str | None:
        """The machine it picks, None where it finds none."""
        self.asked += 1
        answer = self._answer({"requests": requests, "blocked": blocked})
        return None if answer is None else str(answer)

    def _answer(self, question: object) -> object:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(self._last_words()) from None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        said = [line for line in self._log.read().splitlines() if line.strip()]
        return "\n".join([f"SkyPilot ended without an answer, exit code {code}:", *said[-5:]])


@contextmanager
def _skypilot(rows: Sequence[Mapping[str, object]]) -> Iterator[_Asked]:
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen([PYTHON, SCRIPT], stdin=pipe, stdout=pipe, stderr=log, text=True) as process,
    ):
        try:
            yield _Asked(process, log, rows)
        finally:
            # It ends by itself at the end of its input; what hangs must not outlive the question.
            process.kill()
