"""The openb task trace: one row for each task that ran on a production cluster with shared GPUs.

Columns: name, cpu_milli, memory_mib, num_gpu, gpu_milli (thousandths of each GPU), gpu_spec (acceptable
models with | between), qos, pod_phase, creation_time, deletion_time, scheduled_time (seconds of the trace).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from situs.intent.hints import did_you_mean, shortened
from situs.intent.importing.accelerators import accelerator_name
from situs.intent.importing.draft import Draft, sound_name
from situs.intent.importing.result import Imported
from situs.intent.importing.table import Table
from situs.model.error import Position

NEEDED = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "creation_time", "deletion_time")
OPTIONAL = ("gpu_spec", "qos", "pod_phase", "scheduled_time")
BEST_EFFORT = "BE"


def read_openb(table: Table, limit: int | None = None, at: datetime | None = None) -> Imported:
    """Each task as a job that runs once. ``at`` is the instant at which the trace's clock shows zero."""
    draft = Draft("an openb task trace")
    known = (*NEEDED, *OPTIONAL)
    top = Position(table.file, 1, 1)
    for column in table.header:
        if column not in known:
            draft.unmapped(top, f"column {column!r}", did_you_mean(column, known) or "it is not known")
    missing = [column for column in NEEDED if column not in table.header]
    for column in missing:
        draft.problem(top, f"the trace has no column {column}", did_you_mean(column, table.header))
    if not missing:
        draft.assumed(top, "stage", "batch is written for all; the trace has no stages")
        if at is None:
            draft.unmapped(
                top, "creation_time", "the trace's clock has no date; give --at and tasks start no earlier"
            )
        for number, (place, cells) in enumerate(table.rows()):
            if limit is not None and number >= limit:
                draft.unmapped(place, "all further rows", f"only the first {limit} were asked for")
                break
            _task(draft, place, dict(zip(table.header, cells, strict=False)), at)
    return draft.finished()


def _task(draft: Draft, place: Position, row: Mapping[str, str], at: datetime | None) -> None:
    name = sound_name(row.get("name", ""))
    if not name or draft.has("workloads", name):
        what = (
            f"{shortened(row.get('name', ''), 60)!r} is there a second time"
            if name
            else "the row has no usable name"
        )
        draft.problem(place, what, "each task has its own name")
        return
    numbers = {column: _number(draft, place, column, row.get(column, "")) for column in NEEDED[1:]}
    if any(value is None for value in numbers.values()):
        return
    value = {column: number for column, number in numbers.items() if number is not None}
    # A task that was never scheduled counts from its creation, as far as the trace tells.
    scheduled = row.get("scheduled_time", "")
    began = _number(draft, place, "scheduled_time", scheduled) if scheduled else None
    if began is None:
        began = value["creation_time"]
        draft.assumed(
            place, "length of tasks that were never scheduled", "from their creation to their deletion"
        )
    if value["deletion_time"] < began:
        draft.problem(place, f"{name} ends at {value['deletion_time']:g} s, before it begins at {began:g} s")
        return
    job: dict[str, Any] = {"work": (value["deletion_time"] - began) / 3600.0}
    if at is not None:
        job["earliest"] = (at + timedelta(seconds=value["creation_time"])).isoformat()
    entry: dict[str, Any] = {"stage": "batch", "shapes": [_shape(draft, place, row, value)], "job": job}
    qos = row.get("qos", "")
    if qos != BEST_EFFORT:
        entry["label"] = {"level": 0, "obligations": ["no-spot"]}
    if qos:
        draft.unmapped(place, f"qos {qos}", "kept only as whether spot capacity will do (BE)")
    if row.get("pod_phase"):
        draft.unmapped(place, f"pod_phase {row['pod_phase']}", "how it ended does not tell what it needs")
    draft.add("workloads", name, entry, place)


def _shape(
    draft: Draft, place: Position, row: Mapping[str, str], value: Mapping[str, float]
) -> dict[str, Any]:
    shape: dict[str, Any] = {"cpu": value["cpu_milli"] / 1000.0, "memory": value["memory_mib"] / 1024.0}
    gpus = value["num_gpu"] * value["gpu_milli"] / 1000.0
    if gpus > 1 and not gpus.is_integer():
        draft.unmapped(place, "parts of several GPUs", "whole GPUs are written")
        gpus = math.ceil(gpus)
    if gpus:
        shape["accelerators"] = gpus
        models = [accelerator_name(model) for model in row.get("gpu_spec", "").split("|") if model.strip()]
        if models:
            shape["accelerator"] = models
    return shape


def _number(draft: Draft, place: Position, column: str, text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (0 <= number < 1e15):
        draft.problem(place, f"{column}: {shortened(text, 60)!r} is not a number of zero or more")
        return None
    return number
