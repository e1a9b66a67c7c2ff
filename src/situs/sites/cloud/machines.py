"""Renting machines by SkyPilot: one for each run, called by the run's key, so that asking twice rents one.

A lost answer rents nothing twice: a name is looked for among machines and among requests that are under way before
anything is asked for, and should two requests get through nevertheless, SkyPilot has one machine for one name.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from importlib.resources import files
from typing import Any

from situs.model.error import SitusError
from situs.model.money import Money
from situs.sites.adapter import Key, Unreachable
from situs.sites.cloud.names import Names
from situs.sites.cloud.server import ApiServer, Pending, ServerError
from situs.sites.cloud.wanted import Machine

FRESH_S = 2.0
"""Whoever looks at a site asks for each of its runs one after another."""
PAUSE_S = 1.0
GONE_S = 15.0
"""A machine of which nothing is told for so long, and that nobody asks for, is gone."""
TEARDOWN_S = 120.0
IDLE_MIN = 5
"""SkyPilot takes a machine down so long after its keeper has ended."""
FOLDER = ".situs/kept"
ALIVE = ("INIT", "PENDING", "SETTING_UP", "RUNNING")
"""States of SkyPilot's jobs."""


class Machines:
    """The machines of one site. Any call may raise Unreachable and ServerError."""

    def __init__(self, server: ApiServer, names: Names, unattended_s: float) -> None:
        """``unattended_s``: a machine that nobody has asked after for so long is given back, whatever it does."""
        self._server = server
        self._names = names
        self._unattended_s = unattended_s
        self._launches: dict[str, str] = {}
        """requests of this process, by the name of what they ask for"""
        self._launched: set[str] = set()
        self._seen: tuple[float, dict[Key, Mapping[str, Any]]] = (float("-inf"), {})
        self._looking = threading.Lock()

    def all(self, oldest_s: float = FRESH_S) -> Mapping[Key, Mapping[str, Any]]:
        """What the server tells of each of ours; it may be two seconds old, or as old as is said."""
        with self._looking:
            if time.monotonic() - self._seen[0] > oldest_s:
                self._seen = (time.monotonic(), self._asked(include_handle=False, include_credentials=False))
            return self._seen[1]

    def one(self, key: Key, *, refresh: bool = False) -> Mapping[str, Any] | None:
        """What it tells of one, with what is needed to reach it; ``refresh``: it asks the cloud first."""
        how = {"refresh": "FORCE"} if refresh else {}
        names = [self._names.cluster(key)]
        return self._asked(cluster_names=names, include_handle=True, include_credentials=True, **how).get(key)

    def up(self, key: Key, machine: Machine, timeout_s: float) -> Mapping[str, Any]:
        """Have the machine of a run, and wait for it. Raises Pending when it is not there within the time.

        It is asked for once: who waits while somebody else gives it back must not rent another one.
        """
        deadline, asked, gone_s = time.monotonic() + timeout_s, False, float("inf")
        while True:
            # In this order: what is looked up while a request comes to its end is of before that end.
            waits = self._is_under_way(key)
            record = self.one(key)
            why = str((record or {}).get("init_status_reason") or "it waits for its turn") if waits else None
            up = record is not None and record["status"] == "UP"
            if record is not None and up and why is None and self._has_keeper(key):
                return record
            if why is not None:
                gone_s = float("inf")
            elif not asked:
                self._launch(key, machine)
                why = "SkyPilot was asked for it"
            else:
                # One look is not enough: what a request has done may be told a little after its end.
                gone_s = min(gone_s, time.monotonic() + GONE_S)
                why = "nothing is told of it"
                if time.monotonic() >= gone_s:
                    raise Pending(f"its machine ({machine}) was given back while it was waited for")
            asked = True
            if time.monotonic() >= deadline:
                raise Pending(f"its machine ({machine}) is not there yet: {why}")
            time.sleep(PAUSE_S)

    def down(self, key: Key) -> None:
        """Give the machine back, also one that is only on its way."""
        name = self._names.cluster(key)
        self._launches.pop(name, None)
        if waiting := [request["request_id"] for request in self._requests(name)]:
            self._server.done("/api/cancel", request_ids=waiting)
        if self.one(key) is None and not waiting:
            return
        try:
            self._server.done("/down", TEARDOWN_S, cluster_name=name)
        except ServerError as error:
            if error.kind != "ClusterDoesNotExist":
                raise
        with self._looking:
            self._seen = (float("-inf"), {})

    def history(self, key: Key) -> Mapping[str, Any] | None:
        """What the server remembers of a machine, also of one that is gone: how long it was there, what it cost."""
        told = self._server.done("/cost_report", cluster_names=[self._names.cluster(key)])
        return max(told, key=lambda report: report.get("launched_at") or 0, default=None)

    def billed(self, key: Key) -> Money | None:
        """What a machine has cost so far, by the prices that SkyPilot knows; None: it knows none."""
        report = self.history(key) or {}
        cost = Decimal(str(report.get("total_cost") or 0))
        return Money(amount=cost, currency="USD") if cost > 0 else None

    def said(self, key: Key, timeout_s: float) -> tuple[str, list[str]]:
        """The folder of the machine's keeper and its host keys, as it wrote them into its log."""
        deadline = time.monotonic() + timeout_s
        while True:
            with suppress(Pending, ServerError):
                if (found := self._said(key, timeout_s)) is not None:
                    return found
            if time.monotonic() >= deadline:
                name = self._names.cluster(key)
                raise Unreachable(f"the keeper of machine {name} has not said how to reach it")
            time.sleep(PAUSE_S)

    def _said(self, key: Key, timeout_s: float) -> tuple[str, list[str]] | None:
        folder, keys = None, list[str]()
        log = {"cluster_name": self._names.cluster(key), "job_id": None, "follow": True, "tail": 0}
        with self._server.lines("/logs", timeout_s, **log) as lines:
            for line in lines:
                _, is_ours, words = line.partition("situs-keeper ")
                what, _, value = words.strip().partition(" ")
                if not is_ours:
                    continue
                if what == "folder":
                    folder, keys = value, []
                elif what == "key":
                    keys.append(value)
                elif what == "ready" and folder is not None:
                    return folder, keys
        return None

    def _has_keeper(self, key: Key) -> bool:
        """Whether it runs or will: a launch may have failed after its machine was there."""
        if self._names.cluster(key) in self._launched:
            self._launched.discard(self._names.cluster(key))
            return True
        jobs = self._server.done("/queue", cluster_name=self._names.cluster(key), skip_finished=True)
        return any(job["status"] in ALIVE for job in jobs)

    def _asked(self, **body: Any) -> dict[Key, Mapping[str, Any]]:
        told = self._server.done("/status", all_users=True, **body)
        found = ((self._names.key(record), record) for record in told)
        return {key: record for key, record in found if key is not None}

    def _requests(self, name: str) -> list[Mapping[str, Any]]:
        """Requests for a machine that are not done yet."""
        told = self._server.get("/api/status", cluster_name=name)
        return [request for request in told if request.get("name") == "sky.launch"]

    def _is_under_way(self, key: Key) -> bool:
        """Whether there is a request for it. Raises ServerError with why the last one failed."""
        name = self._names.cluster(key)
        if self._requests(name):
            return True
        if (number := self._launches.pop(name, None)) is not None:
            self._server.result(number)
            self._launched.add(name)
        return False

    def _launch(self, key: Key, machine: Machine) -> None:
        name = self._names.cluster(key)
        self._launches[name] = self._server.begin(
            "/launch", task=json.dumps(self._task(key, machine)), cluster_name=name, quiet_optimizer=True
        )

    def _task(self, key: Key, machine: Machine) -> dict[str, object]:
        keeper = files("situs.sites.cloud").joinpath("keeper.sh").read_text(encoding="utf-8")
        down = {"idle_minutes": IDLE_MIN, "down": True, "wait_for": "jobs"}
        return {
            "name": self._names.labels(key)["situs-workload"],
            "resources": {**machine.resources(), "autostop": down, "labels": self._names.labels(key)},
            "envs": {
                **self._names.variables(key),
                "SITUS_FOLDER": FOLDER,
                "SITUS_IDLE_S": "300",
                "SITUS_UNATTENDED_S": str(round(self._unattended_s)),
            },
            "run": keeper,
        }


def refusal(error: ServerError, machine: Machine) -> SitusError:
    """What to tell when SkyPilot cannot rent it."""
    return SitusError(f"no machine ({machine}): {error.message}")
