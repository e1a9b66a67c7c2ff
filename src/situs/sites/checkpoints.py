"""What a site does besides that can hold checkpoints: those of its own runs while they go on, and those of others.

A copy is a folder of files by their SHA-256, apart from the folders of runs, so that it outlives them.  Its name is
given out once: whoever removes one, however late, removes nothing that is still needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from situs.model.checkpoint import StateFile
from situs.model.error import SitusError
from situs.sites.adapter import Key


class Damaged(SitusError):
    """A file is not what it was taken down as, or not there any more."""


class Unsettled(SitusError):
    """The run was writing its state just then; nothing was taken down."""


class Checkpoints(Protocol):
    """The copies at one site. Any call may raise Unreachable, and all are safe to repeat."""

    def mark(self, key: Key, names: Sequence[str]) -> str | None:
        """Tells one state of a run from another one, without reading it; None: there is none that is whole.

        A state of several files is whole once the last one of ``names`` is there and none of them is newer.
        """
        ...

    def snapshot(self, key: Key, names: Sequence[str], copy: str) -> tuple[StateFile, ...]:
        """Hold the state of a run as it is now, those of ``names`` that are there. Raises Unsettled."""
        ...

    def adopt(self, copy: str, file: StateFile, other: str) -> bool:
        """Have a file that another copy has; False when it is not there, or damaged."""
        ...

    def deposit(self, copy: str, file: StateFile, source: Path) -> None:
        """Have a file that this machine has, on from where it stopped. Raises Damaged."""
        ...

    def withdraw(self, copy: str, file: StateFile, target: Path) -> None:
        """Copy a file to this machine, on from where it stopped. Raises Damaged; there is no target then."""
        ...

    def discard(self, copy: str) -> None:
        """Remove a copy, if there is anything of it."""
        ...


@runtime_checkable
class HoldsCheckpoints(Protocol):
    """A site that can."""

    def checkpoints(self) -> Checkpoints:
        """The copies there."""
        ...
