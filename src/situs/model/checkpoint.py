"""What a checkpoint is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StateFile:
    """One file of a checkpoint, as it was at one instant."""

    name: str
    """in the folder of its run"""
    size_bytes: int
    sha256: str
