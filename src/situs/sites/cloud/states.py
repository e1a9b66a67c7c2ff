"""What SkyPilot's words for a machine mean for the run that it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from situs.sites.adapter import Status, Usage


def in_trouble(record: Mapping[str, Any]) -> bool:
    """Whether a machine that was up is not well: its run may go on nevertheless."""
    return record["status"] == "INIT" and record.get("init_kind") == "unhealthy"


def progress(record: Mapping[str, Any] | None) -> str | None:
    """How far a machine is on which nothing was begun yet."""
    if record is None:
        return None
    return (
        f"its machine is {record['status']}: {record.get('init_status_reason') or record.get('last_event')}"
    )


def gone(told: Mapping[str, Any], record: Mapping[str, Any] | None) -> Status:
    """The end of a run whose machine is gone or stopped, by what is remembered of it."""
    if record is not None:
        why = "its machine was stopped, not by situs"
    elif "[spot]" in str(told.get("resources_str_full")).lower():
        why = "its spot machine was taken back"
    else:
        why = "its machine is gone"
    usage = Usage(float(told["duration"]), None, None) if told.get("duration") else None
    detail = f"{why} ({told.get('last_event') or 'SkyPilot does not say why'})"
    return Status("ended", None, "cancelled", usage, detail)
