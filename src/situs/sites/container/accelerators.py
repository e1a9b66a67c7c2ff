"""Accelerators of an engine's host: which are there, and which run has which.

An engine keeps no count of them.  So each has a volume that says whose it is, with the number of its turn in the name:
names are unique, so of those who want the next turn only one gets it, and the highest turn counts.  That one is never
removed, only followed; so whoever looked long ago finds that the turn has passed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from situs.sites.adapter import Full, Key
from situs.sites.container.ends import instant
from situs.sites.container.engine import Engine
from situs.sites.container.given import Accelerators
from situs.sites.container.kept import Kept
from situs.sites.container.names import KEY, ROLE, SITE, Names, runs

PENDING_S = 600.0
"""Whoever has taken one makes a container in seconds; later nobody will, and others may have it. Who wakes up only then
finds that another one has it, before anything is started."""
FREE = "-"
CDI = re.compile(r"nvidia\.com/gpu=(\d+)")


@dataclass(frozen=True)
class Claim:
    """Whose one is, by the volume that counts."""

    name: str
    """of the volume, without the turn"""
    turn: int
    site: str
    key: str
    made: float


class Desk:
    """Gives them out, for one site at one engine."""

    def __init__(
        self, engine: Engine, names: Names, kept: Kept, declared: Mapping[str, int], simulated: Mapping[str, int],
        now: Callable[[], float],
    ) -> None:  # fmt: skip
        """``declared``: those of the host, where the engine does not tell; ``now``: the engine's clock."""
        self._engine = engine
        self._names = names
        self._kept = kept
        self._declared = declared
        self._simulated = simulated
        self._now = now

    def models(self) -> dict[str, int]:
        """All that are there, by model."""
        told = len(self._told())
        found = {"gpu": told} if told and not self._declared else dict(self._declared)
        for model, count in self._simulated.items():
            found[model] = found.get(model, 0) + count
        return found

    def take(self, key: Key, count: int) -> Accelerators:
        """As many for a run, which keeps those that it has already. Raises Full."""
        told = self._told()
        if not count:
            return Accelerators(others=bool(told or self._declared or self._simulated))
        real = told or list(range(sum(self._declared.values())))
        first = max(real, default=-1) + 1
        simulated = list(range(first, first + sum(self._simulated.values())))
        claims, held = self._claims(), set[int]()
        goes_on = self._goes_on()
        for number in sorted(
            (*real, *simulated), key=lambda number: not self._is_mine(claims.get(number), key)
        ):
            if len(held) < count and self._taken(
                number, number in simulated, key, claims.get(number), goes_on
            ):
                held.add(number)
        if len(held) < count:
            self.release(key)
            there = len(real) + len(simulated)
            raise Full(
                f"{key.workload}: it asks for {count} accelerators, and {len(held)} of the {there} here are free"
            )
        return Accelerators(
            tuple(n for n in real if n in held), tuple(n for n in simulated if n in held), bool(told)
        )

    def has(self, key: Key, given: Accelerators) -> bool:
        """Whether they are still the run's."""
        claims = self._claims()
        return all(self._is_mine(claims.get(number), key) for number in (*given.real, *given.simulated))

    def release(self, key: Key) -> None:
        """Let others have what the run has."""
        for claim in self._claims().values():
            if self._is_mine(claim, key):
                self._claim(f"{claim.name}-{claim.turn + 1}", FREE)
                self._kept.remove_volume(f"{claim.name}-{claim.turn}")

    def _told(self) -> list[int]:
        """Those that the engine knows by name."""
        devices = self._engine.get("/info").get("DiscoveredDevices") or ()
        found = (CDI.fullmatch(device.get("ID", "")) for device in devices)
        return sorted(int(match[1]) for match in found if match)

    def _taken(
        self, number: int, simulated: bool, key: Key, last: Claim | None, goes_on: Callable[[Claim], bool]
    ) -> bool:
        """Whether it is the run's now. ``last``: whose it was when somebody looked."""
        if self._is_mine(last, key):
            return True
        if last is not None and goes_on(last):
            return False
        name = self._names.accelerator(number, simulated=simulated)
        turn = last.turn + 1 if last is not None else 0
        self._claim(f"{name}-{turn}", str(key))
        newest = self._claims().get(number)
        if newest is not None and newest.turn > turn:
            self._kept.remove_volume(f"{name}-{turn}")
        if newest is None or newest.turn != turn or not self._is_mine(newest, key):
            return False
        if last is not None:
            self._kept.remove_volume(f"{name}-{last.turn}")
        return True

    def _claim(self, volume: str, key: str) -> None:
        """Make a volume that says whose it is, unless it is there and says so already."""
        labels = {SITE: self._names.site, ROLE: "accelerator", KEY: key}
        self._engine.call("POST", "/volumes/create", body={"Name": volume, "Labels": labels})

    def _claims(self) -> dict[int, Claim]:
        """Whose each is: real ones belong to all sites of the engine, simulated ones to ours."""
        newest: dict[int, Claim] = {}
        found = self._engine.get("/volumes", filters={"label": [f"{ROLE}=accelerator"]})["Volumes"] or ()
        for volume in found:
            name, _, turn = volume["Name"].rpartition("-")
            number = int(name.rpartition("-")[2])
            ours = [self._names.accelerator(number, simulated=simulated) for simulated in (False, True)]
            if name not in ours or (number in newest and newest[number].turn > int(turn)):
                continue
            labels, made = volume["Labels"], instant(volume["CreatedAt"]).timestamp()
            newest[number] = Claim(name, int(turn), labels[SITE], labels[KEY], made)
        return newest

    def _goes_on(self) -> Callable[[Claim], bool]:
        """Tells whether a run still has what it was given, by one look at all containers."""
        listed = self._engine.get("/containers/json", all="1", filters={"label": [f"{ROLE}=run"]})
        found: dict[tuple[str, str], list[bool]] = {}
        for run in runs(listed):
            # One that was stopped before it began never begins.
            lives = not run.has_ended and not (run.state == "created" and run.why is not None)
            found.setdefault((run.labels[SITE], run.labels[KEY]), []).append(lives)

        def goes_on(claim: Claim) -> bool:
            if claim.key == FREE:
                return False
            lives = found.get((claim.site, claim.key))
            return any(lives) if lives is not None else self._now() - claim.made < PENDING_S

        return goes_on

    def _is_mine(self, claim: Claim | None, key: Key) -> bool:
        return claim is not None and (claim.site, claim.key) == (self._names.site, str(key))
