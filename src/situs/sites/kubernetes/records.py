"""What is written down at the cluster about units and runs, each change by compare-and-set."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from situs.sites.adapter import Key, Reason, StaleGeneration, Status, Unreachable, Usage
from situs.sites.kubernetes.cluster import CONFIG, Cluster, Object
from situs.sites.kubernetes.names import KEY, Names

TRIES = 50
"""Each try that fails is somebody else's that did not."""
NEWEST = "newest"
RECENT_S = 2.0
"""Runs are looked at one after another right after they were listed, so what the list said is used for so long."""


@dataclass(frozen=True)
class Record:
    """What is known of a run for good."""

    begun: bool = False
    """its job was made, and is not made again"""
    nodes: int = 1
    """so many pods its job has"""
    secret: bool = False
    """it was given one, and nobody has seen it begin yet"""
    broken: bool = False
    """one of its pods failed, and the others were told to end"""
    why: Reason | None = None
    """why it must end, once somebody has decided that"""
    end: Status | None = None
    """how it went"""


class Records:
    """The records of one site."""

    def __init__(self, cluster: Cluster, names: Names) -> None:
        self._cluster = cluster
        self._names = names
        self._listed: dict[Key, Record] = {}
        self._listed_at = float("-inf")

    def admit(self, key: Key) -> None:
        """Refuse all that is lower from now on, for ever. Raises StaleGeneration when this one is."""

        def raised(data: dict[str, str]) -> dict[str, str]:
            newest = int(data.get(NEWEST, "0"))
            if newest > key.generation:
                raise StaleGeneration(
                    f"{key.workload}: generation {key.generation} is older than {newest}, which this site has seen"
                )
            return {NEWEST: str(key.generation)}

        metadata = self._names.metadata("unit", key, self._names.unit(key))
        self._changed(metadata, raised)

    def run(self, key: Key) -> Record | None:
        """What is written about a run; None when nothing is. Others may have written more just now."""
        if time.monotonic() - self._listed_at < RECENT_S and (recent := self._listed.get(key)) is not None:
            return recent
        found = self._cluster.get(CONFIG, self._names.run(key))
        return None if found is None else _record(found)

    def note(self, key: Key, change: Callable[[Record], Record] = lambda record: record) -> Record:
        """Write something about a run; gives what is written then."""
        self._listed.pop(key, None)
        metadata = self._names.metadata("run", key, self._names.run(key))
        return _record(self._changed(metadata, lambda data: _data(change(_record({"data": data})))))

    def end(self, key: Key, status: Status) -> Status:
        """Write down how a run went; what was written first counts, and is given."""
        noted = self.note(key, lambda record: record if record.end else replace(record, end=status))
        return noted.end or status

    def keys(self) -> list[Key]:
        """All runs that something is written about."""
        at, found = time.monotonic(), self._cluster.find(CONFIG, self._names.selector("run"))
        listed = {Key.parse(one["metadata"]["annotations"][KEY]): _record(one) for one in found}
        self._listed, self._listed_at = dict(listed), at
        return list(listed)

    def remove(self, key: Key) -> None:
        """Forget what is written about a run."""
        self._listed.pop(key, None)
        self._cluster.delete(CONFIG, self._names.run(key))

    def _changed(
        self, metadata: Mapping[str, object], change: Callable[[dict[str, str]], dict[str, str]]
    ) -> Object:
        name = str(metadata["name"])
        for _ in range(TRIES):
            found = self._cluster.get(CONFIG, name)
            data = (found or {}).get("data") or {}
            wanted = change(dict(data))
            if found is not None and wanted == data:
                return found
            if found is None:
                done = self._cluster.create(CONFIG, {"metadata": metadata, "data": wanted})
            else:
                done = self._cluster.replace(CONFIG, {"metadata": found["metadata"], "data": wanted})
            if done is not None:
                return done
        raise Unreachable(f"others change {name} all the time")


def _record(found: Object) -> Record:
    data = found.get("data") or {}
    why = data.get("why")
    end = json.loads(data["end"]) if "end" in data else None
    if end is not None:
        usage = None if end["usage"] is None else Usage(**end["usage"])
        end = Status(end["state"], end["exit_code"], end["reason"], usage, end["detail"])
    return Record(
        data.get("begun") == "yes", int(data.get("nodes", "1")), data.get("secret") == "yes",
        data.get("broken") == "yes", cast(Reason, why) if why in get_args(Reason) else None, end,
    )  # fmt: skip


def _data(record: Record) -> dict[str, str]:
    data = {"begun": "yes"} if record.begun else {}
    data |= {"nodes": str(record.nodes)} if record.nodes > 1 else {}
    data |= {"secret": "yes"} if record.secret else {}
    data |= {"broken": "yes"} if record.broken else {}
    data |= {"why": record.why} if record.why else {}
    return data | ({"end": json.dumps(_plain(record.end))} if record.end else {})


def _plain(status: Status) -> dict[str, Any]:
    usage = None if status.usage is None else vars(status.usage)
    return {**vars(status), "usage": usage}
