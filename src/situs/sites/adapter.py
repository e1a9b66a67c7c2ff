"""The contract between situs and a kind of site: each kind is one file that does these things.

Every call is safe to repeat.  A start is named by workload and generation: asking twice for the same gives
the one that runs, asking for a lower generation than the site has seen is refused, so that a stale executor
can never move a site backwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from situs.model.capability import Capability as Capability
from situs.model.error import SitusError

if TYPE_CHECKING:
    # Supervisors need none, and one is started for each run.
    from situs.model.money import Money

State = Literal["absent", "queued", "running", "ended"]
Reason = Literal[
    "exited", "signalled", "timeout", "memory", "stopped", "cancelled", "lost", "lapsed", "dependency"
]
"""``stopped``: we asked for it; ``lapsed``: its lease was over and nobody had renewed it; ``cancelled``: the site or
its people ended it; ``dependency``: what it was to wait for at the site did not end as it was to, so it never ran;
``lost``: how it went is unknown"""


class StaleGeneration(SitusError):
    """The site has already seen a higher generation of the unit."""


class Full(SitusError):
    """The site has no room for the task now; nothing was started, and asking again later is right."""


class Unsupported(SitusError):
    """The task asks for what this kind of site cannot do; nothing was started."""


class Unreachable(SitusError):
    """The site gave no answer: whether what was asked for happened is unknown, and asking again is safe."""


class CredentialOver(Unreachable):
    """The time of what we are known by at the site is over; ``next_step`` says how to renew it."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next_step = next_step


@dataclass(frozen=True)
class Key:
    """One run of one unit of a workload; its generation grows with every new start, wherever that is."""

    workload: str
    generation: int
    unit: int = 0
    """which of the workload's identical units, from 0"""

    def __str__(self) -> str:
        return f"{self.workload}.{self.unit}@{self.generation}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """The key that :func:`str` wrote. Raises ValueError for anything else."""
        name, _, generation = text.rpartition("@")
        workload, _, unit = name.rpartition(".")
        if not workload:
            raise ValueError(f"{text!r} is no key of a run")
        return cls(workload, int(generation), int(unit))


@dataclass(frozen=True)
class Task:
    """What is to be started."""

    key: Key
    command: tuple[str, ...]
    """no shell: the program and its arguments"""
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False, kw_only=True)
    """further variables of the run's own environment, which nobody else may ever see: neither in lists of processes
    or of jobs, nor in what the site tells of the run, nor in a file once the run has begun"""
    timeout_s: float | None = None
    memory_gib: float | None = None
    """at most, the process and all it starts together, on each node; None: no limit"""
    cpus: int | None = None
    """at most so many processors of each node; None: all there are"""
    accelerators: int = 0
    """on each node; the site sets aside so many and tells the run which, in ``SITUS_ACCELERATORS``"""
    accelerator_share: float = field(default=1.0, kw_only=True)
    """of each of them: below 1 others that asked for a part too may have the rest; a kind of site that cannot part them
    sets whole ones aside"""
    nodes: int = 1
    """of one pool, started together"""
    image: str | None = None
    """for sites that run containers; None: the site's own surroundings"""
    lease_until: float | None = field(default=None, kw_only=True)
    """the site ends it then by itself, at the latest, unless the lease is renewed (:class:`Leasing`); an instant of
    this machine's steady clock (:func:`situs.sites.steady.steady`). None: it needs no lease"""


@dataclass(frozen=True)
class Usage:
    """What a run has used."""

    wall_s: float
    cpu_s: float | None
    """None: the site cannot tell"""
    peak_memory_gib: float | None
    """None: the site cannot tell"""
    billed: Money | None = None
    """what the site bills for it in all, with the time in which its machine was made ready; None: what is planned"""


@dataclass(frozen=True)
class Status:
    """Where a run is."""

    state: State
    """``queued``: the site has taken it and will run it once there is room"""
    exit_code: int | None = None
    reason: Reason | None = None
    usage: Usage | None = None
    detail: str | None = None
    """what the site says about it beyond that, such as why it waits or which node failed"""

    @property
    def alive(self) -> bool:
        """Whether it runs or will run without anybody asking again."""
        return self.state in ("queued", "running")

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself with exit code 0."""
        return self.state == "ended" and self.reason == "exited" and self.exit_code == 0


@dataclass(frozen=True)
class Nodes:
    """Nodes of one shape."""

    count: int
    cpus: int
    """of each"""
    memory_gib: float
    """of each"""
    accelerators: Mapping[str, int] = field(default_factory=dict)
    """of each: model -> how many"""


@dataclass(frozen=True)
class Inventory:
    """What is there now."""

    cpus: int
    memory_gib: float
    accelerators: Mapping[str, int]
    isolation: tuple[str, ...]
    """what the host offers to keep runs apart"""
    nodes: tuple[Nodes, ...] = ()
    """all of the above by the shape of nodes; empty: it is one node"""


@dataclass(frozen=True)
class Credential:
    """What we are known by at a site, such as a token, and for how long that is."""

    what: str
    begins: datetime | None
    """None: it does not say"""
    ends: datetime
    next_step: str
    """how it is renewed"""


@dataclass(frozen=True)
class Health:
    """Whether a site can be worked with, and if not, why and what to do about it."""

    ok: bool
    cause: str | None = None
    next_step: str | None = None
    clock_ahead_s: float = 0.0
    """how far the site's clock is ahead of this machine's; negative: behind. Only as exact as the way there is short"""
    free_gib: float | None = None
    """where runs are kept; None: the site cannot tell"""
    mode: str | None = None
    """of the folder that runs are kept in, as ``ls -l`` shows it; None: there is no such folder to look at"""
    credential: Credential | None = None
    """None: it has no end, or does not tell it"""


def free_gib(kib: str) -> float | None:
    """From the kibibytes that ``df`` says; None for what is no number."""
    return int(kib) / 2**20 if kib.isdecimal() else None


def by_shape(nodes: Iterable[Nodes]) -> tuple[Nodes, ...]:
    """The nodes with those of one shape counted together, the most numerous shape first."""
    found: list[Nodes] = []
    for node in nodes:
        # Memory differs by some MiB between machines that were bought as the same.
        at = next((at for at, seen in enumerate(found) if _alike(seen, node)), None)
        if at is None:
            found.append(node)
        else:
            found[at] = replace(found[at], count=found[at].count + node.count)
    return tuple(sorted(found, key=lambda node: -node.count))


def _alike(one: Nodes, other: Nodes) -> bool:
    same = (one.cpus, one.accelerators) == (other.cpus, other.accelerators)
    return same and math.isclose(one.memory_gib, other.memory_gib, rel_tol=0.02)


def refuse_unsupported(task: Task, capabilities: Collection[Capability], kind: str) -> None:
    """Raises Unsupported for the first thing a task asks for that is not among the capabilities of its site."""
    asked: tuple[tuple[Capability, bool, str], ...] = (
        ("memory", task.memory_gib is not None, "limit memory"),
        ("cpus", task.cpus is not None, "limit processors"),
        ("accelerators", task.accelerators > 0, "set accelerators aside"),
        ("nodes", task.nodes > 1, "start one task on several nodes"),
        ("image", task.image is not None, "run an image"),
        ("secrets", bool(task.secrets), "hand over secrets"),
        ("lease", task.lease_until is not None, "hold a run to a lease"),
    )
    for capability, wanted, what in asked:
        if wanted and capability not in capabilities:
            raise Unsupported(f"{task.key.workload}: a site of kind {kind} cannot {what}; leave that out")


class Adapter(Protocol):
    """One site, reached in one way.

    Any call may raise :class:`Unreachable`.
    """

    capabilities: frozenset[Capability]
    """What a task may ask for beyond a command, its environment and a time limit"""

    def health(self) -> Health:
        """Whether the site answers and can start things; a site that is away is told of here, not raised."""
        ...

    def inventory(self) -> Inventory:
        """What is there."""
        ...

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256.

        It is for runs that have not started: a site that can tell refuses once it has, so that one who was
        frozen and believes that it has not does not overwrite what it wrote.
        """
        ...

    def start(self, task: Task) -> None:
        """Start the task, unless it runs or ran already.

        Raises Unsupported for what is not among the capabilities: a limit is never passed over in silence.
        Raises Full while it has no room; sites that let runs wait take it instead.
        Raises StaleGeneration when the site has ever started a higher generation of the workload, also when
        that one was forgotten since.
        """
        ...

    def status(self, key: Key) -> Status:
        """Where the run is."""
        ...

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from."""
        ...

    def signal(self, key: Key, name: str) -> None:
        """Send a signal such as ``SIGUSR1`` to the run's own process; nothing happens once it has ended."""
        ...

    def fence(self, key: Key) -> None:
        """Refuse all starts of the unit below this generation from now on, without starting anything."""
        ...

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """Ask the run to end, and end it after the grace."""
        ...

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        ...

    def known(self) -> list[Key]:
        """All runs of ours that the site knows."""
        ...

    def forget(self, key: Key) -> None:
        """Remove a run that has ended, with its folder."""
        ...


@runtime_checkable
class Tells(Protocol):
    """What a site does besides that says by itself when a run has ended, so that nobody has to look often."""

    def tell(self, said: Callable[[Key, Status], None]) -> Callable[[], None]:
        """From now on call ``said`` when a run has ended, from any thread; gives what ends that.

        What is missed is found by looking.
        """
        ...


@runtime_checkable
class Follows(Protocol):
    """What a site does besides that says by itself when a run has written to a file, so that it is read at once."""

    def follow(self, name: str, said: Callable[[Key], None]) -> Callable[[], None]:
        """From now on call ``said``, from any thread, when a run has written to its file of this name, or has ended.

        Gives what ends that. What is missed is found by reading again.
        """
        ...


@runtime_checkable
class Keeps(Protocol):
    """What a site does besides that can hold files for all its runs, so that what many need is sent there once."""

    def keep(self, key: Key, source: Path, digest: str) -> str:
        """Have a file at the site by its SHA-256, for this run and all others; gives its absolute path there.

        It is sent only where it is not there yet, appears whole or not at all, and is never changed.
        """
        ...


@runtime_checkable
class Leasing(Protocol):
    """What a site does besides that can hold runs to leases: it has the capability ``lease``."""

    def renew(self, leases: Mapping[Key, float]) -> None:
        """Let runs that have a lease go on until then: instants of this machine's steady clock.

        What arrives late is worth no more than what arrives at once: the site's own clock is told when the lease
        ends, not how long it is.  Runs that are over, and those that were started without a lease, stay as they are.
        """
        ...


@runtime_checkable
class Enterable(Protocol):
    """What a site does besides where a person can look around in the folder of a run."""

    def enter(self, key: Key, command: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """The command of this machine that runs ``command`` in the run's folder; none: a shell for a person.

        ``terminal``: it is to have one, as this machine's own standard input is one. Raises SitusError.
        """
        ...
