"""Where work goes, or why nowhere, as answers tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from situs.api.problems import Problem
from situs.control.foreseen import ForeseenRun, foreseen_run
from situs.control.submitting import NoPlace
from situs.planner.single import Placed

FORESEEN = TypeAdapter(ForeseenRun)

LOOKED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Where it would go; nothing was handed in (`dry_run`).",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
"""What the document says of answers to those who only look."""


def told(name: str, placed: Placed, hours: float | None, folder: Path) -> dict[str, Any]:
    """What was decided, with amounts as exact text. ``folder``: that of the sites' data."""
    values: dict[str, Any] = FORESEEN.dump_python(foreseen_run(name, placed, hours, folder), mode="json")
    return values


def nowhere(refused: NoPlace, hours: float | None, folder: Path) -> Problem:
    """That there is no place, and why."""
    return Problem(409, str(refused), place=told(refused.name, refused.placed, hours, folder))
