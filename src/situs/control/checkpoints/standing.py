"""Which checkpoints are kept where, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from situs.control.checkpoints.wanting import newest_first
from situs.store import checkpoints


@dataclass(frozen=True)
class KeptView:
    """One checkpoint that is whole at a site, and to which its unit can go back there."""

    unit: int
    generation: int
    """of the run that wrote it"""
    at: datetime
    """what was written later is not in it"""
    step: int | None
    """the last that the run had reported before; None: it reports none"""
    site: str
    size_bytes: int


def kept(connection: Connection, workload: str | None = None) -> Sequence[tuple[str, KeptView]]:
    """All that are safe, or those of one workload, by its name; the newest of each unit first."""
    return [
        (copy.workload, KeptView(copy.unit, copy.generation, copy.at, copy.step, site, copy.size_bytes))
        for copy in newest_first(checkpoints.present(connection))
        if workload is None or copy.workload == workload
        for site in copy.safe_at
    ]
