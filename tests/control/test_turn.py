"""A site that lets a run wait in its queue is seen to give it its turn."""

from __future__ import annotations

from datetime import UTC, datetime

from situs.control.observe import Look
from situs.control.sightings import Sightings
from situs.control.state import State
from situs.control.wanted import Sight
from situs.sites.adapter import Health, Key, Status


def test_its_turn_is_an_event_once() -> None:
    state, key = State(1, Sightings(60.0)), Key("job", 2, 1)
    for seen in ("absent", "queued", "queued", "running", "running"):
        at = datetime.now(UTC)
        state.see(Look(Sight("cluster", at, True, {key: Status(seen)}), Health(True), None))  # type: ignore[arg-type]
    (event,) = state.news()[0]
    assert (event.kind, event.workload, event.unit, event.generation, event.site) == (
        "turn",
        "job",
        1,
        2,
        "cluster",
    )
