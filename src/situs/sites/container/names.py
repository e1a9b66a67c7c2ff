"""What an engine remembers for us, in names and labels of its containers and volumes.

An engine has no place to write things down, but its names are unique and change in one step:

* a **run** is a container named ``PREFIX.KEY-ATTEMPT``, and ``PREFIX.KEY-ATTEMPT-WHY`` once somebody has decided why
  it must end.  Whoever wants to start it first renames it to the next attempt, then starts it by that name: of
  several only one holds the name, and a start that was on its way for long finds nothing under the old one;
* the run's **work** folder is a volume, which outlives the container;
* that a run has **begun** is a volume too: when somebody removes the container, it has not run never;
* whose an **accelerator** is stands on a volume whose name ends with a turn, see
  :mod:`situs.sites.container.accelerators`;
* the highest **newest** generation of a unit is a volume as well.  Volumes hold it because ``docker system prune``
  leaves named ones alone, where it removes containers that do not run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from situs.sites.adapter import Key

Why = Literal["stopped", "timeout", "memory", "cancelled"]
Role = Literal["run", "folder", "work", "begun", "newest"]
SITE, KEY, ROLE, UNIT, GENERATION, LIMIT = (
    "situs.site", "situs.key", "situs.role", "situs.unit", "situs.generation", "situs.timeout_s",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """The container of a run as a list of containers tells of it."""

    id: str
    name: str
    attempt: int
    why: Why | None
    state: str
    labels: dict[str, str]

    @property
    def key(self) -> Key:
        """Which run it is."""
        return Key.parse(self.labels[KEY])

    @property
    def has_ended(self) -> bool:
        """Whether it ran and does no more; also one that the engine is just removing."""
        return self.state in ("exited", "dead", "removing", "stopped")

    def renamed(self, name: str, why: Why) -> Run:
        """The same container once it has its last name."""
        return replace(self, name=name, why=why)


class Names:
    """Names and labels of one site at an engine; several sites may share an engine."""

    def __init__(self, site: str) -> None:
        self.site = site
        self._prefix = f"situs-{hashlib.sha256(site.encode()).hexdigest()[:8]}"

    def run(self, key: Key, attempt: int, why: Why | None = None) -> str:
        """The container of a run."""
        return f"{self._prefix}.{_plain(key)}-{attempt}" + (f"-{why}" if why else "")

    def folder(self, key: Key, suffix: str) -> str:
        """A container that only opens a run's folder."""
        return f"{self._prefix}.{_plain(key)}-folder-{suffix}"

    def work(self, key: Key) -> str:
        """The volume of a run's folder."""
        return f"{self._prefix}.{_plain(key)}-work"

    def begun(self, key: Key) -> str:
        """The volume that says that a run has begun."""
        return f"{self._prefix}.{_plain(key)}-begun"

    def newest(self, key: Key) -> str:
        """The volume that says that a generation of a unit was seen."""
        return f"{self._prefix}.{key.workload}.{key.unit}-newest-{key.generation}"

    def accelerator(self, number: int, *, simulated: bool) -> str:
        """The volumes that say whose an accelerator is, up to the turn; real ones belong to all sites of an engine."""
        return f"{self._prefix}.accelerator-{number}" if simulated else f"situs-accelerator-{number}"

    def labels(self, role: Role, key: Key) -> dict[str, str]:
        """What tells a thing of ours from others."""
        return {
            SITE: self.site, ROLE: role, KEY: str(key), UNIT: f"{key.workload}.{key.unit}",
            GENERATION: str(key.generation),
        }  # fmt: skip

    def filters(self, *, role: Role | None = None, key: Key | None = None, unit: Key | None = None) -> Any:
        """The filter that finds things by their labels."""
        wanted = [f"{SITE}={self.site}"]
        wanted += [f"{ROLE}={role}"] if role else []
        wanted += [f"{KEY}={key}"] if key else []
        wanted += [f"{UNIT}={unit.workload}.{unit.unit}"] if unit else []
        return {"label": wanted}

    def match(self, labels: Mapping[str, str], filters: Mapping[str, list[str]]) -> bool:
        """Whether a thing that has these labels is one that the filter means."""
        return all(
            labels.get(name) == value for name, _, value in (w.partition("=") for w in filters["label"])
        )


def runs(containers: Iterable[dict[str, Any]]) -> list[Run]:
    """Runs among listed containers, the one whose attempt counts first."""
    found = []
    for container in containers:
        name = container["Names"][0].lstrip("/") if container["Names"] else ""
        match = re.search(r"-(\d+)(?:-([a-z]+))?$", name)
        if match:
            why = cast(Why, match[2]) if match[2] in get_args(Why) else None
            labels = container["Labels"]
            found.append(Run(container["Id"], name, int(match[1]), why, container["State"], labels))
    return sorted(found, key=lambda run: -run.attempt)


def _plain(key: Key) -> str:
    """A key without the sign that engines do not allow in names."""
    return f"{key.workload}.{key.unit}.g{key.generation}"
